"""The pictures of a report: what a person looks at before the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import metrics
from graticule.draw import charts, svg
from graticule.draw.axis import Axis
from graticule.evaluation.report import Report

#: Countries shown in the confusion matrix.
_COUNTRIES = 14
#: Photos drawn on the error map.
_POINTS = 3000
#: Photos with a confidence and a known country that a curve over confidence takes.
_FEWEST = 40


@dataclass(frozen=True)
class Picture:
    """One picture of a report.

    Attributes:
        title: above it.
        svg: the picture; "" where the report's data do not allow it.
        words: how to read it.
        needs: what data it takes.
        wide: whether it fills the width of a page.
    """

    title: str
    svg: str
    words: str
    needs: str
    wide: bool = False


def pictures(report: Report) -> tuple[Picture, ...]:
    """All pictures, those without the data for them too."""
    located = "photos with coordinates, and points"
    sure = f"a country and a confidence for {_FEWEST} photos"
    return (
        Picture(
            "Where the errors are",
            error_map(report),
            "True places; the larger and stronger a spot, the more GeoScore was lost there.",
            located,
            wide=True,
        ),
        Picture("Errors", error_curve(report), "Share of photos within a distance.", located),
        Picture(
            "Calibration",
            reliability(report),
            "How often the first country is right against how sure it was, in bins of equally "
            "many photos; on the line is honest.",
            sure,
        ),
        Picture(
            "Radii",
            coverage(report),
            "Share of true places inside each stated radius; on the line is honest.",
            "radii and points",
        ),
        Picture(
            "Answering fewer photos",
            abstention(report),
            "Country accuracy when only the surest photos are answered.",
            sure,
        ),
        Picture(
            "Countries mistaken for one another",
            confusion(report),
            "The most photographed countries in rows, the first answers in columns; each cell is "
            "the percentage of its row’s n photos. None is silence, or a point in no country.",
            "answers for photos of two countries",
        ),
    )


def error_map(report: Report) -> str:
    """Spots at true places, weighted by what was lost there; "" where no error is known."""
    known = np.flatnonzero(np.isfinite(report.found.km))
    if not len(known):
        return ""
    step = max(1, len(known) // _POINTS)
    rows = known[::step]
    lost = 1 - metrics.geoscores(report.found.km[rows]) / metrics.GEOSCORE_MAX
    places = report.truth.latlon[rows]
    # One spot a square degree: a thousand photos of one town are one place to look at.
    squares, index = np.unique(np.round(places), axis=0, return_inverse=True)
    weight = np.bincount(index.ravel(), lost)
    return svg.worldmap(
        heat=[(float(a), float(b), float(w)) for (a, b), w in zip(squares, weight, strict=True)],
        title="Map of errors",
    )


def error_curve(report: Report) -> str:
    """Share of photos within each distance; "" where fewer than two errors are known."""
    km = report.found.km
    known = np.sort(km[np.isfinite(km)])
    if len(known) < 2:
        return ""
    ticks = (*metrics.THRESHOLDS_KM, 20_000.0)
    x = np.union1d(np.geomspace(1, ticks[-1], 120), ticks)
    share = 100 * np.searchsorted(known, x, side="right") / len(known)
    return charts.lines(
        {"photos": (x.tolist(), share.tolist())},
        x=Axis("error", "km", log=True, ticks=ticks),
        y=Axis("photos", "%", span=(0, 100)),
    )


def confusion(report: Report) -> str:
    """The most photographed countries against the first answers; "" where there are not two."""
    truth, first = report.found.countries, report.found.first_countries
    known = truth != ""
    codes, counts = np.unique(truth[known], return_counts=True)
    names = codes[np.argsort(-counts, kind="stable")][:_COUNTRIES].tolist()
    if len(names) < 2 or not (first[known] != "").any():
        return ""
    # Photos of other countries have no row; the answers beside these countries have columns.
    place = {name: i for i, name in enumerate(names)}
    other, none = len(names), len(names) + 1
    matrix = np.zeros((len(names) + 1, len(names) + 2))
    true = np.array([place.get(name, other) for name in truth[known].tolist()])
    said = np.array([place.get(name, other if name else none) for name in first[known].tolist()])
    np.add.at(matrix, (true, said), 1)
    columns = [*names, "other", "none"]
    there = [i for i in range(len(columns)) if i < other or matrix[:-1, i].any()]
    return charts.confusion(
        matrix[:-1, there], names, [columns[i] for i in there], x="answered", y="true"
    )


def reliability(report: Report) -> str:
    """Accuracy against confidence in bins of equal count; "" where too few have both."""
    order = _surest(report)[::-1]
    if len(order) < _FEWEST:
        return ""
    bins = np.array_split(order, min(10, len(order) // (_FEWEST // 2)))
    x = [100 * float(report.predictions.confidence[part].mean()) for part in bins]
    y = [100 * float((report.found.rank[part] <= 1).mean()) for part in bins]
    return charts.lines(
        {"country": (x, y)},
        x=Axis("said", "%", span=(0, 100)),
        y=Axis("right", "%", span=(0, 100)),
        diagonal=True,
    )


def coverage(report: Report) -> str:
    """Measured against promised coverage of the radii; "" where there are none."""
    km = report.found.km
    levels, shares = [], []
    for level, radius in sorted(report.predictions.radius_km.items()):
        known = np.isfinite(km) & np.isfinite(radius)
        if known.any():
            levels.append(float(level))
            shares.append(100 * float((km[known] <= radius[known]).mean()))
    if not levels:
        return ""
    return charts.lines(
        {"radius": (levels, shares)},
        x=Axis("promised", "%", span=(0, 100)),
        y=Axis("measured", "%", span=(0, 100)),
        diagonal=True,
    )


def abstention(report: Report) -> str:
    """Accuracy over the surest share of the photos; "" where too few have a confidence."""
    order = _surest(report)
    if len(order) < _FEWEST:
        return ""
    rank = report.found.rank[order]
    counts = np.arange(1, len(order) + 1)
    # The very surest few are luck, and would stretch the axis.
    fewest = max(_FEWEST // 2, len(order) // 50)
    kept = np.unique(np.linspace(fewest, len(order), 60).astype(int)) - 1
    series = {}
    for k in (1, 5):
        if k > 1 and not (np.isfinite(rank) & (rank > 1)).any():
            break  # one country was named: the first five are the first
        running = 100 * np.cumsum(rank <= k) / counts
        series[f"top-{k}"] = ((100 * counts[kept] / len(order)).tolist(), running[kept].tolist())
    return charts.lines(series, x=Axis("photos answered", "%"), y=Axis("right", "%"))


def _surest(report: Report) -> npt.NDArray[np.int64]:
    """Rows with a confidence and a known country, surest first."""
    sure = report.predictions.confidence
    known = np.flatnonzero(np.isfinite(sure) & ~np.isnan(report.found.rank))
    return known[np.argsort(-sure[known], kind="stable")]


def extremes(report: Report, most: int = 8) -> Sequence[tuple[str, npt.NDArray[np.int64]]]:
    """Rows to look at: the best, the worst, and the most surprising (sure and wrong)."""
    km, sure, rank = report.found.km, report.predictions.confidence, report.found.rank
    groups: list[tuple[str, npt.NDArray[np.int64]]] = []
    known = np.flatnonzero(np.isfinite(km))
    if len(known):
        order = known[np.argsort(km[known], kind="stable")]
        groups += [("best", order[:most]), ("worst", order[::-1][:most])]
    wrong = np.flatnonzero(np.isfinite(sure) & ~np.isnan(rank) & (rank > 1))
    if len(wrong):
        groups.append(("most surprising", wrong[np.argsort(-sure[wrong], kind="stable")][:most]))
    return groups
