"""OpenStreetView-5M: its tables and zip shards, with frames that tell their own place marked."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from graticule.errors import GraticuleError, ManifestError, PhotoError
from graticule.files import atomic
from graticule.photos.sources import marks
from graticule.photos.sources.lettering import has_burned_in_text
from graticule.photos.sources.mapillary import from_milliseconds
from graticule.photos.sources.source import About, Row, coordinates, reach

if TYPE_CHECKING:
    from graticule.download import Client

#: Where the makers publish it; each file's SHA-256 is stated by the server and checked.
HUB: Final = "https://huggingface.co/datasets/osv5m/osv5m/resolve/main"
#: Number of zip files of each split.
SHARDS: Final = {"train": 98, "test": 5}

ABOUT = About(
    name="osv5m",
    title="OpenStreetView-5M",
    home="https://huggingface.co/datasets/osv5m/osv5m",
    files=("train.csv", "test.csv", "images/train/NN.zip", "images/test/NN.zip"),
    licence="CC BY-SA 4.0 (photos of Mapillary's contributors)",
    citation="Astruc, Dufour, Siglidis et al.: OpenStreetView-5M, CVPR 2024",
    columns=(
        "path",
        "lat",
        "lon",
        "country",
        "region",
        "city",
        "photographer",
        "sequence",
        "captured_at",
        "climate",
        "drive_side",
        "land_cover",
        "mark",
        "split",
        "source",
        "licence",
        "attribution",
    ),
)

_MEMBER: Final = re.compile(r"^(?:[^/\\]+/)*(\d+)\.jpe?g$", re.IGNORECASE)
_MOST_BYTES: Final = 64 << 20
_NEEDED: Final = ("id", "latitude", "longitude")


def download(
    client: Client,
    folder: Path,
    split: str,
    shards: tuple[str, ...],
    base: str = HUB,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Fetch a split's table and some of its shards, as the makers lay them out.

    Raises:
        DownloadError: a file could not be had; what has arrived of it is kept for the next run.
    """
    client.fetch(f"{base}/{split}.csv", folder / f"{split}.csv", progress=progress)
    for shard in shards:
        name = f"images/{split}/{shard}.zip"
        client.fetch(f"{base}/{name}", folder / name, progress=progress)


def shard_names(split: str, wanted: str) -> tuple[str, ...]:
    """Shards from the command line: "all", "00", "00,03" or "00-04".

    Raises:
        GraticuleError: there is no such shard.
    """
    count = SHARDS[split]
    if wanted == "all":
        return tuple(f"{number:02}" for number in range(count))
    chosen: list[int] = []
    for part in wanted.split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise GraticuleError(f"--shards {wanted!r}: write all, 00, 00,03 or 00-04")
        chosen.extend(range(int(first), int(last or first) + 1))
    if not chosen or max(chosen) >= count:
        raise GraticuleError(f"--shards {wanted!r}: {split} has shards 00 to {count - 1:02}")
    return tuple(f"{number:02}" for number in chosen)


def unpack(folder: Path, split: str, target: Path, say: Callable[[str], None]) -> None:
    """Unpack a split's zip files into ``target/NN/ID.jpg``; photos that are there are kept.

    A name inside a zip file is never followed: only its number counts.
    """
    for shard in sorted((folder / "images" / split).glob("*.zip")):
        try:
            with zipfile.ZipFile(shard) as archive:
                for member in archive.infolist():
                    _unpack_member(archive, member, target / shard.stem)
        except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
            say(f"{shard}: not a whole zip file ({error}); move it away and download it again")


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    found = _MEMBER.match(member.filename)
    if found is None or member.file_size > _MOST_BYTES:
        return
    path = target / f"{found.group(1)}.jpg"
    if path.is_file() and path.stat().st_size == member.file_size:
        return
    body = archive.read(member)  # checks the CRC
    with atomic(path, "wb") as handle:
        handle.write(body)


