"""``graticule data yfcc``: photos of YFCC100M's table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli.data.making import Limit, Output, Photos, Size, album_in, say, write


def yfcc(
    table: Annotated[Path, typer.Argument(help="yfcc100m_dataset, or a part of it; .bz2 or not.")],
    output: Output,
    photos: Photos = None,
    download: Annotated[
        bool, typer.Option("--download", help="Download the photos from Flickr.")
    ] = False,
    accuracy: Annotated[
        int, typer.Option(min=1, max=16, help="Least accuracy: 1 world, 11 city, 16 street.")
    ] = 1,
    size: Size = "z",
    limit: Limit = None,
) -> None:
    """Read YFCC100M's table: photos with a place, from a folder or downloaded.

    Examples:
      graticule data yfcc yfcc100m_dataset.bz2 --photos images/ -o yfcc.parquet

      graticule data yfcc yfcc100m_dataset.bz2 --download --accuracy 12 --limit 1000 -o yfcc/
    """
    from graticule.errors import GraticuleError
    from graticule.photos.sources import yfcc as source
    from graticule.photos.sources.source import manifest_path

    if (photos is None) != download:
        raise GraticuleError("yfcc: say where the photos are: --photos FOLDER or --download")
    say(source.ABOUT.notice())
    root = manifest_path(output).parent
    if photos is not None:
        rows = source.rows(table, root, photos, accuracy=accuracy, limit=limit)
        write(rows, output, source.ABOUT)
        return
    with album_in(root).open() as album:
        rows = source.rows(table, root, album=album, size=size, accuracy=accuracy, limit=limit)
        write(rows, output, source.ABOUT, album)
