"""Where a system is good and where it is not: scores by slice, and the worst ones found by search.

Looking at many slices finds a bad one by luck; the p-values of the search are corrected for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule import metrics
from graticule.evaluation.bootstrap import holm
from graticule.evaluation.scores import Outcomes
from graticule.evaluation.truth import Truth, portions
from graticule.photos import scene_names
from graticule.scenes import GROUPS

if TYPE_CHECKING:
    from graticule.photos.manifest import Manifest

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
        top5: likewise among the first five; NaN for a system that names one.
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


#: Level of the S2 cells in which training photos are counted: some 70 km across.
_CELL_LEVEL = 7


def labels(truth: Truth, train: Truth | Manifest | None = None) -> dict[str, npt.NDArray[np.str_]]:
    """The columns that slice a set of photos, "" where a photo has no value.

    Args:
        truth: the judged photos.
        train: what the system was trained on, for the number of its photos in each photo's cell.
    """
    found = {name: truth.column(name) for name in COLUMNS}
    countries = truth.countries()
    found["country"] = countries
    found["continent"] = _continents(countries)
    found["indoors"] = _indoors(truth.column("scene"))
    found["capture time"] = np.where(truth.column("captured_at") == "", "unknown", "known")
    sides = [_numbers(truth, name) for name in ("width", "height")]
    found["photo size"] = size_classes(np.fmax(*sides))
    if train is not None:
        found["training photos in the cell"] = _trained_on(truth, train)
    return {name: column for name, column in found.items() if (column[1:] != column[:-1]).any()}


def _indoors(scenes: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """Whether each scene (n,) is indoors, by any name of one; "" for a name of none."""
    names, index = np.unique(scenes, return_inverse=True)
    words = {-1: "", GROUPS.index("indoor"): "yes"}
    numbers = [scene_names.number(name, "groups") for name in names.tolist()]
    return np.array([words.get(number, "no") for number in numbers], dtype=np.str_)[index]


def size_classes(side: npt.NDArray[np.float64]) -> npt.NDArray[np.str_]:
    """A word for the longer side of each photo in pixels (n,), "" for NaN."""
    words = np.array(["below 400 px", "400 to 799 px", "800 to 1599 px", "1600 px and more", ""])
    found = np.digitize(side, (400, 800, 1600))
    return words[np.where(np.isnan(side), 4, found)]


def count_classes(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
    """A word for how many training photos there are in each photo's cell (n,), "" below zero."""
    words = np.array(["none", "1 to 9", "10 to 99", "100 to 999", "1000 and more", ""])
    found = np.digitize(counts, (1, 10, 100, 1000))
    return words[np.where(counts < 0, 5, found)]


def _numbers(truth: Truth, name: str) -> npt.NDArray[np.float64]:
    column = truth.column(name)
    out = np.full(len(truth), np.nan)
    for row in np.flatnonzero(column != ""):
        with contextlib.suppress(ValueError):
            out[row] = float(column[row])
    return out


def _trained_on(truth: Truth, train: Truth | Manifest) -> npt.NDArray[np.str_]:
    from graticule.cells import s2

    found = np.full(len(truth), -1, dtype=np.int64)
    located = truth.located
    cells, asked = np.unique(s2.cell_ids(truth.latlon[located], _CELL_LEVEL), return_inverse=True)
    counts = np.zeros(len(cells), dtype=np.int64)
    seen = 0
    for portion in portions(train, ()):
        learnt = s2.cell_ids(portion.latlon[portion.located], _CELL_LEVEL)
        seen += len(learnt)
        place = np.searchsorted(cells, learnt)
        there = place < len(cells)
        there[there] = cells[place[there]] == learnt[there]
        counts += np.bincount(place[there], minlength=len(cells))
    if seen:
        found[located] = counts[asked]
    return count_classes(found)


def by_value(found: Outcomes, columns: Mapping[str, npt.NDArray[np.str_]]) -> list[Slice]:
    """One slice for each value of each column with enough photos."""
    out = []
    for what, column in columns.items():
        values, codes, counts = np.unique(column, return_inverse=True, return_counts=True)
        rows = np.argsort(codes, kind="stable")
        for value, part in zip(values, np.split(rows, np.cumsum(counts)[:-1]), strict=True):
            if value != "" and len(part) >= MIN_PHOTOS:
                out.append(_slice(what, str(value), part, found))
    return out


@dataclass(frozen=True)
class WorstSlice:
    """A slice that fares worse than the rest, with its corrected p-value.

    Attributes:
        slice: its photos and scores.
        rest: percent of the other photos that came out right.
        p_value: corrected.
        share: percent of its own that did.
        judged_by: what right is: ``country top-1`` or ``within 200 km``.
    """

    slice: Slice
    rest: float
    p_value: float
    share: float = float("nan")
    judged_by: str = "country top-1"


