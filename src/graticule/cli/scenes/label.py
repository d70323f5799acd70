"""``graticule scenes label``: scenes for the photos that have only a place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def label(
    manifest: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The labelled manifest, beside the other.")
    ],
    model: Annotated[
        str, typer.Option("--model", "-m", help="A bundle of graticule scenes train, or mini.")
    ] = "mini",
) -> None:
    """Write a manifest in which every photo has a scene and how sure it is (scene, scene_p).

    Photos that had one keep it, without a scene_p. A model of Places' scenes writes places16 and
    places3 as well. Cut off? The same command goes on where it stopped.

    Example: graticule scenes label mp16/manifest.csv --model helper -o mp16/labelled.csv
    """
    from graticule.cli.data.targets import beside
    from graticule.locate.locator import find_model
    from graticule.locate.scenes import SceneReader
    from graticule.locate.scenes import label as write
    from graticule.photos.manifest import read

    opened = read(manifest)
    target = beside(output, opened.root)
    done = write(opened, SceneReader(find_model(model)), target)
    for line in done.errors:
        typer.echo(f"graticule: {line}", err=True)
    again = f" ({done.resumed:,} by the run before)" if done.resumed else ""
    typer.echo(
        f"{target}: {done.labelled:,} photos labelled{again}, {done.kept:,} had a scene, "
        f"of {done.rows:,}"
    )
    raise typer.Exit(int(bool(done.errors)))
