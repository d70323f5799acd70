"""Scores of points and beliefs against the truth, as the field reports them.

Every function takes whole arrays and returns one value a photo, or the mean over photos; none
depends on the order of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.errors import GraticuleError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Street, city, region, country, continent: the thresholds of Im2GPS and all who came after, in km.
THRESHOLDS_KM = (1.0, 25.0, 200.0, 750.0, 2500.0)
#: GeoScore's scale in km (OSV-5M, arXiv 2404.18873: GeoGuessr's score for the world map).
GEOSCORE_SCALE_KM = 1492.7
GEOSCORE_MAX = 5000.0


def errors_km(predicted: npt.ArrayLike, truth: npt.ArrayLike) -> FloatArray:
    """Great-circle distance of each prediction to its truth, both (n, 2) → km (n,)."""
    a, b = sphere.as_latlon(predicted), sphere.as_latlon(truth)
    if a.shape != b.shape:
        raise GraticuleError(f"{len(a)} predictions for {len(b)} true places")
    return sphere.haversine(a, b)


def within(km: npt.ArrayLike, thresholds: Sequence[float] = THRESHOLDS_KM) -> FloatArray:
    """Share of errors at or below each threshold, in percent, shape (len(thresholds),).

    This is the GCD accuracy of Im2GPS: the threshold itself counts as within.
    """
    distances = _some(km)
    return np.array([100.0 * np.mean(distances <= limit) for limit in thresholds])


def geoscores(km: npt.ArrayLike) -> FloatArray:
    """GeoScore of each error, 5000·exp(−d/1492.7), shape (n,) (OSV-5M, arXiv 2404.18873)."""
    return np.asarray(GEOSCORE_MAX * np.exp(-np.asarray(km, dtype=np.float64) / GEOSCORE_SCALE_KM))


def ranks(scores: npt.ArrayLike, truth: npt.NDArray[np.integer]) -> IntArray:
    """Rank of the true cell in each row of ``scores`` (n, cells), from 1.

    Ties go against the prediction: a row of equal scores ranks its truth last, so that a model
    that says nothing is not right by luck. A truth of −1 (outside the partition) ranks after all.
    """
    values = np.asarray(scores)
    rows = np.arange(len(values))
    known = truth >= 0
    own = values[rows, np.maximum(truth, 0)]
    rank = (values >= own[:, None]).sum(axis=1)
    return np.asarray(np.where(known, rank, values.shape[1] + 1), dtype=np.int64)


def top_k(rank: npt.ArrayLike, k: int) -> float:
    """Percent of ranks at or above ``k``."""
    return float(100.0 * np.mean(_some(rank) <= k))


def mean_reciprocal_rank(rank: npt.ArrayLike) -> float:
    """Mean of 1/rank, between 0 and 1."""
    return float(np.mean(1.0 / _some(rank)))


def log_scores(log_p: npt.ArrayLike, truth: npt.NDArray[np.integer]) -> FloatArray:
    """Log-probability of the true cell in nats, (n,); the logarithmic score (Good, 1952).

    A truth of −1 gets the smallest log-probability of its row: the belief did not hold it at all.
    """
    values = np.asarray(log_p, dtype=np.float64)
    own = values[np.arange(len(values)), np.maximum(truth, 0)]
    return np.asarray(np.where(truth >= 0, own, values.min(axis=1)))


def covering_areas_km2(p: npt.ArrayLike, areas_km2: npt.ArrayLike, share: float) -> FloatArray:
    """Area of the smallest set of cells that holds ``share`` of each belief, km² (n,).

    Cells are taken by density (probability by area), the smallest set for any share.
    """
    probability = np.asarray(p, dtype=np.float64)
    areas = np.asarray(areas_km2, dtype=np.float64)
    order = np.argsort(-probability / areas, axis=1, kind="stable")
    mass = np.cumsum(np.take_along_axis(probability, order, axis=1), axis=1)
    total = np.cumsum(areas[order], axis=1)
    last = np.minimum((mass < share - 1e-9).sum(axis=1), probability.shape[1] - 1)
    return np.asarray(total[np.arange(len(total)), last])


def coverage(km: npt.ArrayLike, radius_km: npt.ArrayLike) -> float:
    """Percent of true places inside their radius."""
    return float(100.0 * np.mean(_some(km) <= np.asarray(radius_km, dtype=np.float64)))


def expected_calibration_error(
    confidence: npt.ArrayLike, right: npt.ArrayLike, bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over equal-count bins, between 0 and 1.

    Equal counts instead of equal widths (Nguyen & O'Connor 2015): no bin is empty.
    """
    sure, hit = _some(confidence), np.asarray(right, dtype=np.float64)
    order = np.argsort(sure, kind="stable")
    gaps = [
        len(part) * abs(sure[part].mean() - hit[part].mean())
        for part in np.array_split(order, min(bins, len(order)))
    ]
    return float(np.sum(gaps) / len(sure))


def _some(values: npt.ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise GraticuleError("no photo to score: the tables have no photo in common")
    return array
