"""How the probability of one partition's cells falls on another's: by area, by photos, by parents.

Each function returns a sparse matrix (cells of one, cells of the other) of shares; a row sums to
one, or to less where some of the cell lies outside the other partition.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.errors import PartitionError

How = Literal["parents", "area", "photos"]


def shares(
    one: Partition,
    other: Partition,
    how: How | None = None,
    latlon: npt.ArrayLike | None = None,
) -> tuple[Any, How]:
    """The matrix, and by what it was made.

    Args:
        one: where the belief is.
        other: where it goes.
        how: None takes the parents where ``one`` knows them, else the photos if there are any, else
            the area.
        latlon: (n, 2) places of the photos for ``"photos"``.

    Raises:
        PartitionError: the parents, photos or polygons that ``how`` needs are not there.
    """
    if how is None:
        how = "parents" if other.name in one.parents else "area" if latlon is None else "photos"
    if how == "parents":
        return by_parents(one, other), how
    if how == "photos":
        if latlon is None:
            raise PartitionError("moving a belief by photos needs the photos' places")
        return by_photos(one, other, latlon), how
    return by_area(one, other), how


def _matrix(one: Partition, other: Partition, rows: Any, columns: Any, weights: Any) -> Any:
    from scipy.sparse import csr_array

    return csr_array((weights, (rows, columns)), shape=(len(one), len(other)))


def by_parents(one: Partition, other: Partition) -> Any:
    """Every cell falls wholly on its parent."""
    own = one.parents_in(other)
    inside = np.flatnonzero(own >= 0)
    return _matrix(one, other, inside, own[inside], np.ones(len(inside)))


def by_photos(one: Partition, other: Partition, latlon: npt.ArrayLike) -> Any:
    """A cell falls where its photos lie; one without photos, where its point lies."""
    points = sphere.as_latlon(latlon)
    here, there = one.assign(points), other.assign(points)
    counts = np.bincount(here[here >= 0], minlength=len(one))
    bare = np.flatnonzero(counts == 0)
    here = np.concatenate([here, bare])
    there = np.concatenate([there, other.assign(one.centers[bare])])
    total = np.maximum(counts, 1)
    both = (here >= 0) & (there >= 0)
    return _matrix(one, other, here[both], there[both], 1.0 / total[here[both]])


def by_area(one: Partition, other: Partition) -> Any:
    """A cell falls on the cells it overlaps, by the area of the overlap on the sphere.

    A cell without a polygon falls where its point lies; so does all of ``one`` where ``other`` has
    no polygons.
    """
    mine, yours = one.shapes(), other.shapes()
    if mine is None or yours is None:
        own = other.assign(one.centers)
        inside = np.flatnonzero(own >= 0)
        return _matrix(one, other, inside, own[inside], np.ones(len(inside)))
    import shapely

    ours, theirs = _flat(mine), _flat(yours)
    row, column = shapely.STRtree(theirs).query(ours, predicate="intersects")
    overlap = shapely.area(shapely.intersection(ours[row], theirs[column]))
    whole = _whole(shapely.area(ours), row, overlap)
    some = overlap > 0
    return _matrix(one, other, row[some], column[some], overlap[some] / whole[row[some]])


def _whole(areas: FloatArray, row: IntArray, overlap: FloatArray) -> FloatArray:
    """What a row is divided by: the cell, or its overlaps where neighbours' borders overlap."""
    covered = np.bincount(row, overlap, minlength=len(areas))
    return np.maximum(np.maximum(areas, covered), 1e-300)


def _flat(polygons: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Lon/lat shapes in a plane that keeps areas, valid."""
    import shapely

    # Points between, as a straight edge on the map is bent in the plane.
    fine = shapely.segmentize(polygons, 1.0)
    flat = shapely.transform(fine, lambda xy: sphere.to_cylinder(xy[:, ::-1]))
    return np.asarray(shapely.make_valid(flat), dtype=object)
