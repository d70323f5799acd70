"""What the commands that train share: their options, what they need, and the lines after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from graticule.errors import MissingExtraError

if TYPE_CHECKING:
    from graticule.training.recipe import Recipe
    from graticule.training.run import Options

Changes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a value: phases.0.epochs=2. May be repeated."),
]
Weights: TypeAlias = Annotated[
    Path | None, typer.Option("--weights", help="Start the encoder from this .safetensors or .pth.")
]
Device: TypeAlias = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Workers: TypeAlias = Annotated[
    int | None,
    typer.Option("--workers", help="Processes that decode photos; cores − 1 by default."),
]
Features: TypeAlias = Annotated[
    Path | None,
    typer.Option("--features", help="Folder of the feature cache; beside the bundle by default."),
]
Resume: TypeAlias = Annotated[
    bool, typer.Option("--resume", help="Continue a run that was cut off.")
]
Download: TypeAlias = Annotated[
    bool, typer.Option("--download", help="Allow published weights to be fetched.")
]


def need_torch(command: str) -> None:
    """Say what to install, before anything is read.

    Raises:
        MissingExtraError: training cannot run here.
    """
    try:
        import lightning  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("torch and lightning", "train", command) from error


def say(words: str) -> None:
    """A line for a person, on stderr."""
    typer.echo(words, err=True)


def learn(recipe: Recipe, manifest: list[Path], output: Path, options: Options) -> None:
    """Train a system, say how its networks learned, and print the bundle's folder."""
    from graticule.training import run

    bundle = run.train(recipe, manifest, output, options)
    for name, facts in bundle.manifest.provenance.get("networks", {}).items():
        done, best = int(facts["epochs"]), int(facts["best_epoch"])
        which = f"the best was number {best}" if best else "none judged: no validation photo"
        say(f"{name}: {done} epoch{'' if done == 1 else 's'}, {which}")
    typer.echo(str(bundle.path))
