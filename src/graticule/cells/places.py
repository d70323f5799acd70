"""Which cell speaks for a place, also where no cell holds it; and which country a cell is of."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graticule import atlas, sphere
from graticule.atlas.towns import towns
from graticule.cells.partition import FloatArray, IntArray, Partition

#: A place at sea is taken for a town this near: boats, piers, and coasts drawn coarsely.
SHORE_KM = 100.0
#: A place outside all cells is of the nearest one if its edge is this near,
NEAR_KM = 100.0
#: and if that cell's radius is no more than this: the middle of a country says little of its rim.
WIDE_KM = 300.0
#: Extent of a cell whose area is not known: a city.
_DEFAULT_EXTENT_KM = 25.0


def cells_at(partition: Partition, latlon: npt.ArrayLike) -> IntArray:
    """The cell that speaks for each place, int64 (n,); −1 where none does.

    The cell that holds it; else the rest of its country ("UA:"), where the partition has such
    cells; else a small cell nearby. Off a coast the nearest town stands for the place.

    Raises:
        GraticuleError: a place is none on Earth.
    """
    points = sphere.as_latlon(latlon).copy()
    cells = partition.assign(points)
    lost = np.flatnonzero(cells < 0)
    if not len(lost):
        return cells
    codes = atlas.countries(points[lost])
    afloat = np.flatnonzero(codes == "")
    if len(afloat):
        number, km = atlas.nearest_towns(points[lost[afloat]])
        ashore = km <= SHORE_KM
        rows, number = lost[afloat[ashore]], number[ashore]
        points[rows] = towns().latlon[number]
        cells[rows] = partition.assign(points[rows])
        codes = codes.astype(object)
        codes[afloat[ashore]] = towns().country[number]
    rest = partition.index([f"{code}:" for code in codes])
    cells[lost] = np.where(cells[lost] < 0, rest, cells[lost])
    lost = np.flatnonzero(cells < 0)
    if not len(lost):
        return cells
    extent = extents_km(partition)
    for rows_, km in partition.distances(points[lost]):
        gap = np.where(extent <= WIDE_KM, km - extent, np.inf)
        nearest = gap.argmin(axis=1)
        near = gap[np.arange(len(gap)), nearest] <= NEAR_KM
        cells[lost[rows_]] = np.where(near, nearest, -1)
    return cells


def extents_km(partition: Partition) -> FloatArray:
    """Radius of the disc of each cell's area, km (n,)."""
    radii = np.sqrt(partition.areas_km2 / np.pi)
    return np.where(np.isfinite(radii), radii, _DEFAULT_EXTENT_KM)


def cell_countries(partition: Partition) -> npt.NDArray[np.str_]:
    """Country code of each cell: its id, its recorded parent, or where its center lies."""
    if partition.kind == "countries":
        return np.array(partition.ids)
    if "countries" in partition.parents:
        return np.array(partition.parents["countries"])
    return np.asarray(atlas.countries(partition.centers))
