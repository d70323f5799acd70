"""Several systems on the same photos: one table, and paired tests of one against the others.

Photos that any system has no prediction for are left out for all, and counted. A system trained
several times with other seeds is one row: each photo counts with the mean over its runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import metrics
from graticule.errors import GraticuleError
from graticule.evaluation.bootstrap import (
    REPLICATES,
    Difference,
    Estimate,
    Resampler,
    holm,
    mcnemar,
    paired,
)
from graticule.evaluation.cost import Cost
from graticule.evaluation.matching import match, suspicions
from graticule.evaluation.predictions import Predictions
from graticule.evaluation.scores import outcomes
from graticule.evaluation.truth import Truth

FloatArray = npt.NDArray[np.float64]

#: Of a comparison's JSON.
SCHEMA_VERSION = 1
#: What systems are tested on: name → unit, and whether more is better.
TESTED: Mapping[str, tuple[str, bool]] = {
    "country top-1": ("%", True),
    "country top-5": ("%", True),
    "median error": ("km", False),
    "GeoScore": ("of 5000", True),
}
#: Replicates of a test, in those of an interval: at least; and clusters of a test: at most.
_FINER, _MOST_CLUSTERS = 10, 20_000
#: What a table shows besides.
SHOWN = tuple(f"within {limit:g} km" for limit in metrics.THRESHOLDS_KM[1:])


@dataclass(frozen=True)
class Entry:
    """One system to compare.

    Attributes:
        name: in the table.
        runs: its predictions, one table for each time it was trained.
        cost: of running it, where it was measured.
        note: what a reader must know to read its row.
    """

    name: str
    runs: tuple[Predictions, ...]
    cost: Cost | None = None
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One line of the table: scores by name, each with its interval."""

    name: str
    scores: Mapping[str, Estimate]
    runs: int
    cost: Cost | None
    note: str


