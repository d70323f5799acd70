"""``graticule data im2gps``, ``im2gps3k`` and ``yfcc4k``: the benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from graticule.cli.data.making import Limit, Output, say, write

_Photos: TypeAlias = Annotated[Path, typer.Argument(help="Folder of the benchmark's photos.")]
_Table: TypeAlias = Annotated[
    Path | None, typer.Option("--table", help="Its table; without one, EXIF is read.")
]


def im2gps(photos: _Photos, output: Output, table: _Table = None, limit: Limit = None) -> None:
    """Read the Im2GPS test set (237 photos).

    Example: graticule data im2gps im2gps/ --table im2gps_places365.csv -o im2gps/
    """
    _read("im2gps", photos, output, table, limit)


def im2gps3k(photos: _Photos, output: Output, table: _Table = None, limit: Limit = None) -> None:
    """Read Im2GPS3k (2,997 photos); "photo unavailable" cards are marked.

    Example: graticule data im2gps3k im2gps3ktest/ --table im2gps3k_places365.csv -o im2gps3k/
    """
    _read("im2gps3k", photos, output, table, limit)


def yfcc4k(photos: _Photos, output: Output, table: _Table = None, limit: Limit = None) -> None:
    """Read YFCC4k (4,536 photos); "photo unavailable" cards are marked.

    Example: graticule data yfcc4k yfcc4k/ --table yfcc4k.txt -o yfcc4k/
    """
    _read("yfcc4k", photos, output, table, limit)


def _read(name: str, photos: Path, output: Path, table: Path | None, limit: int | None) -> None:
    from graticule.photos.sources import im2gps as source
    from graticule.photos.sources.source import manifest_path

    about = source.BENCHMARKS[name]
    say(about.notice())
    root = manifest_path(output).parent
    write(source.rows(about, table, root, photos, limit=limit, say=say), output, about)
