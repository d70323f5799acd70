"""Where a system is good and where it is not: scores by slice, and the worst ones found by search.

Looking at many slices finds a bad one by luck; the p-values of the search are corrected for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from graticule import metrics
from graticule.evaluation.bootstrap import holm
from graticule.evaluation.scores import Outcomes
from graticule.evaluation.truth import Truth

#: A slice with fewer photos says too little to be shown or searched.
MIN_PHOTOS = 20
#: Columns of a manifest that make slices, beside country and continent.
COLUMNS = ("scene", "source", "licence", "city")


@dataclass(frozen=True)
class Slice:
    """One group of photos and how the system fares on it.

    Attributes:
        what: the column, e.g. ``"scene"``, or two joined by `` × ``.
        value: its value.
        photos: how many there are.
        top1: percent of true countries named first, NaN where none is known.
        top5: likewise among the first five.
        median_km: NaN where no place is known.
        geoscore: mean, NaN likewise.
    """

    what: str
    value: str
    photos: int
    top1: float
    top5: float
    median_km: float
    geoscore: float


def labels(truth: Truth) -> dict[str, npt.NDArray[np.str_]]:
    """The columns that slice a set of photos, "" where a photo has no value."""
    found = {name: truth.column(name) for name in COLUMNS}
    countries = truth.countries()
    found["country"] = countries
    found["continent"] = _continents(countries)
    found["indoors"] = np.where(
        truth.column("scene") == "", "", np.where(truth.column("scene") == "indoor", "yes", "no")
    )
    found["capture time"] = np.where(truth.column("captured_at") == "", "unknown", "known")
    return {name: column for name, column in found.items() if len(np.unique(column)) > 1}


def by_value(found: Outcomes, columns: Mapping[str, npt.NDArray[np.str_]]) -> list[Slice]:
    """One slice for each value of each column with enough photos."""
    out = []
    for what, column in columns.items():
        for value in np.unique(column):
            rows = column == value
            if value != "" and rows.sum() >= MIN_PHOTOS:
                out.append(_slice(what, str(value), rows, found))
    return out


@dataclass(frozen=True)
class WorstSlice:
    """A slice that fares worse than the rest, with its corrected p-value."""

    slice: Slice
    rest_top1: float
    p_value: float


def worst(
    found: Outcomes, columns: Mapping[str, npt.NDArray[np.str_]], most: int = 10
) -> list[WorstSlice]:
    """Search single columns and pairs for slices whose country top-1 is below the rest's.

    Fisher's exact test of each slice against all other photos, Holm-corrected over everything that
    was looked at; only slices at a corrected p below 0.05 are returned, worst first.
    """
    from scipy.stats import fisher_exact

    known = ~np.isnan(found.rank)
    right = known & (found.rank <= 1)
    candidates: list[tuple[str, str, npt.NDArray[np.bool_]]] = []
    seen: set[bytes] = set()
    for what, value, rows in _candidates(columns):
        inside = rows & known
        # A source and its licence are often the same photos: looked at once.
        if inside.tobytes() in seen:
            continue
        seen.add(inside.tobytes())
        if MIN_PHOTOS <= inside.sum() <= known.sum() - MIN_PHOTOS:
            candidates.append((what, value, inside))
    tests = []
    for _, _, rows in candidates:
        rest = known & ~rows
        table = [
            [int((right & rows).sum()), int((~right & rows).sum())],
            [int((right & rest).sum()), int((~right & rest).sum())],
        ]
        tests.append(float(fisher_exact(table, alternative="less").pvalue))
    corrected = holm(tests)
    bad = [i for i in np.argsort(corrected, kind="stable") if corrected[i] < 0.05][:most]
    return [
        WorstSlice(
            _slice(candidates[i][0], candidates[i][1], candidates[i][2], found),
            100.0 * float(right[known & ~candidates[i][2]].mean()),
            float(corrected[i]),
        )
        for i in bad
    ]


def _candidates(
    columns: Mapping[str, npt.NDArray[np.str_]],
) -> Iterable[tuple[str, str, npt.NDArray[np.bool_]]]:
    for what, column in columns.items():
        for value in np.unique(column[column != ""]):
            yield what, str(value), column == value
    for a, b in combinations(columns, 2):
        joined = np.char.add(np.char.add(columns[a], " × "), columns[b])
        both = (columns[a] != "") & (columns[b] != "")
        for value in np.unique(joined[both]):
            yield f"{a} × {b}", str(value), both & (joined == value)


def _slice(what: str, value: str, rows: npt.NDArray[np.bool_], found: Outcomes) -> Slice:
    rank, km = found.rank[rows], found.km[rows]
    rank, km = rank[~np.isnan(rank)], km[np.isfinite(km)]
    return Slice(
        what,
        value,
        int(rows.sum()),
        metrics.top_k(rank, 1) if len(rank) else float("nan"),
        metrics.top_k(rank, 5) if len(rank) else float("nan"),
        float(np.median(km)) if len(km) else float("nan"),
        float(metrics.geoscores(km).mean()) if len(km) else float("nan"),
    )


def _continents(countries: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    from graticule import atlas

    codes, index = np.unique(countries, return_inverse=True)
    return np.array([atlas.continent(code) if code else "" for code in codes], dtype=np.str_)[index]
