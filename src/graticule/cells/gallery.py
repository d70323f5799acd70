"""Points as cells: the gallery of GeoCLIP and of retrieval; a place belongs to the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.errors import PartitionError

#: How many neighbours say how densely the points lie around one.
_NEIGHBOURS = 8


@dataclass(frozen=True, eq=False)
class Gallery(Partition):
    """Points that each stand for the places nearest to them; every place on Earth has a cell.

    The area of a cell is that of the land its point stands for by density: the cap that reaches its
    eighth neighbour, divided by eight.
    """

    kind: ClassVar[str] = "gallery"

    def assign(self, latlon: npt.ArrayLike) -> IntArray:
        """The nearest point of each place, int64 (n,)."""
        from scipy.spatial import cKDTree

        tree = cKDTree(sphere.unit_vectors(self.centers))
        return np.asarray(tree.query(sphere.unit_vectors(sphere.as_latlon(latlon)))[1], np.int64)


def gallery(
    latlon: npt.ArrayLike,
    *,
    ids: tuple[str, ...] | None = None,
    counts: npt.ArrayLike | None = None,
    name: str = "gallery",
) -> Gallery:
    """A gallery of points.

    Args:
        latlon: (n, 2) degrees. Duplicates are kept: they are what the model was given.
        ids: their names; numbers by default.
        counts: photos behind each point.
        name: of the partition.

    Raises:
        PartitionError: there is no point.
    """
    points = sphere.as_latlon(latlon)
    if not len(points):
        raise PartitionError("a gallery needs at least one point")
    width = len(str(len(points) - 1))
    return Gallery(
        name=name,
        ids=ids or tuple(f"{i:0{width}d}" for i in range(len(points))),
        centers=points,
        counts=np.zeros(len(points), np.int64)
        if counts is None
        else np.asarray(counts, dtype=np.int64),
        areas_km2=_areas(points),
    )


def _areas(points: FloatArray) -> FloatArray:
    from scipy.spatial import cKDTree

    vectors = sphere.unit_vectors(points)
    k = min(_NEIGHBOURS, len(points) - 1)
    if k < 1:
        return np.array([sphere.SPHERE_AREA_KM2])
    gap = cKDTree(vectors).query(vectors, k=k + 1)[0][:, -1]
    # A metre at least: points that coincide still stand for somewhere.
    return np.maximum(sphere.cap_area_km2(sphere.arc(gap)) / k, 1e-6)
