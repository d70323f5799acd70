"""Which photos make up each batch: a function of the seed and the epoch, and of nothing else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graticule.errors import RecipeError
from graticule.systems.plan import Rows
from graticule.systems.settings import nearest
from graticule.training.recipe import Recipe, SamplingSpec

IntArray = npt.NDArray[np.int64]


def shares(values: npt.NDArray[np.str_], temperature: float) -> npt.NDArray[np.float64]:
    """Probability of drawing each photo, (n,), so that a value's share is its count's power.

    Args:
        values: (n,) what is balanced.
        temperature: the power: 1 leaves the photos as they are, 0 makes every value equal.
    """
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    wanted = counts.astype(np.float64) ** temperature
    each = wanted / wanted.sum() / counts
    return np.asarray(each[index])


def check(rows: Rows, recipe: Recipe) -> None:
    """Look for the columns that a recipe balances.

    Raises:
        RecipeError: no row has one of them.
    """
    parts = {"": recipe.sampling}
    parts |= {f"networks.{name}.": recipe.network(name).sampling for name in recipe.networks}
    for prefix, spec in parts.items():
        if spec.by and not (rows.column(spec.by) != "").any():
            there = [name for name, column in rows.columns.items() if (column != "").any()]
            raise RecipeError(
                f"{rows.where}: {prefix}sampling.by {spec.by!r}: no row has such a column; "
                f"{nearest(spec.by, there)}"
            )


def order(
    rows: Rows,
    use: IntArray,
    spec: SamplingSpec,
    *,
    seed: int,
    epoch: int,
    often: npt.NDArray[np.float64] | None = None,
) -> IntArray:
    """The rows of one epoch, in the order they are learned from; as many as ``use`` has.

    Without ``spec.by`` and ``often`` a shuffle, else drawn with replacement.

    Args:
        rows: the manifest.
        use: (k,) its rows that are learned from.
        spec: what the recipe says.
        seed: of the recipe.
        epoch: counted over all phases.
        often: (n,) how often the system wants each row, against the others.
    """
    rng = np.random.default_rng([seed, epoch, 7])
    if not spec.by and often is None:
        return np.asarray(use[rng.permutation(len(use))])
    p = np.ones(len(use)) if often is None else often[use].astype(np.float64)
    if spec.by:
        p = p * shares(rows.column(spec.by)[use], spec.temperature)
    p = p / p.sum()
    return np.asarray(use[rng.choice(len(use), len(use), p=p)])
