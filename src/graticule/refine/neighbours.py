"""Nearest photos as evidence of a place: a belief of their own, mixed with the model's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.photos.duplicates import RADIUS
from graticule.refine.photo_index import PhotoIndex

#: Photos looked at for each query, after the photo itself and its doubles are left out.
NEAREST = 20
#: Cosine from which two vectors are of one picture where a hash is missing (a flat picture).
SAME = 0.995
#: Matches farther apart than this are different places.
CLUSTER_KM = 25.0
#: Photos of an index that its weight is fitted on, and how few do not suffice.
SAMPLE, FEWEST = 1000, 30

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
class Weighing:
    """How much matches count beside the model: weight · σ((best cosine − middle) / sharpness).

    Attributes:
        weight: of a photo that is like the index's own.
        middle: the best cosine at which it is half of that.
        sharpness: cosine in which a match loses a factor e.
        photos: it was fitted on; 0 is a guess.
    """

    weight: float = 0.5
    middle: float = 0.8
    sharpness: float = 0.05
    photos: int = 0

    @classmethod
    def of_numbers(cls, numbers: Mapping[str, float]) -> Weighing:
        """From what a JSON file says."""
        return cls(
            weight=float(numbers["weight"]),
            middle=float(numbers["middle"]),
            sharpness=float(numbers["sharpness"]),
            photos=int(numbers["photos"]),
        )

    def of(self, best: npt.ArrayLike) -> FloatArray:
        """The weight of photos whose best match has this cosine."""
        gap = (self.middle - np.asarray(best, dtype=np.float64)) / self.sharpness
        return np.asarray(self.weight / (1 + np.exp(np.clip(gap, -50, 50))))


@dataclass(frozen=True)
class Neighbours:
    """What an index says about one photo.

    Attributes:
        rows: int64 (k,) of the index, best first.
        cosine: float32 (k,).
        share: float64 (k,) weight of each, summing to one.
        latlon: (k, 2) degrees.
        clusters: heaviest first.
        weight: of all of them beside the model's belief.
    """

    rows: npt.NDArray[np.int64]
    cosine: npt.NDArray[np.float32]
    share: FloatArray
    latlon: FloatArray
    clusters: tuple[Cluster, ...]
    weight: float

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
    weighing: Weighing | None = None,
) -> list[Neighbours | None]:
    """The nearest located photos of each query, without the photo itself and its doubles.

    Args:
        index: where to look.
        queries: (n, d) vectors.
        hashes: uint64 (n,) perceptual hashes of the queries, 0 unknown.
        k: at most so many.
        weighing: how much matches count; what the index itself was fitted to by default.

    Returns:
        One a query; None where nothing is left.
    """
    weighing = weighing or weighing_of(index)
    # An album has bursts of one picture: look further than k, so that k are left.
    found, cosine = index.search(queries, 4 * k)
    return [
        _one(index, rows, near, value, k, weighing)
        for rows, near, value in zip(found, cosine, hashes, strict=True)
    ]


def _one(
    index: PhotoIndex,
    rows: npt.NDArray[np.int64],
    cosine: npt.NDArray[np.float32],
    value: np.uint64,
    k: int,
    weighing: Weighing,
) -> Neighbours | None:
    there = rows >= 0
    rows, cosine = rows[there], cosine[there]
    known = index.rows.hashes[rows]
    # Vectors of a weak encoder are near for many pictures; hashes tell one picture from another.
    told = (known != 0) & (value != 0)
    double = np.where(told, np.bitwise_count(known ^ value) <= RADIUS, cosine >= SAME)
    rows, cosine = rows[~double][:k], cosine[~double][:k]
    if not len(rows):
        return None
    latlon = index.rows.latlon[rows]
    share = shares(cosine, weighing.sharpness)
    weight = float(weighing.of(cosine[0]))
    return Neighbours(rows, cosine, share, latlon, clusters(latlon, share), weight)


def reweighed(found: Neighbours, weighing: Weighing) -> Neighbours:
    """The same matches under another weighing."""
    share = shares(found.cosine, weighing.sharpness)
    weight = float(weighing.of(found.cosine[0]))
    groups = clusters(found.latlon, share)
    return Neighbours(found.rows, found.cosine, share, found.latlon, groups, weight)


def weighing_of(index: PhotoIndex) -> Weighing:
    """What was fitted on an index, or the guess."""
    return Weighing(**index.about.get("weighing", {}))


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


def fit(own: FloatArray, cosine: npt.NDArray[np.floating], hit: npt.NDArray[np.bool_]) -> Weighing:
    """The weighing under which the true cells are likeliest, over a grid.

    Args:
        own: (n,) probability that the model alone gave the true cell.
        cosine: (n, k) of each photo's matches, best first, −inf where there are fewer.
        hit: (n, k) whether a match lies in the true cell.
    """
    best = cosine[:, 0]
    found, highest = Weighing(photos=len(own)), -np.inf
    for sharpness in (0.01, 0.02, 0.05, 0.1, 0.2):
        raised = np.exp((cosine - best[:, None]) / sharpness)
        theirs = (raised * hit).sum(axis=1) / raised.sum(axis=1)
        # The lowest trusts every match alike.
        quantiles = np.quantile(best, (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0))
        for middle in (best.min() - 4 * sharpness, *quantiles):
            for weight in (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95):
                tried = Weighing(weight, float(middle), sharpness, len(own))
                w = tried.of(best)
                likelihood = float(np.log(np.maximum((1 - w) * own + w * theirs, 1e-6)).sum())
                if likelihood > highest:
                    found, highest = tried, likelihood
    return found


def drawn(point: FloatArray, found: Neighbours, reach_km: float) -> FloatArray:
    """A point drawn to the heaviest cluster, by its weight, where that is within ``reach_km``.

    Farther away the two are different answers, and their mean would be neither.
    """
    cluster = found.clusters[0]
    if float(sphere.haversine(point, cluster.latlon)) > reach_km:
        return point
    weight = found.weight * cluster.share
    return sphere.mean(np.stack([point, cluster.latlon]), np.array([1 - weight, weight]))
