"""``graticule cells compare``: partitions side by side over the same photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    files: Annotated[list[Path], typer.Argument(help="Partitions, as GeoParquet.")],
    manifest: Annotated[
        Path, typer.Option("--manifest", "-m", metavar="FILE", help="Table of photos.")
    ],
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers here.")
    ] = None,
) -> None:
    """Cells, photos a cell, and how near to a photo its cell's point is.

    The last column is the best median error any classifier over these cells can reach.

    Example: graticule cells compare s2.parquet india.parquet --manifest photos/manifest.csv
    """
    from graticule.cells import compare as comparison
    from graticule.cells.files import read_partition
    from graticule.cli.cells.places import located
    from graticule.files import write_json

    rows = comparison.compare([read_partition(file) for file in files], located(manifest))
    for line in comparison.lines(rows):
        typer.echo(line)
    if json is not None:
        write_json(json, [row.to_json() for row in rows])
