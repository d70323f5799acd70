"""``graticule cells show``: what a partition holds, in words and as a map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    file: Annotated[Path, typer.Argument(help="A partition, as GeoParquet.")],
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a map to move about in.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a picture.")] = None,
    top: Annotated[int, typer.Option(min=0, help="Cells to list, most photos first.")] = 10,
) -> None:
    """Say what a partition holds, and draw it.

    Example: graticule cells show cells.parquet --html map.html
    """
    import numpy as np

    from graticule.cells.files import read_partition

    partition = read_partition(file)
    area = np.nansum(partition.areas_km2)
    typer.echo(
        f"{partition.name}: {partition.kind}, {len(partition):,} cells, "
        f"{partition.counts.sum():,} photos, {area:,.0f} km²"
    )
    for parent in partition.parents:
        typer.echo(f"each cell knows its parent in {parent}")
    for i in np.argsort(-partition.counts, kind="stable")[:top]:
        lat, lon = partition.centers[i]
        name = partition.names[i] if partition.names[i] != partition.ids[i] else ""
        typer.echo(f"  {partition.ids[i]}  {partition.counts[i]:,}  {lat:.4f}, {lon:.4f}  {name}")
    for target in (html, svg):
        if target is not None:
            partition.plot(target)
            typer.echo(f"{target}: written")
