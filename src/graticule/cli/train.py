"""``graticule train``: from a recipe and a manifest to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli import training
from graticule.errors import GraticuleError


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's name (s1, s3 …) or file.")],
    manifest: Annotated[
        list[Path] | None,
        typer.Option("--manifest", "-m", help="The table of photos; repeat it for more tables."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The bundle's folder.")
    ] = None,
    changes: training.Changes = None,
    splits: Annotated[
        list[str] | None,
        typer.Option(
            "--split",
            help="The column that says train, val and test; of S3 several are compared, and the "
            "bundle is the first one's.",
        ),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="Start from the networks of this bundle.")
    ] = None,
    weights: training.Weights = None,
    device: training.Device = "auto",
    workers: training.Workers = None,
    features: training.Features = None,
    resume: training.Resume = False,
    download: training.Download = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which layers learn in which phase, and stop.")
    ] = False,
) -> None:
    """Train a system on your photos, by a recipe, into a bundle that locates.

    Example: graticule train cities --manifest photos/manifest.csv -o my-model

    Or graticule train s4 -m places.csv -m mp16.csv -o s4 --download

    Or graticule train s5-grid -m photos/manifest.csv -o grid (a table of many)

    Or graticule train s3 -m cities.csv -o s3 --weights vgg16.safetensors --set stop.patience=5

    Or graticule train s3 -m cities.csv -o s3 --split split_photographer --split split_random
    """
    training.need_torch("graticule train")
    from graticule.training import beside, grid, grid_run, run
    from graticule.training import recipe as recipes

    wanted = grid.load(recipe, changes) if grid.is_grid(recipe) else recipes.load(recipe, changes)
    if explain:
        if isinstance(wanted, grid.Grid):
            typer.echo("\n".join(wanted.rows()))
        else:
            typer.echo(run.explain(run.with_weights(wanted, weights)))
        return
    if not manifest or output is None:
        raise GraticuleError(
            f"graticule train {recipe}: say --manifest PHOTOS.csv and -o BUNDLE "
            "(graticule data folder makes a manifest)"
        )
    options = run.Options(
        init=init,
        weights=weights,
        device=device,
        workers=workers,
        resume=resume,
        download=download,
        features=features,
        say=training.say,
    )
    if isinstance(wanted, grid.Grid):
        if len(manifest) > 1:
            raise GraticuleError(f"graticule train {recipe}: a grid takes one --manifest")
        if splits:
            raise GraticuleError(f"graticule train {recipe}: a grid's split is its base.data.split")
        grid_run.train(wanted, manifest[0], output, options)
        typer.echo((output / "report.md").read_text(encoding="utf-8").rstrip())
        return
    if splits and len(splits) > 1:
        typer.echo(beside.train(wanted, manifest, output, splits, options).rstrip())
        return
    if splits:
        wanted = beside.with_split(wanted, splits[0])
    training.learn(wanted, manifest, output, options)
