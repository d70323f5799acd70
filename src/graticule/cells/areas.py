"""Cells that are polygons: regions, districts, a user's own boundaries, semantic cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.atlas.lookup import ShapeIndex
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.errors import PartitionError


@dataclass(frozen=True, eq=False)
class Areas(Partition):
    """A place is in the cell whose polygon holds it; on a shared border, in the first of them.

    Attributes:
        reach_km: a place outside all cells belongs to the nearest one no further away than this:
            a beach or a pier off a generalised coast.
    """

    kind: ClassVar[str] = "areas"

    reach_km: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.polygons is None:
            raise PartitionError(f"{self.name}: every cell needs a polygon")
        if not 0 <= self.reach_km <= 100:
            raise PartitionError(
                f"{self.name}: a reach of {self.reach_km:g} km; it is for coasts: choose 0 to 100"
            )

    def settings(self) -> dict[str, Any]:
        """The reach."""
        return {"reach_km": self.reach_km}

    @cached_property
    def _index(self) -> ShapeIndex:
        assert self.polygons is not None
        return ShapeIndex(self.polygons)

    def assign(self, latlon: npt.ArrayLike) -> IntArray:
        """The cell of each point, int64 (n,); −1 outside all cells and their reach."""
        points = sphere.as_latlon(latlon)
        found = self._index.find(points)
        # The antimeridian is read as −180; a cell that ends there from the west knows it as +180.
        edge = np.flatnonzero((found < 0) & (sphere.wrap_longitude(points[:, 1]) == -180.0))
        if len(edge):
            west = np.column_stack([points[edge, 0], np.full(len(edge), np.nextafter(180.0, 0.0))])
            found[edge] = self._index.find(west)
        missing = np.flatnonzero(found < 0)
        if self.reach_km and len(missing):
            found[missing] = self._near(points[missing])
        return found

    def _near(self, points: FloatArray) -> IntArray:
        """The nearest cell within reach of each point, −1 where there is none."""
        import shapely

        assert self.polygons is not None
        lat, lon = points[:, 0], sphere.wrap_longitude(points[:, 1])
        squeeze = np.maximum(np.cos(np.radians(lat)), 1e-2)
        reach = np.degrees(self.reach_km / sphere.EARTH_RADIUS_KM) / squeeze
        spots = shapely.points(lon, lat)
        row, cell = shapely.STRtree(self.polygons).query(spots, predicate="dwithin", distance=reach)
        gap = shapely.shortest_line(self.polygons[cell], spots[row])
        ends = shapely.get_coordinates(gap).reshape(-1, 2, 2)[:, 0]
        km = sphere.haversine(ends[:, ::-1], points[row])
        found = np.full(len(points), -1, np.int64)
        order = np.lexsort((cell, km))[::-1]  # the last written, the nearest, stays
        within = order[km[order] <= self.reach_km]
        found[row[within]] = cell[within]
        return found
