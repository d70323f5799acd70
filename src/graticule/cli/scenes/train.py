"""``graticule scenes train``: a network that tells scenes and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli import training


def train(
    manifest: Annotated[list[Path], typer.Argument(help="Tables of photos with a scene.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle's folder.")],
    scenes: Annotated[
        str | None,
        typer.Option(help="places365, places16, places3, s1, or column: the manifest's own names."),
    ] = None,
    recipe: Annotated[str, typer.Option(help="A recipe of the system scenes.")] = "scenes",
    changes: training.Changes = None,
    weights: training.Weights = None,
    device: training.Device = "auto",
    workers: training.Workers = None,
    features: training.Features = None,
    resume: training.Resume = False,
    download: training.Download = False,
) -> None:
    """Train S4's helper: the backbone of s4, on scenes only; it labels what has none.

    Examples:
      graticule scenes train places/manifest.csv -o helper --download
      graticule scenes train photos.csv -o helper --scenes column --set encoder.name=resnet18
    """
    training.need_torch("graticule scenes train")
    from graticule.training.recipe import load
    from graticule.training.run import Options

    own = [f"settings.scenes={scenes}"] if scenes else []
    options = Options(
        weights=weights,
        device=device,
        workers=workers,
        resume=resume,
        download=download,
        features=features,
        say=training.say,
    )
    training.learn(load(recipe, [*own, *(changes or [])]), manifest, output, options)
