"""The tables that GeoEstimation published and the field uses since: places, and scenes predicted.

``IMG_ID``, ``AUTHOR`` (not for MP-16), ``LAT``, ``LON``, ``S3_Label``, ``S16_Label``,
``S365_Label``, ``Prob_indoor``, ``Prob_natural``, ``Prob_urban``. An early version of the Im2GPS3k
table has LAT and LON the wrong way round in its header; that is seen and mended.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from graticule.errors import ManifestError
from graticule.photos.sources.places365 import categories, scene_of_category
from graticule.photos.sources.source import Row, coordinates
from graticule.scenes import GROUPS

#: Other names of the columns, in tables made from these.
_NAMES: Final = {
    "IMG_ID": ("IMG_ID", "img_id", "image_id", "name", "filename"),
    "LAT": ("LAT", "lat", "latitude"),
    "LON": ("LON", "lon", "longitude"),
}
_LOOKED_AT: Final = 500
_AUTHOR: Final = re.compile(r"_(\d+@N\d\d)\.")
_NUMBER: Final = re.compile(r"(\d{4,})(?:_|\.|$)")

Record = dict[str, str]


def records(table: Path, say: Callable[[str], None] = lambda _: None) -> Iterator[Record]:
    """Lines of a table with the names ``IMG_ID``, ``LAT`` and ``LON``.

    Args:
        table: the CSV file.
        say: gets a sentence where the header was found to be wrong.

    Raises:
        ManifestError: a column is missing.
    """
    try:
        handle = table.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise ManifestError(f"{table}: cannot be read ({error.strerror})") from error
    with handle:
        reader = csv.DictReader(handle)
        header = reader.fieldnames or []
        ours = {ours: next((n for n in names if n in header), "") for ours, names in _NAMES.items()}
        missing = [name for name, found in ours.items() if not found]
        if missing:
            raise ManifestError(
                f"{table}: no column {' or '.join(missing)} (it has: {', '.join(header)[:120]})"
            )
        first: list[Record] = []
        for line in reader:
            first.append(line)
            if len(first) == _LOOKED_AT:
                break
        if _is_swapped(first, ours["LAT"], ours["LON"]):
            say(f"{table}: the header calls longitudes {ours['LAT']}; read the other way round")
            ours["LAT"], ours["LON"] = ours["LON"], ours["LAT"]
        for source in (first, reader):
            for line in source:
                values = {name: line.get(found) or "" for name, found in ours.items()}
                yield {**{k: v for k, v in line.items() if k and v is not None}, **values}


def _is_swapped(lines: list[Record], lat: str, lon: str) -> bool:
    """Whether a column of latitudes holds what only a longitude can be, and the other does not."""

    def beyond(name: str) -> int:
        count = 0
        for line in lines:
            try:
                count += abs(float(line.get(name) or 0)) > 90
            except ValueError:
                continue
        return count

    return beyond(lat) > 0 and beyond(lon) == 0


def row(record: Record, path: str, source: str) -> Row:
    """The manifest's row of a record; its scene is a network's, with the probability it gave."""
    name = record["IMG_ID"]
    lat, lon = coordinates(record["LAT"], record["LON"]) or (None, None)
    author = record.get("AUTHOR", "") or "".join(_AUTHOR.findall(name)[:1])
    found: dict[str, str | float | None] = {
        "path": path,
        "lat": lat,
        "lon": lon,
        "photographer": author,
        "source": source,
        "attribution": flickr_page(name),
    }
    label = record.get("S365_Label", "")
    if label.isdigit() and int(label) < 365:
        category = categories()[int(label)]
        found |= {"places365": category, "scene": scene_of_category(category) or ""}
    label = record.get("S3_Label", "")
    if label.isdigit() and int(label) < len(GROUPS):
        group = GROUPS[int(label)]
        found |= {"places3": group, "places3_p": _probability(record.get(f"Prob_{group}", ""))}
    return found


def _probability(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def flickr_page(name: str) -> str:
    """The page of a Flickr photo by its number, which its file name begins or ends with."""
    found = _NUMBER.findall(Path(name).name)
    return f"https://www.flickr.com/photo.gne?id={found[0]}" if found else ""