def rows(
    folder: Path,
    root: Path,
    split: str = "train",
    *,
    look: bool = True,
    limit: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Row]:
    """Rows of a split's photos that are there.

    Args:
        folder: holds ``train.csv`` and ``images/train/NN.zip`` or what was unpacked from them.
        root: the manifest's folder; zip files are unpacked into ``images`` inside it.
        split: "train" or "test".
        look: open every photo and mark frames with text burned in.
        limit: at most so many.
        say: gets a sentence on what could not be used.

    Raises:
        GraticuleError: the table is not there or is another one.
    """
    if split not in SHARDS:
        raise GraticuleError(f"--split {split}: train or test")
    table = folder / f"{split}.csv"
    if not table.is_file():
        raise GraticuleError(f"{table}: not there; give OSV-5M's folder, or add --download")
    if list((folder / "images" / split).glob("*.zip")):
        photos = root / "images" / split
        unpack(folder, split, photos, say)
    else:
        photos = folder / "images" / split
    way = reach(root, photos)
    numbers, homes, names = _listed(photos)
    count = burned = 0
    for line in _lines(table):
        if limit is not None and count >= limit:
            break
        identity = line["id"]
        at = int(np.searchsorted(numbers, int(identity))) if identity.isdigit() else len(numbers)
        if at >= len(numbers) or numbers[at] != int(identity):
            continue
        inside = f"{names[homes[at]]}{identity}.jpg"
        marked = look and has_burned_in(photos / inside)
        burned += marked
        count += 1
        yield _row(line, way + inside, split) | ({"mark": marks.BURNED_IN} if marked else {})
    if burned:
        say(f"osv5m: {burned:,} frames with text burned in, marked in the column mark")


def _lines(table: Path) -> Iterator[dict[str, str]]:
    with table.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = [name for name in _NEEDED if name not in (reader.fieldnames or [])]
        if missing:
            raise ManifestError(f"{table}: no column {missing[0]!r}; is this OSV-5M's table?")
        yield from reader


def _listed(photos: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[str]]:
    """Photos that are there: their numbers, sorted; the folder of each; the folders' names.

    Five million of them fit into 80 MB this way.
    """
    names = ["", *sorted(f"{child.name}/" for child in photos.iterdir() if child.is_dir())]
    numbers: list[npt.NDArray[np.int64]] = []
    homes: list[npt.NDArray[np.int64]] = []
    for index, name in enumerate(names):
        found = np.fromiter(
            (int(f.stem) for f in (photos / name).iterdir() if _is_photo(f)), dtype=np.int64
        )
        numbers.append(found)
        homes.append(np.full(len(found), index, dtype=np.int64))
    together = np.concatenate(numbers)
    order = np.argsort(together, kind="stable")
    return together[order], np.concatenate(homes)[order], names


def _is_photo(file: Path) -> bool:
    return file.suffix == ".jpg" and file.stem.isdigit() and len(file.stem) <= 18


def has_burned_in(file: Path) -> bool:
    """Whether a frame has a line of text burned in; one that cannot be read has not."""
    from graticule.photos.photo import open_photo

    try:
        return has_burned_in_text(open_photo(file).image)
    except PhotoError:
        return False


def _row(line: dict[str, str], path: str, split: str) -> dict[str, str | float | None]:
    lat, lon = coordinates(line["latitude"], line["longitude"]) or (None, None)
    name = line.get("creator_username") or line.get("creator_id") or ""
    page = f"https://www.mapillary.com/app/?pKey={line['id']}"
    country = line.get("country") or ""
    return {
        "path": path,
        "lat": lat,
        "lon": lon,
        "country": country if re.fullmatch("[A-Z]{2}", country) else "",
        "region": line.get("region") or "",
        "city": line.get("city") or "",
        "photographer": name,
        "sequence": line.get("sequence") or "",
        "captured_at": from_milliseconds(line.get("captured_at")),
        "climate": line.get("climate") or "",
        "drive_side": line.get("drive_side") or "",
        "land_cover": line.get("land_cover") or "",
        "split": split,
        "source": ABOUT.name,
        "licence": "CC BY-SA 4.0",
        "attribution": f"{name}, {page}" if name else page,
    }
