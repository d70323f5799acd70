"""``graticule data check``: name what is wrong with a manifest, by row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check(manifest: Annotated[Path, typer.Argument(help="CSV or Parquet.")]) -> None:
    """Name what is wrong with a manifest.

    Example: graticule data check photos/manifest.csv
    """
    from graticule.photos.manifest import read

    typer.echo(f"{manifest}: {len(read(manifest)):,} rows can be read")
