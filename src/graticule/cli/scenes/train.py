"""``graticule scenes train``: a network that tells scenes and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    manifest: Annotated[list[Path], typer.Argument(help="Tables of photos with a scene.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle's folder.")],
    scenes: Annotated[
        str | None,
        typer.Option(help="places365, places16, places3, s1, or column: the manifest's own names."),
    ] = None,
    recipe: Annotated[str, typer.Option(help="A recipe of the system scenes.")] = "scenes",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value: encoder.name=resnet18. May be repeated."),
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
) -> None:
    """Train S4's helper: the backbone of s4, on scenes only; it labels what has none.

    Examples:
      graticule scenes train places/manifest.csv -o helper --download
      graticule scenes train photos.csv -o helper --scenes column --set encoder.name=resnet18
    """
    from graticule.cli.train import train as by_recipe
    from graticule.training.recipe import load

    wanted = [f"settings.scenes={scenes}"] if scenes else []
    load(recipe, [*wanted, *(changes or [])])
    by_recipe(
        recipe,
        manifest,
        output,
        changes=[*wanted, *(changes or [])],
        init=None,
        weights=weights,
        device=device,
        workers=workers,
        features=features,
        resume=resume,
        download=download,
        explain=False,
    )
