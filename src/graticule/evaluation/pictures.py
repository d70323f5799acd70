"""The pictures of a report: what a person looks at before the numbers.

Charts need the ``report`` extra; without it a report keeps its map and its numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graticule import metrics
from graticule.draw import charts, svg
from graticule.errors import MissingExtraError
from graticule.evaluation.report import Report

#: Countries shown in the confusion matrix.
_COUNTRIES = 14
#: Photos drawn on the error map.
_POINTS = 3000


def pictures(report: Report) -> list[tuple[str, str, str]]:
    """Title, SVG and a sentence on how to read each picture that the report's data allow."""
    made = [
        _try("Where the errors are", lambda: error_map(report), _MAP_WORDS),
        _try("Errors", lambda: error_curve(report.found.km), "Share of photos within a distance."),
        _try("Countries mistaken for one another", lambda: confusion(report), _CONFUSION_WORDS),
        _try("Calibration", lambda: reliability(report), _RELIABILITY_WORDS),
        _try("Radii", lambda: coverage(report), "Share of true places inside each stated radius."),
        _try("Answering fewer photos", lambda: abstention(report), _ABSTENTION_WORDS),
    ]
    return [picture for picture in made if picture is not None]


_MAP_WORDS = "True places; the larger and stronger a spot, the more GeoScore was lost there."
_CONFUSION_WORDS = (
    "Rows are the true country, columns the first answer; shaded by each row's share."
)
_RELIABILITY_WORDS = "How often an answer is right against how sure it was; on the line is honest."
_ABSTENTION_WORDS = "Country accuracy when only the surest photos are answered."


def error_map(report: Report) -> str | None:
    """Spots at true places, weighted by what was lost there."""
    known = np.flatnonzero(np.isfinite(report.found.km))
    if not len(known):
        return None
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


def error_curve(km: npt.NDArray[np.float64]) -> str | None:
    """Share of photos within each distance."""
    known = np.sort(km[np.isfinite(km)])
    if len(known) < 2:
        return None
    x = np.geomspace(1, 20000, 120)
    share = 100 * np.searchsorted(known, x, side="right") / len(known)
    return charts.lines(
        {"photos": (x.tolist(), share.tolist())}, x="error, km", y="photos, %", log_x=True
    )


def confusion(report: Report) -> str | None:
    """The most photographed countries against the first answers."""
    truth = report.truth.countries()
    first = np.array([c[0] if c else "" for c in report.predictions.countries])
    known = (truth != "") & (first != "")
    names = [name for name, _ in Counter(truth[known].tolist()).most_common(_COUNTRIES)]
    if len(names) < 2:
        return None
    columns = [*names, "other"]
    matrix = np.zeros((len(names), len(columns)))
    for true, said in zip(truth[known], first[known], strict=True):
        if true in names:
            matrix[names.index(true), columns.index(said) if said in names else -1] += 1
    return charts.confusion(matrix, columns, x="answered", y="true", rows=names)


def reliability(report: Report) -> str | None:
    """Accuracy against confidence in bins of equal count."""
    sure, rank = report.predictions.confidence, report.found.rank
    known = np.flatnonzero(np.isfinite(sure) & ~np.isnan(rank))
    if len(known) < 40:
        return None
    order = known[np.argsort(sure[known], kind="stable")]
    bins = np.array_split(order, min(10, len(order) // 20))
    x = [float(sure[part].mean()) for part in bins]
    y = [float((rank[part] <= 1).mean()) for part in bins]
    return charts.lines({"country": (x, y)}, x="said", y="right", diagonal=True)


def coverage(report: Report) -> str | None:
    """Measured against promised coverage of the radii."""
    km = report.found.km
    levels, shares = [], []
    for level, radius in sorted(report.predictions.radius_km.items()):
        known = np.isfinite(km) & np.isfinite(radius)
        if known.any():
            levels.append(float(level))
            shares.append(100 * float((km[known] <= radius[known]).mean()))
    if len(levels) < 2:
        return None
    return charts.lines(
        {"radius": (levels, shares)}, x="promised, %", y="measured, %", diagonal=True
    )


def abstention(report: Report) -> str | None:
    """Accuracy over the surest share of the photos."""
    sure, rank = report.predictions.confidence, report.found.rank
    known = np.flatnonzero(np.isfinite(sure) & ~np.isnan(rank))
    if len(known) < 40:
        return None
    order = known[np.argsort(-sure[known], kind="stable")]
    counts = np.arange(1, len(order) + 1)
    kept = np.unique(np.geomspace(20, len(order), 60).astype(int)) - 1
    series = {}
    for k in (1, 5):
        running = 100 * np.cumsum(rank[order] <= k) / counts
        series[f"top-{k}"] = ((100 * counts[kept] / len(order)).tolist(), running[kept].tolist())
    return charts.lines(series, x="photos answered, %", y="right, %")


def _try(title: str, draw: object, words: str) -> tuple[str, str, str] | None:
    try:
        picture = draw()  # type: ignore[operator]
    except MissingExtraError:
        return None
    return (title, picture, words) if picture else None


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
