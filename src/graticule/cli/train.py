"""``graticule train``: from a recipe and a manifest to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.errors import GraticuleError, MissingExtraError


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's name (s1, s3 …) or file.")],
    manifest: Annotated[
        list[Path] | None,
        typer.Option("--manifest", "-m", help="The table of photos; repeat it for more tables."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The bundle's folder.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value: phases.0.epochs=2. May be repeated."),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="Start from the networks of this bundle.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Start the encoder from this .safetensors or .pth.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    workers: Annotated[
        int | None, typer.Option(help="Processes that decode photos; cores − 1 by default.")
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="Folder of the feature cache; beside the bundle by default.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue a run that was cut off.")
    ] = False,
    download: Annotated[
        bool, typer.Option("--download", help="Allow published weights to be fetched.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which layers learn in which phase, and stop.")
    ] = False,
) -> None:
    """Train a system on your photos, by a recipe, into a bundle that locates.

    Example: graticule train cities --manifest photos/manifest.csv -o my-model

    Or graticule train s4 -m places.csv -m mp16.csv -o s4 --download

    Or graticule train s5-grid -m photos/manifest.csv -o grid (a table of many)

    Or graticule train s3 -m cities.csv -o s3 --weights vgg16.safetensors --set stop.patience=5
    """
    try:
        import lightning  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("torch and lightning", "train", "graticule train") from error
    from graticule.training import grid, grid_run, run
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
        say=lambda words: typer.echo(words, err=True),
    )
    if isinstance(wanted, grid.Grid):
        if len(manifest) > 1:
            raise GraticuleError(f"graticule train {recipe}: a grid takes one --manifest")
        grid_run.train(wanted, manifest[0], output, options)
        typer.echo((output / "report.md").read_text(encoding="utf-8").rstrip())
        return
    bundle = run.train(wanted, manifest, output, options)
    for name, facts in bundle.manifest.provenance.get("networks", {}).items():
        typer.echo(f"{name}: {facts['epochs']} epochs, best {facts['best_epoch']}", err=True)
    typer.echo(str(bundle.path))
