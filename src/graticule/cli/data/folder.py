"""``graticule data folder``: a manifest of one's own photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli.data.making import Limit, Output, say, write


def folder(
    photos: Annotated[Path, typer.Argument(help="Folder of photos, searched to any depth.")],
    output: Output,
    label: Annotated[
        str | None,
        typer.Option(help="What the folders' names say: country, region, city, landmark, scene."),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="CSV with a column of file names; wins over EXIF.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of all photos.")] = "",
    limit: Limit = None,
) -> None:
    """Read places from EXIF GPS, from class folders (paris/…), or from a CSV beside the photos.

    Examples:
      graticule data folder holiday/ -o holiday/

      graticule data folder cities/ --label city -o cities/
    """
    from graticule.photos.sources import folder as source
    from graticule.photos.sources.source import manifest_path

    root = manifest_path(output).parent
    rows = source.rows(
        photos, root, label=label, table=table, licence=licence, limit=limit, say=say
    )
    write(rows, output, source.ABOUT)
