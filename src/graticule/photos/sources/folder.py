"""A folder of one's own photos: places from EXIF, from the folders' names, or from a table."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from graticule.errors import GraticuleError, ManifestError, PhotoError
from graticule.photos import schema
from graticule.photos.photo import SUFFIXES
from graticule.photos.sources.source import About, Finder, Row, coordinates, reach

#: What the name of a photo's folder may say.
LABELS: Final = ("country", "region", "city", "landmark", "scene")

ABOUT = About(
    name="folder",
    title="A folder of photos",
    home="your own",
    files=(),
    licence="yours to know; write it into the column 'licence' with --licence",
    citation="none",
    columns=(
        "path",
        "lat",
        "lon",
        "country",
        "region",
        "city",
        "landmark",
        "scene",
        "captured_at",
        "photographer",
        "sequence",
        "source",
        "licence",
        "attribution",
    ),
)


def photo_files(root: Path, photos: Path) -> Iterator[tuple[Path, str]]:
    """The photos of a folder, to any depth, with their paths for a manifest in ``root``."""
    way = reach(root, photos)
    for parent, folders, names in os.walk(photos):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not (Path(parent) / name).is_symlink()
        )
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                file = Path(parent, name)
                yield file, way + file.relative_to(photos).as_posix()


def exif_row(file: Path) -> dict[str, Any]:
    """Place and time that a photo's own metadata states.

    Raises:
        PhotoError: it is not a photo.
    """
    from PIL import Image

    from graticule.photos.exif import read_metadata

    try:
        with Image.open(file) as image:
            found = read_metadata(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PhotoError(f"{file}: not a photo that can be opened ({error})") from error
    return {"lat": found.lat, "lon": found.lon, "captured_at": found.captured_at or ""}


def rows(
    photos: Path,
    root: Path,
    *,
    label: str | None = None,
    table: Path | None = None,
    licence: str = "",
    limit: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Row]:
    """Rows of the photos of a folder.

    Args:
        photos: the folder.
        root: the manifest's folder.
        label: what the first folder below says: one of :data:`LABELS`.
        table: a CSV with a column of file names; its columns win over EXIF and folders.
        licence: written into every row that has none.
        limit: at most so many.
        say: gets a sentence on what could not be used.

    Raises:
        GraticuleError: the label is unknown, or the table names no photo of the folder.
    """
    if label is not None and label not in LABELS:
        raise GraticuleError(f"--label {label}: one of {', '.join(LABELS)}")
    common = {"source": ABOUT.name, "licence": licence}
    known = {} if table is None else read_table(table, Finder(root, photos), say)
    broken = count = 0
    for file, way in photo_files(root, photos):
        if limit is not None and count >= limit:
            break
        try:
            row = {**common, **exif_row(file), "path": way}
        except PhotoError:
            broken += 1
            continue
        inside = file.relative_to(photos).parts
        if label is not None and len(inside) > 1:
            row[label] = _label(label, inside[0])
        row.update({key: value for key, value in known.get(way, {}).items() if value != ""})
        count += 1
        yield row
    if broken:
        say(f"{photos}: {broken:,} files are no photos that can be opened, and were left out")


def _label(label: str, name: str) -> str:
    if label == "country":
        return name.upper() if len(name) == 2 else _country_code(name)
    if label == "scene":
        return name
    return " ".join(name.replace("_", " ").split())


def _country_code(name: str) -> str:
    """The code of a country by its English name, "" where there is none of this name."""
    from graticule import atlas

    plain = "".join(filter(str.isalnum, name)).lower()
    for code in atlas.country_codes():
        if "".join(filter(str.isalnum, atlas.country_name(code))).lower() == plain:
            return code
    return ""


def read_table(
    table: Path, finder: Finder, say: Callable[[str], None] = lambda _: None
) -> dict[str, dict[str, Any]]:
    """What a CSV says of the photos, by their manifest path; columns by any usual name.

    Raises:
        ManifestError: it has no column of file names, or names no photo of the folder.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{table}: cannot be read as text ({error})") from error
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.DictReader(text.splitlines(), delimiter=separator)
    ours = {name: column for name in reader.fieldnames or [] if (column := _column(name))}
    if "path" not in ours.values():
        raise ManifestError(
            f"{table}: no column of file names (it has: {', '.join(reader.fieldnames or [])[:120]})"
        )
    found: dict[str, dict[str, Any]] = {}
    missing = unplaced = 0
    for line in reader:
        values = {ours[name]: (value or "").strip() for name, value in line.items() if name in ours}
        path = finder.find(values.pop("path"))
        if path is None:
            missing += 1
            continue
        if "lat" in values or "lon" in values:
            place = [values.pop(name, "").replace(",", ".") for name in ("lat", "lon")]
            pair = coordinates(*place)
            unplaced += pair is None and any(place)
            if pair is not None:
                values |= {"lat": pair[0], "lon": pair[1]}
        found[path] = values
    if missing:
        say(f"{table}: {missing:,} of its photos are not in the folder")
    if unplaced:
        say(f"{table}: {unplaced:,} coordinates are no place on Earth, and were left out")
    if not found:
        raise ManifestError(f"{table}: names no photo that is in the folder")
    return found


def _column(name: str) -> str:
    """Our name of a column, "" for one we do not know."""
    plain = name.strip().lower()
    if plain in schema.BY_NAME:
        return plain
    for ours, others in schema.OTHER_NAMES.items():
        if plain in others.split():
            return ours
    return ""
