"""YFCC100M's table as published, bzip2 or plain, with or without line numbers."""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO
from urllib.parse import unquote_plus

from graticule.errors import GraticuleError, ManifestError
from graticule.photos.sources.pictures import Album
from graticule.photos.sources.source import About, Finder, Row, coordinates

_COLUMNS: Final = (
    "path",
    "lat",
    "lon",
    "photographer",
    "captured_at",
    "accuracy",
    "page",
    "source",
    "licence",
    "attribution",
)

ABOUT = About(
    name="yfcc",
    title="YFCC100M",
    home="https://multimediacommons.wordpress.com/yfcc100m-core-dataset/",
    files=("yfcc100m_dataset", "yfcc100m_dataset.bz2", "yfcc4k.txt"),
    licence="each photo has its own Creative Commons licence, kept in the column 'licence'",
    citation="Thomee et al.: YFCC100M, the new data in multimedia research, CACM 2016",
    columns=_COLUMNS,
)

#: Names of the fields after the photo's number, in the newer form with a hash in third place.
_FIELDS: Final = (
    "id hash user nickname taken uploaded device title description tags machine_tags lon lat "
    "accuracy page url licence licence_url server farm secret secret_original extension video"
)
_WITH_HASH: Final = _FIELDS.split(" ")
_WITHOUT_HASH: Final = [name for name in _WITH_HASH if name != "hash"]


def open_text(path: Path) -> TextIO:
    """Open a table that may be compressed.

    Raises:
        GraticuleError: it is not there.
    """
    try:
        if path.suffix == ".bz2":
            return bz2.open(path, "rt", encoding="utf-8", errors="replace", newline="\n")
        return path.open(encoding="utf-8", errors="replace", newline="\n")
    except OSError as error:
        raise GraticuleError(f"{path}: cannot be read ({error.strerror})") from error


def records(table: Path) -> Iterator[dict[str, str]]:
    """The photos of a table that have a place; videos and photos without one are passed over.

    Tab-separated, 23 fields (as first published), 24 or 25 (with a hash, with a line number).

    Raises:
        ManifestError: a line has another number of fields.
    """
    with open_text(table) as handle:
        for number, line in enumerate(_lines(handle, table), start=1):
            values = line.rstrip("\r\n").split("\t")
            if len(values) == 25:
                values = values[1:]
            if len(values) not in {23, 24}:
                raise ManifestError(
                    f"{table}: line {number} has {len(values)} fields instead of 23 or 25; "
                    "is this yfcc100m_dataset, tab-separated?"
                )
            names = _WITH_HASH if len(values) == 24 else _WITHOUT_HASH
            record = dict(zip(names, values, strict=True))
            if record["video"] == "0" and coordinates(record["lat"], record["lon"]):
                yield record


def _lines(handle: TextIO, table: Path) -> Iterator[str]:
    try:
        yield from handle
    except (OSError, EOFError) as error:
        raise GraticuleError(
            f"{table}: breaks off or is not bzip2 ({error}); download it again"
        ) from error


def sized(url: str, size: str) -> str:
    """A Flickr address in another size: ``…/1_a.jpg`` in size "z" is ``…/1_a_z.jpg``."""
    stem, dot, ending = url.rpartition(".")
    return f"{stem}_{size}{dot}{ending}" if size and dot else url


def row(record: dict[str, str], path: str, source: str = ABOUT.name) -> Row:
    """The manifest's row of a record."""
    lat, lon = coordinates(record["lat"], record["lon"]) or (None, None)
    name = unquote_plus(record["nickname"]) or record["user"]
    taken = record["taken"][:19].replace(" ", "T")
    return {
        "path": path,
        "lat": lat,
        "lon": lon,
        "photographer": record["user"],
        "captured_at": taken if taken[:4].isdigit() and not taken.startswith("0000") else "",
        "accuracy": record["accuracy"],
        "page": record["page"],
        "source": source,
        "licence": record["licence"],
        "attribution": f"{name}, {record['page']}",
    }


def rows(
    table: Path,
    root: Path,
    photos: Path | None = None,
    album: Album | None = None,
    *,
    size: str = "z",
    accuracy: int = 1,
    limit: int | None = None,
) -> Iterator[Row]:
    """Rows of the photos that are in a local folder, or that can be downloaded.

    Args:
        table: ``yfcc100m_dataset`` or a part of it.
        root: the manifest's folder.
        photos: a folder that holds them, named by number or by hash.
        album: where to download them to, instead.
        size: Flickr's letter for the size to download, "" for the original.
        accuracy: at least so exact a place, from 1 (the world) to 16 (a street).
        limit: at most so many.
    """
    finder = Finder(root, photos) if photos is not None else None
    count = 0
    for record in records(table):
        if limit is not None and count >= limit:
            return
        if not record["accuracy"].isdigit() or int(record["accuracy"]) < accuracy:
            continue
        path = None
        if finder is not None:
            path = finder.find(f"{record['id']}.jpg", f"{record.get('hash', '')}.jpg")
        elif album is not None:
            path = album.get(record["id"], sized(record["url"], size))
        if path is not None:
            count += 1
            yield row(record, path)
