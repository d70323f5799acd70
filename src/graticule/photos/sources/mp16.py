"""MP-16: the 4.7 million photos of the MediaEval Placing Task 2016, as the field trains on them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from graticule.errors import ManifestError
from graticule.photos.sources import geoestimation, yfcc
from graticule.photos.sources.pictures import Album
from graticule.photos.sources.source import About, Finder, Row, coordinates

ABOUT = About(
    name="mp16",
    title="MP-16 (MediaEval Placing Task 2016)",
    home="https://github.com/TIBHannover/GeoEstimation/releases",
    files=(
        "mp16_places365.csv",
        "mp16_urls.csv",
        "mediaeval2016_placing_train_photo",
        "mediaeval2016_placing_train_photo.bz2",
    ),
    licence="each photo has its own Creative Commons licence, on its page in 'attribution'",
    citation="Larson et al.: The benchmarking initiative for multimedia evaluation: MediaEval "
    "2016, IEEE MultiMedia 2017; Choi et al.: The Placing Task at MediaEval 2016",
    columns=(
        "path",
        "lat",
        "lon",
        "scene",
        "places365",
        "places3",
        "places3_p",
        "photographer",
        "source",
        "attribution",
    ),
)

#: Addresses are joined to so many places at a time, to keep memory bounded.
_CHUNK: Final = 200_000


def records(
    table: Path, say: Callable[[str], None] = lambda _: None
) -> Iterator[geoestimation.Record]:
    """Lines of either table: GeoEstimation's CSV, or MediaEval's own.

    MediaEval's is tab-separated without a header: number, hash, longitude, latitude, places.
    """
    if table.suffix == ".csv":
        yield from geoestimation.records(table, say)
        return
    with yfcc.open_text(table) as handle:
        for number, line in enumerate(handle, start=1):
            values = line.rstrip("\r\n").split("\t")
            if len(values) < 4 or coordinates(values[3], values[2]) is None:
                raise ManifestError(
                    f"{table}: line {number} is not number, hash, longitude, latitude; "
                    f"is this {ABOUT.files[2]}?"
                )
            yield {"IMG_ID": values[0], "HASH": values[1], "LON": values[2], "LAT": values[3]}


def rows(
    table: Path,
    root: Path,
    photos: Path | None = None,
    album: Album | None = None,
    *,
    urls: Path | None = None,
    size: str = "z",
    limit: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Row]:
    """Rows of the photos that are in a local folder, or that can be downloaded.

    Args:
        table: ``mp16_places365.csv`` or ``mediaeval2016_placing_train_photo``.
        root: the manifest's folder.
        photos: a folder that holds them.
        album: where to download them to, instead.
        urls: ``mp16_urls.csv``, a name and an address a line; needed to download.
        size: Flickr's letter for the size to download, "" for the original.
        limit: at most so many.
        say: gets a sentence where the table's header was found to be wrong.
    """
    left = iter(records(table, say))
    count = 0
    finder = Finder(root, photos) if photos is not None else None
    chunk_rows = _CHUNK if limit is None else min(_CHUNK, max(limit, 1))
    while chunk := list(islice(left, chunk_rows)):
        found = {} if urls is None else addresses(urls, {record["IMG_ID"] for record in chunk})
        for record in chunk:
            if limit is not None and count >= limit:
                return
            name = record["IMG_ID"]
            path = None
            if finder is not None:
                flat = name.replace("/", "_")
                path = finder.find(_with_ending(name), flat, _with_ending(record.get("HASH", "")))
            elif album is not None and name in found:
                identity = name.removesuffix(".jpg").replace("/", "_")
                path = album.get(identity, yfcc.sized(found[name], size))
            if path is not None:
                count += 1
                yield geoestimation.row(record, path, ABOUT.name)


def addresses(urls: Path, wanted: set[str]) -> dict[str, str]:
    """The addresses of some photos, read in one pass.

    Raises:
        ManifestError: it is another file.
    """
    found: dict[str, str] = {}
    try:
        with urls.open(encoding="utf-8", newline="") as handle:
            for number, line in enumerate(csv.reader(handle), start=1):
                if len(line) < 2:
                    raise ManifestError(f"{urls}: line {number} is not a name and an address")
                if line[0] in wanted and line[1].startswith(("http://", "https://")):
                    found[line[0]] = line[1]
    except OSError as error:
        raise ManifestError(f"{urls}: cannot be read ({error.strerror})") from error
    return found


def _with_ending(name: str) -> str:
    return name if not name or Path(name).suffix else f"{name}.jpg"
