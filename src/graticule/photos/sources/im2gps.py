"""The benchmarks Im2GPS, Im2GPS3k and YFCC4k: known photos, with the cards that replaced some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from graticule.errors import PhotoError
from graticule.files import sha256
from graticule.photos.sources import geoestimation, marks, yfcc
from graticule.photos.sources.source import About, Finder, Row

_COLUMNS: Final = (
    "path",
    "lat",
    "lon",
    "scene",
    "places365",
    "places3",
    "places3_p",
    "photographer",
    "captured_at",
    "split",
    "mark",
    "source",
    "licence",
    "attribution",
)
_VO = "Vo, Jacobs, Hays: Revisiting IM2GPS in the deep learning era, ICCV 2017"
_LICENCE = "photos of Flickr users, for research; each keeps the licence on its page"

IM2GPS = About(
    name="im2gps",
    title="Im2GPS test set",
    home="http://graphics.cs.cmu.edu/projects/im2gps/",
    files=("im2gps_places365.csv",),
    licence=_LICENCE,
    citation="Hays, Efros: im2gps, CVPR 2008",
    columns=_COLUMNS,
)
IM2GPS3K = About(
    name="im2gps3k",
    title="Im2GPS3k",
    home="https://github.com/lugiavn/revisiting-im2gps",
    files=("im2gps3k_places365.csv",),
    licence=_LICENCE,
    citation=_VO,
    columns=_COLUMNS,
)
YFCC4K = About(
    name="yfcc4k",
    title="YFCC4k",
    home="https://github.com/lugiavn/revisiting-im2gps",
    files=("yfcc4k.txt", "yfcc4k_places365.csv"),
    licence="each photo has its own Creative Commons licence",
    citation=_VO,
    columns=_COLUMNS,
)
BENCHMARKS: Final = {about.name: about for about in (IM2GPS, IM2GPS3K, YFCC4K)}

#: The very same file under so many names is a card, not a photo.
_SAME_FILES: Final = 3


def rows(
    about: About,
    table: Path | None,
    root: Path,
    photos: Path,
    *,
    limit: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Row]:
    """Rows of a benchmark's photos that are there, cards marked.

    Args:
        about: which benchmark.
        table: its table; without one, places are read from the photos' EXIF.
        root: the manifest's folder.
        photos: the folder that holds the photos.
        limit: at most so many.
        say: gets a sentence on what is missing or was found to be wrong.
    """
    finder = Finder(root, photos)
    found: list[dict[str, Any]] = []
    missing = 0
    for row in _placed(about, table, finder, photos, root, say):
        if limit is not None and len(found) >= limit:
            break
        if row is None:
            missing += 1
        else:
            found.append(dict(row))
    files = [finder.open_path(row["path"]) for row in found]
    sums = [sha256(file) for file in files]
    often = Counter(sums)
    for row, file, checksum in zip(found, files, sums, strict=True):
        if often[checksum] >= _SAME_FILES or is_card(file):
            row["mark"] = marks.PLACEHOLDER
    cards = sum(1 for row in found if row.get("mark"))
    if cards:
        say(f'{about.name}: {cards:,} "photo unavailable" cards, marked in the column mark')
    if missing:
        say(f"{about.name}: {missing:,} photos of the table are not in {photos}")
    yield from found


def is_card(file: Path) -> bool:
    """Whether a file looks like a "photo unavailable" card; one that cannot be read does not."""
    from graticule.photos.photo import open_photo

    try:
        return marks.looks_unavailable(open_photo(file).image)
    except PhotoError:
        return False


def _placed(
    about: About,
    table: Path | None,
    finder: Finder,
    photos: Path,
    root: Path,
    say: Callable[[str], None],
) -> Iterator[Row | None]:
    """Rows with a place; None for a photo that is not there."""
    common = {"source": about.name, "split": "test"}
    if table is None:
        from graticule.photos.sources.folder import exif_row, photo_files

        for file, way in photo_files(root, photos):
            row = exif_row(file)
            if row.get("lat") is not None:
                page = geoestimation.flickr_page(file.name)
                yield {**row, **common, "path": way, "attribution": page}
    elif table.suffix == ".txt":
        for record in yfcc.records(table):
            path = finder.find(f"{record['id']}.jpg")
            yield None if path is None else {**yfcc.row(record, path), **common}
    else:
        for line in geoestimation.records(table, say):
            path = finder.find(line["IMG_ID"])
            yield (
                None
                if path is None
                else {
                    **geoestimation.row(line, path, about.name),
                    **common,
                }
            )
