"""What ``graticule train`` calls for the recipe of the bundled model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from graticule import files
from graticule.errors import RecipeError
from graticule.systems.bundle import Bundle

if TYPE_CHECKING:
    from graticule.training.recipe import Recipe

#: ``settings.method`` of recipes that are made here and not by the loop.
METHOD = "held_out_probe"


def is_mini(recipe: Recipe) -> bool:
    """Whether the recipe asks for held-out probes instead of the training loop."""
    return bool(recipe.settings.get("method") == METHOD)


def train(
    recipe: Recipe, manifest: Path, out: Path, features: Path, say: Callable[[str], None]
) -> Bundle:
    """Make the bundle; see `graticule.training.mini.build`.

    Raises:
        RecipeError: the recipe names no starting weights.
    """
    from graticule.photos import manifest as manifests
    from graticule.training.mini.build import build

    if recipe.encoder.weights is None:
        raise RecipeError(f"recipe {recipe.name}: no starting weights; give --weights FILE")
    weights = Path(recipe.encoder.weights).expanduser()
    if not weights.is_absolute() and (manifest.parent / weights).is_file():
        weights = manifest.parent / weights
    table = manifests.read(manifest)
    with files.atomic_folder(out) as part:
        build(recipe.model_dump(mode="json"), table, weights, part, features, say)
    return Bundle(out)
