"""Cells that are near on the ground and alike to the eye, grouped: S2's second OPTICS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells import geometry
from graticule.cells.areas import Areas
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.cells.semantic.neighbours import neighbours
from graticule.cells.semantic.optics import clusters_by
from graticule.errors import PartitionError

#: Pairs of cells from which the usual distance between two cells is taken.
_PAIRS, _PORTION = 20_000, 1_000
#: A cell at a border is judged by the cells as near as its third neighbour, and some beyond.
_NEIGHBOUR = 3
#: Rounds of borders, at most: each moves what the one before left alone.
_ROUNDS = 10


@dataclass(frozen=True)
class Grouping:
    """How cells are grouped.

    Attributes:
        alpha: share of the distance on the ground; the rest is the cosine of the vectors.
        min_samples: of OPTICS, in cells.
        xi: of OPTICS, the least steepness of a group's edge.
        borders: give a cell to the group of the cells around it, and part what does not hang
            together.
    """

    alpha: float = 0.5
    min_samples: int = 2
    xi: float = 0.05
    borders: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise PartitionError(f"groups: alpha {self.alpha:g}: choose 0 to 1")
        if self.min_samples < 2 or not 0 < self.xi < 1:
            raise PartitionError("groups: OPTICS needs min_samples ≥ 2 and 0 < xi < 1")


def group_cells(
    centers: npt.ArrayLike, vectors: npt.ArrayLike, how: Grouping | None = None
) -> IntArray:
    """The group of each cell, int64 (n,); a cell that is like no other is a group by itself.

    Distance = α · km / (usual km) + (1 − α) · cosine distance / (usual cosine distance), the usual
    one being the median over pairs, so that α weighs like against like.

    Args:
        centers: (n, 2) degrees.
        vectors: (n, d) what each cell's photos look like; a row of NaN or nought is like no other.
        how: see :class:`Grouping`.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    how = how or Grouping()
    points = sphere.as_latlon(centers)
    looks = np.nan_to_num(np.asarray(vectors, dtype=np.float64))
    looks = looks / np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-12)
    n = len(points)
    if n < 2:
        return np.arange(n, dtype=np.int64)
    pairs = np.random.default_rng(0).integers(0, n, (_PAIRS, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    km = _usual(sphere.haversine(points[pairs[:, 0]], points[pairs[:, 1]]))
    # In portions: the pairs' vectors together are larger than all that follows.
    alike = [(looks[i] * looks[j]).sum(axis=1) for i, j in _portions(pairs)]
    cosine = _usual(1 - np.concatenate(alike))

    def distances(i: int) -> FloatArray:
        ground = sphere.haversine(points[i], points) / km
        eye = np.maximum(1 - looks @ looks[i], 0.0) / cosine
        return np.asarray(how.alpha * ground + (1 - how.alpha) * eye)

    found = clusters_by(distances, n, how.min_samples, how.xi, how.min_samples)
    alone = np.flatnonzero(found < 0)
    found[alone] = found.max(initial=-1) + 1 + np.arange(len(alone))
    if how.borders:
        found = connected(points, smooth_borders(points, found), how.min_samples)
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _portions(pairs: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    for start in range(0, len(pairs), _PORTION):
        yield pairs[start : start + _PORTION, 0], pairs[start : start + _PORTION, 1]


def _usual(distances: FloatArray) -> float:
    middle = float(np.median(distances))
    return middle if middle > 0 else 1.0


def smooth_borders(centers: npt.ArrayLike, groups: IntArray) -> IntArray:
    """Give each cell to the group with the most weight around it (S2's step F).

    A neighbour at d km weighs exp(−d / τ), τ the distance of the third nearest, and the cell itself
    one: a cell changes only where its neighbours agree against it.

    Args:
        centers: (n, 2) degrees.
        groups: int64 (n,).
    """
    from scipy.spatial import cKDTree

    points = sphere.as_latlon(centers)
    found = groups.copy()
    if len(points) <= _NEIGHBOUR:
        return found
    around = min(len(points), 4 * _NEIGHBOUR + 1)
    chords, near = cKDTree(sphere.unit_vectors(points)).query(sphere.unit_vectors(points), k=around)
    km = sphere.arc(chords)
    weight = np.exp(-km / np.maximum(km[:, [_NEIGHBOUR]], 1e-9))
    for _ in range(_ROUNDS):
        theirs = found[near]
        # The weight of each neighbour's group, (n, k): k is small.
        total = ((theirs[:, :, None] == theirs[:, None, :]) * weight[:, None, :]).sum(axis=2)
        own = (weight * (theirs == found[:, None])).sum(axis=1)
        best = total.argmax(axis=1)
        moved = total[np.arange(len(points)), best] > own + 1e-9
        if not moved.any():
            break
        found = np.where(moved, theirs[np.arange(len(points)), best], found)
    return found


def connected(centers: npt.ArrayLike, groups: IntArray, fewest: int = 2) -> IntArray:
    """Groups that hang together: what lies apart from the rest of its group leaves it (step F).

    A piece of ``fewest`` cells or more is a group by itself. A smaller one goes to the group that
    it borders on with the most weight: a pair of neighbours d km apart weighs exp(−d / τ), τ the
    distance of the piece's nearest. The largest piece keeps the group's number.

    Args:
        centers: (n, 2) degrees.
        groups: int64 (n,).
        fewest: cells of a new group.

    Returns:
        Int64 (n,): each group hangs together over :func:`neighbours`.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    points = sphere.as_latlon(centers)
    pairs = neighbours(points)
    km = sphere.haversine(points[pairs[:, 0]], points[pairs[:, 1]])
    inside = pairs[groups[pairs[:, 0]] == groups[pairs[:, 1]]]
    joined = coo_matrix((np.ones(len(inside)), inside.T), (len(points), len(points)))
    count, piece = connected_components(joined, directed=False)
    size = np.bincount(piece, minlength=count)
    group = np.empty(count, np.int64)
    group[piece] = groups
    by_size = np.lexsort((np.arange(count), -size, group))
    first = np.append(True, np.diff(group[by_size]) != 0)  # the largest piece of each group
    left = by_size[~first]
    group[left] = groups.max(initial=-1) + 1 + np.arange(len(left))
    loose = set(left[size[left] < fewest].tolist())
    while loose:
        one = min(loose, key=lambda p: (size[p], p))
        loose.remove(one)
        ends = piece[pairs]
        edge = (ends == one).sum(axis=1) == 1
        if not edge.any():
            continue
        beside = np.where(ends[edge, 0] == one, ends[edge, 1], ends[edge, 0])
        weight = np.exp(-km[edge] / max(float(km[edge].min()), 1e-9))
        to = int(np.bincount(beside, weight).argmax())
        piece[piece == one] = to
        size[to] += size[one]
        if size[to] >= fewest:
            loose.discard(to)
    return np.asarray(group[piece], np.int64)


def group_partition(cells: Partition, groups: IntArray, name: str = "groups") -> Areas:
    """The groups as cells: the union of each one's polygons, the mean place of its photos.

    Raises:
        PartitionError: the cells have no polygons.
    """
    import shapely

    shapes = cells.shapes()
    if shapes is None:
        raise PartitionError(f"{cells.name}: cells without polygons cannot be grouped")
    number = int(groups.max()) + 1
    members = [np.flatnonzero(groups == g) for g in range(number)]
    weights = np.maximum(cells.counts, 1).astype(np.float64)
    polygons = np.empty(number, dtype=object)
    polygons[:] = [
        geometry.areas_only(shapely.union_all(shapely.make_valid(shapes[m]))) for m in members
    ]
    first = [m[weights[m].argmax()] for m in members]
    return Areas(
        name=name,
        ids=tuple(f"group-{cells.ids[i]}" for i in first),
        names=tuple(
            cells.names[i] if len(m) == 1 else f"{cells.names[i]} and {len(m) - 1} like it"
            for i, m in zip(first, members, strict=True)
        ),
        centers=np.array([sphere.mean(cells.centers[m], weights[m]) for m in members]),
        counts=np.array([int(cells.counts[m].sum()) for m in members], dtype=np.int64),
        areas_km2=geometry.areas_km2(polygons),
        polygons=polygons,
    )