def worst(
    found: Outcomes, columns: Mapping[str, npt.NDArray[np.str_]], most: int = 10
) -> list[WorstSlice]:
    """Search single columns and pairs for slices that do worse than the rest.

    Worse is: fewer true countries named first, where more than one country is judged; else fewer
    photos within 200 km. Fisher's exact test of each slice against all other photos,
    Holm-corrected over everything that was looked at; only slices at a corrected p below 0.05 are
    returned, worst first. Photos are taken as independent, which they are not where a photographer
    took many: the p-values rank, they do not prove.
    """
    from scipy.stats import fisher_exact

    known, right, what = judged_by(found)
    candidates = list(_candidates(columns, known, right))
    n, hits = int(known.sum()), int(right.sum())
    tests = [
        float(
            fisher_exact(
                [[c.right, c.photos - c.right], [hits - c.right, n - hits - c.photos + c.right]],
                alternative="less",
            ).pvalue
        )
        for c in candidates
    ]
    corrected = holm(tests)
    bad = [i for i in np.argsort(corrected, kind="stable") if corrected[i] < 0.05][:most]
    return [
        WorstSlice(
            _slice(c.what, c.value, c.rows(columns), found),
            100.0 * (hits - c.right) / (n - c.photos),
            float(corrected[i]),
            100.0 * c.right / c.photos,
            what,
        )
        for i, c in ((i, candidates[i]) for i in bad)
    ]


def judged_by(found: Outcomes) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], str]:
    """What the search goes by: which photos judge (n,), which came out right (n,), and its name."""
    named = ~np.isnan(found.rank)
    several = len(np.unique(found.countries[named])) != 1 if len(found.countries) else True
    if named.any() and several:
        return named, named & (found.rank <= 1), "country top-1"
    located = np.isfinite(found.km)
    return located, located & (found.km <= 200), "within 200 km"


@dataclass(frozen=True)
class _Candidate:
    what: str
    value: str
    photos: int
    right: int
    #: The columns it is a value of, and that value in each: its rows are looked up when asked for,
    #: since there are thousands of candidates and a few are shown.
    where: tuple[tuple[str, str], ...]

    def rows(self, columns: Mapping[str, npt.NDArray[np.str_]]) -> npt.NDArray[np.int64]:
        chosen = [columns[name] == value for name, value in self.where]
        return np.flatnonzero(np.logical_and.reduce(chosen))


def _candidates(
    columns: Mapping[str, npt.NDArray[np.str_]],
    known: npt.NDArray[np.bool_],
    right: npt.NDArray[np.bool_],
) -> Iterable[_Candidate]:
    """Every value of a column, and of a pair of columns, with enough photos in it and outside."""
    coded = {what: np.unique(column, return_inverse=True) for what, column in columns.items()}
    # Slices of the same photos have the same sum of these: a source and its licence are often one.
    mark = np.where(known, np.random.default_rng(0).random(len(known)), 0.0)
    seen: set[float] = set()
    total = int(known.sum())
    for names in [*((name,) for name in coded), *combinations(coded, 2)]:
        values, codes = coded[names[0]]
        judged, size, wide = known & (values != "")[codes], len(values), 1
        for other in names[1:]:
            more, inner = coded[other]
            codes, size, wide = codes * len(more) + inner, size * len(more), len(more)
            judged &= (more != "")[inner]
        there, dense = _without_gaps(codes, size)
        photos = np.bincount(dense, judged, len(there)).astype(np.int64)
        hits = np.bincount(dense, judged & right, len(there)).astype(np.int64)
        marks = np.bincount(dense, judged * mark, len(there))
        for cell in np.flatnonzero((photos >= MIN_PHOTOS) & (photos <= total - MIN_PHOTOS)):
            key = round(float(marks[cell]), 6)
            if key in seen:
                continue
            seen.add(key)
            chosen = [str(values[int(there[cell]) // wide])]
            if len(names) > 1:
                chosen.append(str(coded[names[1]][0][int(there[cell]) % wide]))
            yield _Candidate(
                " × ".join(names),
                " × ".join(chosen),
                int(photos[cell]),
                int(hits[cell]),
                tuple(zip(names, chosen, strict=True)),
            )


def _without_gaps(
    codes: npt.NDArray[np.int64], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The codes that there are and each photo's place among them; all where few are possible."""
    if size <= len(codes):
        return np.arange(size), codes
    return np.unique(codes, return_inverse=True)


def _slice(what: str, value: str, rows: npt.NDArray[np.int64], found: Outcomes) -> Slice:
    rank, km = found.rank[rows], found.km[rows]
    rank, km = rank[~np.isnan(rank)], km[np.isfinite(km)]
    return Slice(
        what,
        value,
        len(rows),
        metrics.top_k(rank, 1) if len(rank) else float("nan"),
        metrics.top_k(rank, 5) if len(rank) and found.named.get("country", 0) > 1 else float("nan"),
        float(np.median(km)) if len(km) else float("nan"),
        float(metrics.geoscores(km).mean()) if len(km) else float("nan"),
    )


def _continents(countries: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    from graticule import atlas

    codes, index = np.unique(countries, return_inverse=True)
    return np.array([atlas.continent(code) if code else "" for code in codes], dtype=np.str_)[index]
