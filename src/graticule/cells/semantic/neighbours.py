"""Which cells are neighbours: the Gabriel graph of their places.

Two places are neighbours where no third lies in the ball that has the two for poles (Gabriel &
Sokal 1969). The graph is a part of Delaunay's, holds the shortest tree, and so hangs together over
any sea, however the cells' borders run.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.partition import FloatArray, IntArray

#: Up to so many places all pairs are tried; beyond, those of Delaunay's triangulation.
_FEW = 64
#: Nearest places that are tried beside them.
_NEAREST = 12
#: Decimals of a unit vector: places nearer than some ten metres are one.
_DECIMALS = 6


def neighbours(places: npt.ArrayLike) -> IntArray:
    """The pairs of neighbouring places, int64 (m, 2), the lower number first.

    Every place is joined with every other over some pairs. Of places that fall together, to ten
    metres, the first stands for all and is the others' only neighbour.

    Args:
        places: (n, 2) degrees.
    """
    vectors = sphere.unit_vectors(sphere.as_latlon(places))
    _, first, own = np.unique(
        np.round(vectors, _DECIMALS), axis=0, return_index=True, return_inverse=True
    )
    doubles = np.setdiff1d(np.arange(len(vectors)), first)
    same = np.stack([first[own.ravel()[doubles]], doubles], axis=1)
    apart = np.sort(first[_gabriel(vectors[first])], axis=1)
    return np.concatenate([apart, same]).astype(np.int64)


def _gabriel(vectors: FloatArray) -> IntArray:
    """The Gabriel graph of distinct points of the unit sphere, (m, 2)."""
    from scipy.spatial import cKDTree

    pairs = _candidates(vectors)
    if not len(pairs):
        return np.zeros((0, 2), np.int64)
    ends = vectors[pairs]
    half = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1) / 2
    nearest, _ = cKDTree(vectors).query(ends.mean(axis=1))
    return np.asarray(pairs[nearest >= half * (1 - 1e-9) - 1e-12], np.int64)


def _candidates(vectors: FloatArray) -> IntArray:
    if len(vectors) <= _FEW:
        return np.stack(np.triu_indices(len(vectors), 1), axis=1)
    from scipy.spatial import ConvexHull, cKDTree

    # The hull of points of a sphere is their Delaunay triangulation. Places in a row or a grid are
    # no hull of triangles: QJ shakes them by less than a hand's breadth, the same every time.
    corners = ConvexHull(vectors, qhull_options="QJ").simplices
    # Of a dense crowd it may lose some; those are among the nearest.
    near = cKDTree(vectors).query(vectors, k=_NEAREST + 1)[1]
    pairs = np.concatenate(
        [
            *(corners[:, side] for side in ([0, 1], [1, 2], [0, 2])),
            np.stack([np.repeat(near[:, 0], _NEAREST), near[:, 1:].ravel()], axis=1),
        ]
    )
    return np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int64)
