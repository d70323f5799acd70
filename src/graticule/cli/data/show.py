"""``graticule data show``: counts of a manifest, and a map of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    manifest: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write a page (.html) or only the map (.svg) here."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Values of each column to print.")] = 10,
    by: Annotated[
        str | None,
        typer.Option(
            help="region: also count by region, in India by state, from the coordinates where the "
            "column is empty. A manifest of one country is always counted so."
        ),
    ] = None,
) -> None:
    """Count a manifest by country, source, split and licence, and draw where its photos are.

    Regions are where the atlas's borders have the photos: disputed areas follow who administers
    them (PROVENANCE.md beside the atlas).

    Examples:
      graticule data show photos/manifest.csv
      graticule data show photos/manifest.csv -o photos.html
      graticule data show photos/manifest.csv --by region --top 30
    """
    from graticule.errors import GraticuleError
    from graticule.files import atomic
    from graticule.photos.manifest import read
    from graticule.photos.summary import count_regions, one_country, page, summarise, world_svg

    if output is not None and output.suffix.lower() not in {".html", ".svg"}:
        raise GraticuleError(f"{output}: name it .html for a page or .svg for the map alone")
    if by not in {None, "region"}:
        raise GraticuleError(f"--by {by}: region")
    table = read(manifest)
    summary = summarise(table)
    if by or one_country(summary):
        summary.counts["region"] = count_regions(table, one_country(summary))
    located = sum(summary.boxes.values())
    typer.echo(f"{manifest}: {summary.rows:,} photos, {located:,} with coordinates")
    known = [f"{name} {n:,}" for name, n in summary.filled.items() if n]
    typer.echo("known: " + ", ".join(known))
    for column, counts in summary.counts.items():
        typer.echo(f"by {column} ({len(counts) - ('' in counts):,} values):")
        for value, n in counts.most_common(top):
            typer.echo(f"  {n:>10,}  {value or '(unknown)'}")
        if len(counts) > top:
            typer.echo(f"  {'':>10}  … {len(counts) - top:,} more (--top)")
    if output is not None:
        with atomic(output) as handle:
            name = f"{manifest.parent.name}/{manifest.name}".lstrip("/")
            svg = output.suffix.lower() == ".svg"
            handle.write(world_svg(summary, name) if svg else page(summary, name))
        typer.echo(f"map: {output}")
