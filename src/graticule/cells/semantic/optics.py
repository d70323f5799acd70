"""OPTICS on points of a plane: the order by reachability, and clusters by their steepness.

The order is Ankerst et al.'s (1999) with an unbounded radius, as scikit-learn computes it, in a few
array operations a point: some ten times faster, in memory that grows with the points only. The
clusters are taken out of it by scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from graticule.errors import MissingExtraError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

#: Points between two clearings of those that are done.
_CLEAR_EVERY = 256


def reachability(xy: FloatArray, min_samples: int) -> tuple[IntArray, FloatArray, IntArray]:
    """The OPTICS order of points.

    Args:
        xy: (n, 2) in a plane.
        min_samples: points, itself among them, that make a point a core.

    Returns:
        The order (n,), each point's reachability distance (inf for the first) and its predecessor
        (−1 for the first), both by point.
    """
    from scipy.spatial import cKDTree

    n = len(xy)
    core = cKDTree(xy).query(xy, k=[min(min_samples, n)])[0][:, 0]
    order = np.empty(n, np.int64)
    reach, before = np.full(n, np.inf), np.full(n, -1, np.int64)
    left = np.arange(n)
    x, y = xy[:, 0].copy(), xy[:, 1].copy()
    # What is left to visit, kept short: done points are infinitely far until they are cleared.
    near, origin = np.full(n, np.inf), np.full(n, -1, np.int64)
    open_ = np.ones(n, bool)
    at = 0
    for step in range(n):
        point = left[at]
        order[step], reach[point], before[point] = point, near[at], origin[at]
        open_[at] = False
        distance = np.sqrt((x - x[at]) ** 2 + (y - y[at]) ** 2)
        np.maximum(distance, core[point], out=distance)
        better = (distance < near) & open_
        near[better] = distance[better]
        origin[better] = point
        near[at] = np.inf
        if step % _CLEAR_EVERY == _CLEAR_EVERY - 1:
            left, origin = left[open_], origin[open_]
            x, y, near = x[open_], y[open_], near[open_]
            open_ = np.ones(len(left), bool)
        if len(near):
            at = int(near.argmin())
    return order, reach, before


def clusters(xy: FloatArray, min_samples: int, xi: float, min_size: int) -> IntArray:
    """The cluster of each point, int64 (n,); −1 for noise.

    Args:
        xy: (n, 2) in a plane.
        min_samples: see :func:`reachability`.
        xi: the least steepness of a cluster's edge.
        min_size: the fewest points of a cluster.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    if len(xy) < max(min_samples, min_size, 2):
        return np.full(len(xy), -1, np.int64)
    return _taken_out(*reachability(xy, min_samples), min_samples, xi, min_size)


def clusters_by(
    distances: Callable[[int], FloatArray], n: int, min_samples: int, xi: float, min_size: int
) -> IntArray:
    """The cluster of each of n things under any distance, int64 (n,); −1 for noise.

    The distances are asked for a row at a time, twice in all, and never held together.

    Args:
        distances: number of a thing → its distances to all n, itself among them.
        n: how many there are.
        min_samples: see :func:`reachability`.
        xi: the least steepness of a cluster's edge.
        min_size: the fewest things of a cluster.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    if n < max(min_samples, min_size, 2):
        return np.full(n, -1, np.int64)
    nth = min(min_samples, n) - 1
    core = np.array([np.partition(distances(i), nth)[nth] for i in range(n)])
    order = np.empty(n, np.int64)
    reach, before = np.full(n, np.inf), np.full(n, -1, np.int64)
    open_ = np.ones(n, bool)
    at = 0
    for step in range(n):
        order[step], open_[at] = at, False
        away = np.maximum(distances(at), core[at])
        better = (away < reach) & open_
        reach[better], before[better] = away[better], at
        if step < n - 1:
            at = int(np.where(open_, reach, np.inf).argmin()) if open_.any() else at
            if not open_[at]:  # nothing within reach: the first that is left
                at = int(open_.argmax())
    return _taken_out(order, reach, before, min_samples, xi, min_size)


def _taken_out(
    order: IntArray,
    reach: FloatArray,
    before: IntArray,
    min_samples: int,
    xi: float,
    min_size: int,
) -> IntArray:
    """The clusters in an OPTICS order."""
    try:
        from sklearn.cluster import cluster_optics_xi
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "report", "building semantic cells") from error

    # Photos at one place are no distance apart, and scikit-learn divides by it.
    with np.errstate(divide="ignore", invalid="ignore"):
        labels, _ = cluster_optics_xi(
            reachability=reach,
            predecessor=before,
            ordering=order,
            min_samples=min_samples,
            min_cluster_size=min_size,
            xi=xi,
        )
    return np.asarray(labels, np.int64)
