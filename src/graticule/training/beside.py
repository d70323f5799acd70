"""S3 by several splits of the same photos, and what lies between their figures.

A random split leaves photos of one walk by one photographer on both sides. How much that flatters
is told by the same recipe on a split that keeps photographers apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from graticule import files
from graticule.errors import RecipeError
from graticule.systems import city_report
from graticule.training import run, write
from graticule.training.recipe import Recipe

#: Whose report is compared.
SYSTEM = "ten_cities"


def train(
    recipe: Recipe,
    manifest: Sequence[Path],
    out: Path,
    columns: Sequence[str],
    options: run.Options,
) -> str:
    """Train by each split and compare the reports of the bundles.

    The first split's bundle is ``out``; the others lie beside it, ``OUT-COLUMN``. The feature cache
    is one. ``splits.md`` and ``splits.json`` are written into the folder of the first run.

    Args:
        recipe: how, the same for all.
        manifest: what on.
        out: folder of the first split's bundle.
        columns: the splits' columns.
        options: as for one run.

    Returns:
        The comparison as Markdown.

    Raises:
        RecipeError: a recipe of another system, a column twice, or one that holds no photo out.
        GraticuleError: as :func:`graticule.training.run.train`.
    """
    if recipe.system != SYSTEM:
        raise RecipeError(
            f"recipe {recipe.name}: --split is compared for systems of cities (s3, cities); give "
            "one --split"
        )
    if len(set(columns)) < len(columns):
        raise RecipeError(f"--split {columns[0]}: name each column once")
    wanted = {column: with_split(recipe, column) for column in columns}
    places = [out, *(out.with_name(f"{out.name}-{column}") for column in columns[1:])]
    # Whatever is wrong with the second split is said before the first has trained.
    for column, place in zip(columns, places, strict=True):
        write.check(place)
        rows = run.read(wanted[column], manifest).rows
        if not (rows.test | rows.validation).any():
            raise RecipeError(f"{rows.where}: column {column!r} holds no photo out to judge on")
    home = run.run_folder(out)
    shared = replace(options, features=options.features or home / "features")
    found = {}
    for column, place in zip(columns, places, strict=True):
        options.say(f"by {column}")
        bundle = run.train(wanted[column], manifest, place, shared)
        found[column] = files.read_json(bundle.path / "report.json")
        options.say(str(bundle.path))
    text = city_report.beside(found)
    files.write_json(home / "splits.json", found)
    with files.atomic(home / "splits.md") as handle:
        handle.write(text)
    return text


def with_split(recipe: Recipe, column: str) -> Recipe:
    """The recipe on the split of a column."""
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"split": column})})