@dataclass(frozen=True)
class Pair:
    """One system against another on one score.

    Attributes:
        first: the system that is tested.
        second: the one it is tested against.
        score: of :data:`TESTED`.
        difference: first minus second, by the paired cluster bootstrap.
        mcnemar: exact p of right against wrong, photos taken as independent; NaN for distances.
        corrected: bootstrap p corrected for all pairs of the table (Holm).
        bounded: whether ``corrected`` is a bound, since it stands on a p at its floor.
        better: whether the first is better by the sign of the difference.
    """

    first: str
    second: str
    score: str
    difference: Difference
    mcnemar: float
    corrected: float
    bounded: bool
    better: bool


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        title: of the page.
        photos: judged.
        located: of these, with coordinates.
        clusters: independent groups among them.
        rows: in the order the systems were given.
        pairs: the tested system against every other.
        notes: what was left out, missing, suspected.
        curves: score → system → (training photos, values).
    """

    title: str
    photos: int
    located: int
    clusters: int
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()
    curves: Mapping[str, Mapping[str, tuple[list[float], list[float]]]] = field(
        default_factory=dict
    )

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON values; NaN becomes null."""
        found: dict[str, Any] = _json(asdict(self))
        return {"schema_version": SCHEMA_VERSION, **found}

    def row(self, name: str) -> Row:
        """A system's row.

        Raises:
            GraticuleError: there is none of that name.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise GraticuleError(f"no system {name!r} in {self.title}")

    def is_first(self, name: str, score: str, level: float = 0.05) -> bool:
        """Whether a system beats every other on a score by the corrected paired test."""
        tested = [p for p in self.pairs if p.first == name and p.score == score]
        return bool(tested) and all(p.better and p.corrected < level for p in tested)


def compare(entries: Sequence[Entry], truth: Truth, **options: Any) -> Comparison:
    """Put systems beside each other, on the photos that all of them predicted.

    Args:
        entries: the systems; names differ.
        truth: the judged photos.
        options: of :func:`compare_aligned`.

    Raises:
        GraticuleError: as :func:`align` and :func:`compare_aligned` do.
    """
    return compare_aligned(align(entries, truth), truth, **options)


def compare_aligned(
    aligned: Aligned,
    truth: Truth,
    *,
    tested: str | None = None,
    clusters: npt.NDArray[np.str_] | None = None,
    title: str = "Systems compared",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Comparison:
    """Put systems beside each other whose photos were found already, or on some of these.

    Args:
        aligned: the systems, of which names differ, and the photos.
        truth: the photos that they were found among.
        tested: the system that is tested against every other; the first by default.
        clusters: (n,) labels of dependent photos, on the rows of ``truth``; by default its own.
        title: of the page.
        replicates: of the bootstrap of the table's intervals. Paired tests take ten times as many,
            or as many times as there are tests: the strictest of m tests is judged at a level m
            times smaller, and has as many replicates beyond it as an interval has beyond its ends.
        seed: same seed, same intervals.

    Raises:
        GraticuleError: fewer than two systems, two of one name, or an unknown one to test.
    """
    rows, entries = aligned.rows, aligned.entries
    names = [entry.name for entry in entries]
    _check(names, tested)
    labels = truth.clusters() if clusters is None else clusters
    judged = truth.take(rows)
    resampler = Resampler.over(labels[rows], replicates, seed)
    columns = [_columns(entry, judged) for entry in entries]
    table = tuple(
        Row(e.name, _scores(c, resampler), len(e.runs), e.cost, e.note)
        for e, c in zip(entries, columns, strict=True)
    )
    first = names.index(tested) if tested else 0
    return Comparison(
        title,
        len(judged),
        int(judged.located.sum()),
        resampler.n_clusters,
        table,
        tuple(_pairs(names, columns, first, resampler)),
        aligned.notes,
    )


def _check(names: list[str], tested: str | None) -> None:
    if len(names) < 2:
        raise GraticuleError("a comparison needs two systems or more")
    for name in names:
        if names.count(name) > 1:
            raise GraticuleError(f"two systems are called {name!r}: give them names of their own")
    if tested is not None and tested not in names:
        raise GraticuleError(f"no system {tested!r} to test; there are {', '.join(names)}")


@dataclass(frozen=True)
class Aligned:
    """Systems on the photos that every run of theirs predicted.

    Attributes:
        rows: int64 (m,), of the truth.
        entries: the systems, their runs on just these rows.
        notes: what was left out, missing, suspected.
    """

    rows: npt.NDArray[np.int64]
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    def take(self, kept: npt.NDArray[np.bool_]) -> Aligned:
        """Some of the photos, bool (m,), without the notes."""
        some = np.flatnonzero(kept)
        return Aligned(
            self.rows[some],
            tuple(replace(e, runs=tuple(run.take(some) for run in e.runs)) for e in self.entries),
        )


def align(entries: Sequence[Entry], truth: Truth) -> Aligned:
    """Find the photos of the truth that every run predicted.

    Raises:
        GraticuleError: there is none, or what is wrong with a table.
    """
    where: list[list[npt.NDArray[np.int64]]] = []
    notes: list[str] = []
    every = np.ones(len(truth), dtype=bool)
    for entry in entries:
        own = []
        for run in entry.runs:
            try:
                found = match(truth.paths, run.paths)
            except GraticuleError as error:
                raise GraticuleError(f"{entry.name}: {error}") from error
            place = np.full(len(truth), -1, dtype=np.int64)
            place[found.truth_rows] = found.predicted_rows
            every &= place >= 0
            own.append(place)
            told = [*run.notes, *found.notes]
            notes += [
                f"{entry.name}: {note}" for note in told if f"{entry.name}: {note}" not in notes
            ]
        where.append(own)
    rows = np.flatnonzero(every)
    if not len(rows):
        raise GraticuleError("no photo has a prediction of every system: nothing to compare")
    if len(rows) < len(truth):
        notes.append(
            f"{len(truth) - len(rows):,} of {len(truth):,} photos lack a prediction of some system "
            "and were left out for all"
        )
    judged = truth.latlon[rows]
    aligned = []
    for entry, own in zip(entries, where, strict=True):
        runs = tuple(run.take(place[rows]) for run, place in zip(entry.runs, own, strict=True))
        for note in suspicions(replace(runs[0], name=entry.name), judged):
            notes.append(f"{entry.name}: {note.removeprefix(f'{entry.name}: ')}")
        aligned.append(replace(entry, runs=runs))
    return Aligned(rows, tuple(aligned), tuple(notes))


@dataclass(frozen=True)
class _Columns:
    """One value a photo, the mean over runs; km is the median over them."""

    top1: FloatArray
    top5: FloatArray
    km: FloatArray
    geoscore: FloatArray
    within: FloatArray


def _columns(entry: Entry, truth: Truth) -> _Columns:
    runs = [outcomes(run, truth) for run in entry.runs]
    km = np.stack([run.km for run in runs])
    inside = np.stack(
        [[np.where(np.isnan(one), np.nan, 100.0 * (one <= limit)) for one in km]
         for limit in metrics.THRESHOLDS_KM[1:]]
    )  # fmt: skip

    def hits(k: int) -> FloatArray:
        right = [np.where(np.isnan(r.rank), np.nan, 100.0 * (r.rank <= k)) for r in runs]
        return np.asarray(np.mean(right, axis=0))

    return _Columns(
        hits(1),
        hits(5),
        np.asarray(np.median(km, axis=0)),
        np.asarray(metrics.geoscores(km).mean(axis=0)),
        np.asarray(inside.mean(axis=1)),
    )


def _scores(found: _Columns, resampler: Resampler) -> dict[str, Estimate]:
    means = {
        "country top-1": found.top1,
        "country top-5": found.top5,
        "GeoScore": found.geoscore,
        **dict(zip(SHOWN, found.within, strict=True)),
    }
    drawn, middles = resampler.draw(np.column_stack(list(means.values())), [found.km])
    scores = {
        name: (Estimate.of if name == "GeoScore" else Estimate.of_share)(
            _known(np.mean, column), samples, resampler.witnesses(column)
        )
        for (name, column), samples in zip(means.items(), drawn.T, strict=True)
    }
    scores["median error"] = Estimate.of(
        _known(np.median, found.km), middles[:, 0], resampler.witnesses(found.km)
    )
    return {name: scores[name] for name in (*TESTED, *SHOWN)}


def _known(what: Callable[[FloatArray], Any], column: FloatArray) -> float:
    """A statistic of the values that there are; NaN of none."""
    values = column[~np.isnan(column)]
    return float(what(values)) if len(values) else math.nan


@dataclass(frozen=True)
class _Test:
    """What one pair is tested on: a score, and each photo's value (n,) of both systems."""

    second: str
    score: str
    mine: FloatArray
    other: FloatArray

    @property
    def of_medians(self) -> bool:
        return self.score == "median error"

    @property
    def mcnemar(self) -> float:
        """With several runs, right means right in most of them; NaN for distances."""
        known = ~(np.isnan(self.mine) | np.isnan(self.other))
        right = [column[known] > 50 for column in (self.mine, self.other)]
        return mcnemar(*right) if "top" in self.score else math.nan


