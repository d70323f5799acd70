"""What the model says of photos from sources it did not learn from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.cells.countries import Countries
from graticule.training.mini.probe import Float32Array
from graticule.training.mini.rows import Rows

IntArray = npt.NDArray[np.int64]

FOLDS = 5
#: A learner: training rows and held-out rows (both numbers) → log-weights of the held-out rows.
Learner = Callable[[IntArray, IntArray], Float32Array]


@dataclass(frozen=True)
class HeldOut:
    """Log-weights of rows by models that did not see them.

    Attributes:
        rows: numbers of the rows.
        scores: (len(rows), countries).
        seen: whether the model that spoke had seen the row's country at all.
    """

    rows: IntArray
    scores: Float32Array
    seen: npt.NDArray[np.bool_]


def by_source(rows: Rows) -> IntArray:
    """The manifest's folds: a whole source is on one side."""
    return rows.fold


def at_random(rows: Rows, seed: int) -> IntArray:
    """Folds at random, near-duplicates together: what a careless split would be."""
    names = [re.sub(r"(\d)[ab]$", r"\1", path.rpartition(".")[0]) for path in _paths(rows)]
    units = np.where(rows.group != "", rows.group, names)
    kinds, unit = np.unique(units, return_inverse=True)
    return np.random.default_rng(seed).integers(0, FOLDS, len(kinds))[unit]


def cross_fit(
    rows: Rows, folds: IntArray, learn: Learner, *, allowed: npt.NDArray[np.bool_] | None = None
) -> HeldOut:
    """Learn on four folds, speak on the fifth, for each of them.

    Args:
        rows: all with a country or a scene.
        folds: of each row; rows without one (−1) are only learnt from.
        learn: see :data:`Learner`.
        allowed: rows that may be learnt from, all by default.
    """
    may = np.ones(len(rows), bool) if allowed is None else allowed
    numbers, scores, seen = [], [], []
    for fold in range(FOLDS):
        test = np.flatnonzero((folds == fold) & (rows.country != ""))
        train = np.flatnonzero((folds != fold) & may)
        if not len(test):
            continue
        scores.append(learn(train, test))
        numbers.append(test)
        seen.append(np.isin(rows.country[test], rows.country[train]))
    return HeldOut(np.concatenate(numbers), np.concatenate(scores), np.concatenate(seen))


def score(held: HeldOut, rows: Rows, cells: Countries) -> dict[str, Any]:
    """Top-1 and top-5 of countries: of all photos, by source, and the mean over sources.

    ``all`` leaves out sources of which only each n-th row was taken; a country that no training
    fold had cannot be right and is counted apart too.
    """
    truth = cells.index(rows.country[held.rows])
    own = held.scores[np.arange(len(truth)), truth]
    # Ties stand before the truth, so that a constant answer gains nothing by them.
    rank = (held.scores >= own[:, None]).sum(axis=1) - 1
    source = rows.source[held.rows]
    sources = {
        str(name): _hits(rank[source == name], held.seen[source == name])
        for name in np.unique(source)
    }
    return {
        "all": _hits(rank, held.seen),
        "mean_over_sources": {
            key: round(float(np.mean([s[key] for s in sources.values()])), 2)
            for key in ("top1", "top5")
        },
        "sources": sources,
    }


def by_country(held: HeldOut, rows: Rows, cells: Countries) -> dict[str, dict[str, Any]]:
    """The same for each country."""
    truth = cells.index(rows.country[held.rows])
    own = held.scores[np.arange(len(truth)), truth]
    rank = (held.scores >= own[:, None]).sum(axis=1) - 1
    return {
        cells.ids[cell]: _hits(rank[truth == cell], held.seen[truth == cell])
        for cell in np.unique(truth)
    }


def _hits(rank: IntArray, seen: npt.NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "photos": len(rank),
        "top1": round(100 * float((rank < 1).mean()), 2),
        "top5": round(100 * float((rank < 5).mean()), 2),
        "country_unseen": int((~seen).sum()),
    }


def _paths(rows: Rows) -> list[str]:
    return [str(path) for path in rows.manifest.column("path")]
