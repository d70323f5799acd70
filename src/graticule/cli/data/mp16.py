"""``graticule data mp16``: the photos of the MediaEval Placing Task 2016."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli.data.making import Limit, Output, Photos, Size, album_in, say, write


def mp16(
    table: Annotated[
        Path, typer.Argument(help="mp16_places365.csv or mediaeval2016_placing_train_photo.")
    ],
    output: Output,
    photos: Photos = None,
    shards: Annotated[
        Path | None, typer.Option(help="Folder of msgpack or WebDataset shards to unpack.")
    ] = None,
    urls: Annotated[
        Path | None, typer.Option(help="mp16_urls.csv: download the photos it names.")
    ] = None,
    size: Size = "z",
    limit: Limit = None,
) -> None:
    """Read MP-16's tables; photos from a folder, from shards, or downloaded by address.

    Examples:
      graticule data mp16 mp16_places365.csv --shards mp16/ -o mp16/

      graticule data mp16 mp16_places365.csv --urls mp16_urls.csv --limit 1000 -o mp16/
    """
    from graticule.errors import GraticuleError
    from graticule.photos.sources import mp16 as source
    from graticule.photos.sources import shards as packed
    from graticule.photos.sources.source import manifest_path

    if sum(way is not None for way in (photos, shards, urls)) != 1:
        raise GraticuleError("mp16: say where the photos are: one of --photos, --shards, --urls")
    say(source.ABOUT.notice())
    root = manifest_path(output).parent
    if shards is not None:
        photos = root / "images"
        packed.unpack(shards, photos, limit)
    if urls is None:
        write(source.rows(table, root, photos, limit=limit, say=say), output, source.ABOUT)
        return
    with album_in(root).open() as album:
        rows = source.rows(table, root, album=album, urls=urls, size=size, limit=limit, say=say)
        write(rows, output, source.ABOUT, album)