def _tests(names: list[str], columns: list[_Columns], first: int) -> Iterator[_Test]:
    mine = columns[first]
    for number, (name, other) in enumerate(zip(names, columns, strict=True)):
        for score, a, b in (
            ("country top-1", mine.top1, other.top1),
            ("country top-5", mine.top5, other.top5),
            ("median error", mine.km, other.km),
            ("GeoScore", mine.geoscore, other.geoscore),
        ):
            if number != first and np.isfinite(a - b).any():
                yield _Test(name, score, a, b)


def _pairs(
    names: list[str], columns: list[_Columns], first: int, resampler: Resampler
) -> list[Pair]:
    tests = list(_tests(names, columns, first))
    finer = replace(resampler, replicates=resampler.replicates * max(_FINER, len(tests)))
    finer = finer.joined(_MOST_CLUSTERS)
    # Medians after means, as the differences come.
    order = sorted(range(len(tests)), key=lambda i: tests[i].of_medians)
    found = paired(
        [(t.mine, t.other) for t in tests if not t.of_medians],
        [(t.mine, t.other) for t in tests if t.of_medians],
        finer,
    )
    differences = dict(zip(order, found, strict=True))
    p = np.array([differences[i].p_value for i in range(len(tests))])
    sound = np.isfinite(p)
    corrected = np.full(len(p), np.nan)
    corrected[sound] = holm(p[sound])
    at_floor = np.array([differences[i].at_floor for i in range(len(tests))], dtype=bool)
    # Holm's steps carry the largest of the smaller ones on: what stands on a bound is a bound.
    bounded = np.isin(corrected, corrected[at_floor & (corrected < 1)])
    return [
        Pair(
            names[first],
            test.second,
            test.score,
            differences[i],
            test.mcnemar,
            float(corrected[i]),
            bool(bounded[i]),
            _is_better(test.score, differences[i].estimate.value),
        )
        for i, test in enumerate(tests)
    ]


def _is_better(score: str, difference: float) -> bool:
    return difference > 0 if TESTED[score][1] else difference < 0


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return round(float(value), 6) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
