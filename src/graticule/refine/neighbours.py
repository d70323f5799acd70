"""Nearest photos as evidence of a place: a belief of their own, mixed with the model's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.photos.duplicates import RADIUS
from graticule.refine.photo_index import PhotoIndex

#: Photos looked at for each query, after the photo itself and its doubles are left out.
NEAREST = 20
#: Cosine from which two vectors are of one picture, whatever their hashes say.
SAME = 0.995
#: Matches farther apart than this are different places.
CLUSTER_KM = 25.0
#: Until a weight was fitted on the index: the model's word and the photos' count the same.
WEIGHT, SHARPNESS = 0.5, 0.05

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cluster:
    """Matches that lie together.

    Attributes:
        latlon: their weighted mean, (2,) degrees.
        share: of the weight of all matches.
    """

    latlon: FloatArray
    share: float


@dataclass(frozen=True)
class Neighbours:
    """What an index says about one photo.

    Attributes:
        rows: int64 (k,) of the index, best first.
        cosine: float32 (k,).
        share: float64 (k,) weight of each, summing to one.
        latlon: (k, 2) degrees.
        clusters: heaviest first.
    """

    rows: npt.NDArray[np.int64]
    cosine: npt.NDArray[np.float32]
    share: FloatArray
    latlon: FloatArray
    clusters: tuple[Cluster, ...]

    def mass(self, cells: npt.NDArray[np.int64], n: int) -> FloatArray | None:
        """The share of each of ``n`` cells, (n,); None if no match lies in any.

        Args:
            cells: (k,) the cell of each match, −1 for none.
            n: how many cells there are.
        """
        inside = cells >= 0
        total = self.share[inside].sum()
        if total <= 0:
            return None
        return np.bincount(cells[inside], self.share[inside] / total, minlength=n).astype(
            np.float64
        )


def neighbours(
    index: PhotoIndex,
    queries: npt.NDArray[np.floating],
    hashes: npt.NDArray[np.uint64],
    *,
    k: int = NEAREST,
) -> list[Neighbours | None]:
    """The nearest located photos of each query, without the photo itself and its doubles.

    Args:
        index: where to look.
        queries: (n, d) vectors.
        hashes: uint64 (n,) perceptual hashes of the queries, 0 unknown.
        k: at most so many.

    Returns:
        One a query; None where nothing is left.
    """
    sharpness = float(index.about.get("sharpness", SHARPNESS))
    # An album has bursts of one picture: look further than k, so that k are left.
    found, cosine = index.search(queries, 4 * k)
    return [
        _one(index, rows, near, value, k, sharpness)
        for rows, near, value in zip(found, cosine, hashes, strict=True)
    ]


def _one(
    index: PhotoIndex,
    rows: npt.NDArray[np.int64],
    cosine: npt.NDArray[np.float32],
    value: np.uint64,
    k: int,
    sharpness: float,
) -> Neighbours | None:
    there = rows >= 0
    rows, cosine = rows[there], cosine[there]
    known = index.rows.hashes[rows]
    double = cosine >= SAME
    double |= (known != 0) & (value != 0) & (np.bitwise_count(known ^ value) <= RADIUS)
    rows, cosine = rows[~double][:k], cosine[~double][:k]
    if not len(rows):
        return None
    weight = shares(cosine, sharpness)
    latlon = index.rows.latlon[rows]
    return Neighbours(rows, cosine, weight, latlon, clusters(latlon, weight))


def shares(cosine: npt.NDArray[np.floating], sharpness: float) -> FloatArray:
    """Weights that fall by e for each ``sharpness`` of cosine, summing to one."""
    raised = np.exp((cosine.astype(np.float64) - cosine.max()) / sharpness)
    return np.asarray(raised / raised.sum())


def clusters(latlon: FloatArray, share: FloatArray, km: float = CLUSTER_KM) -> tuple[Cluster, ...]:
    """Places within ``km`` of each other, in chains (single linkage), heaviest first."""
    from scipy.sparse.csgraph import connected_components

    _, labels = connected_components(sphere.distances(latlon, latlon) <= km, directed=False)
    means = sphere.group_means(latlon, labels.astype(np.int64), int(labels.max()) + 1, share)
    weights = np.bincount(labels, share)
    order = np.argsort(-weights, kind="stable")
    return tuple(Cluster(means[i], float(weights[i])) for i in order)


def mixed(
    log_p: npt.NDArray[np.floating], mass: FloatArray | None, weight: float
) -> npt.NDArray[np.floating]:
    """log((1 − w)·p + w·mass) of one photo, (cells,); ``log_p`` as it is where mass is None."""
    if mass is None or weight <= 0:
        return log_p
    with np.errstate(divide="ignore"):
        own, theirs = np.log1p(-weight) + log_p.astype(np.float64), np.log(weight) + np.log(mass)
    return np.asarray(np.logaddexp(own, theirs))


def fit_weight(own: FloatArray, theirs: FloatArray, rounds: int = 100) -> float:
    """The weight of the index under which the true cells are likeliest, by EM.

    Args:
        own: (n,) probability that the model gave the true cell.
        theirs: (n,) probability that the matches gave it.
        rounds: of EM (Dempster, Laird & Rubin 1977; a mixture of two known parts).
    """
    weight = WEIGHT
    for _ in range(rounds):
        both = weight * theirs + (1 - weight) * own
        weight = float(np.mean(weight * theirs / np.maximum(both, 1e-12)))
    return min(0.99, max(0.01, weight))
