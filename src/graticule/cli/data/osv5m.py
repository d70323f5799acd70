"""``graticule data osv5m``: OpenStreetView-5M."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli.data.making import Limit, Output, origin, say, write


def osv5m(
    folder: Annotated[Path, typer.Argument(help="Folder of train.csv, images/train/00.zip …")],
    output: Output,
    split: Annotated[str, typer.Option(help="train or test.")] = "train",
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the table and --shards into FOLDER first.")
    ] = False,
    shards: Annotated[
        str, typer.Option(help="all, 00, 00,03 or 00-04; some 50,000 photos each.")
    ] = "00",
    look: Annotated[
        bool, typer.Option(help="Open every photo and mark frames with text burned in.")
    ] = True,
    limit: Limit = None,
    hub: Annotated[str, typer.Option(help="Address of the files.", hidden=True)] = "",
) -> None:
    """Read OSV-5M's tables and zip shards; frames with coordinates burned in are marked.

    Examples:
      graticule data osv5m osv5m/ --split test -o osv5m/

      graticule data osv5m osv5m/ --download --split test --shards 00 --limit 5000 -o osv5m/
    """
    from graticule.download import Client
    from graticule.errors import GraticuleError
    from graticule.photos.sources import osv5m as source
    from graticule.photos.sources.source import manifest_path
    from graticule.progress import bar

    if split not in source.SHARDS:
        raise GraticuleError(f"--split {split}: train or test")
    say(source.ABOUT.notice())
    if download:
        base = hub or source.HUB
        chosen = source.shard_names(split, shards)
        with bar("bytes") as moving:
            source.download(
                Client(trusted=(origin(base),)), folder, split, chosen, base, moving.advance
            )
    root = manifest_path(output).parent
    rows = source.rows(folder, root, split, look=look, limit=limit, say=say)
    write(rows, output, source.ABOUT)
