"""Which shape holds a point: a grid for the plain cases, prepared polygons for the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: States of a grid cell that are no shape's number.
NOBODY, MIXED = -1, -2


class ShapeIndex:
    """Points in shapes, vectorised.

    Most points lie in a grid cell that is wholly inside one shape or wholly outside all; only
    those near a border are tested against polygons. The answer is the same without the grid.

    Attributes:
        shapes: object array (n,) of shapely polygons in lon/lat order.
        grid: int16 (rows, columns) from the south-west corner, a shape's number or NOBODY or MIXED.
    """

    def __init__(self, shapes: npt.NDArray[Any], grid: npt.NDArray[np.int16] | None = None) -> None:
        import shapely

        self.shapes, self.grid = shapes, grid
        self._parts, self._shape_of = shapely.get_parts(shapes, return_index=True)
        shapely.prepare(self._parts)
        self._tree = shapely.STRtree(self._parts)

    def find(self, latlon: npt.ArrayLike) -> IntArray:
        """The number of the shape at each point, int64 (n,); −1 where there is none.

        On a shared border the shape with the lower number is answered.
        """
        points = sphere.as_latlon(latlon)
        lat, lon = points[:, 0], sphere.wrap_longitude(points[:, 1])
        found = self._find(lat, lon)
        # The antimeridian is −180°; a shape that ends there from the west knows it as +180°.
        edge = np.flatnonzero((found < 0) & (lon == -180))
        if len(edge):
            found[edge] = self._test(lat[edge], -lon[edge])
        return found

    def _find(self, lat: FloatArray, lon: FloatArray) -> IntArray:
        if self.grid is None:
            return self._test(lat, lon)
        rows, columns = self.grid.shape
        row = np.minimum(((lat + 90) * (rows / 180)).astype(np.int64), rows - 1)
        column = np.minimum(((lon + 180) * (columns / 360)).astype(np.int64), columns - 1)
        found: IntArray = self.grid[row, column].astype(np.int64)
        mixed = np.flatnonzero(found == MIXED)
        if len(mixed):
            found[mixed] = self._test(lat[mixed], lon[mixed])
        return found

    def _test(self, lat: FloatArray, lon: FloatArray) -> IntArray:
        import shapely

        point, part = self._tree.query(shapely.points(lon, lat))
        inside = shapely.intersects_xy(self._parts[part], lon[point], lat[point])
        found = np.full(len(lat), len(self.shapes), np.int64)
        np.minimum.at(found, point[inside], self._shape_of[part[inside]])
        found[found == len(self.shapes)] = NOBODY
        return found


def grid(shapes: npt.NDArray[Any], rows: int) -> npt.NDArray[np.int16]:
    """The grid of :class:`ShapeIndex` with ``rows`` rows and twice as many columns.

    Boxes are halved from the whole Earth down, and only those on a shape's edge go on.

    Args:
        shapes: polygons in lon/lat order.
        rows: a multiple of a power of two is quickest.
    """
    import shapely

    parts, shape_of = shapely.get_parts(shapes, return_index=True)
    shapely.prepare(parts)
    size = rows & -rows
    row, column = (
        a.ravel() * size for a in np.mgrid[0 : rows // size, 0 : 2 * rows // size].astype(np.int64)
    )
    part = np.repeat(np.arange(len(parts)), len(row))
    row, column = np.tile(row, len(parts)), np.tile(column, len(parts))
    claims: list[tuple[IntArray, ...]] = []
    while True:
        step = 180 / rows
        boxes = shapely.box(
            column * step - 180, row * step - 90,
            (column + size) * step - 180, (row + size) * step - 90,
        )  # fmt: skip
        touches = shapely.intersects(parts[part], boxes)
        part, row, column, boxes = (a[touches] for a in (part, row, column, boxes))
        whole = shapely.contains_properly(parts[part], boxes)
        owner = np.where(whole, shape_of[part], MIXED)
        done = whole | (size == 1)
        claims.append((row[done], column[done], np.full(done.sum(), size), owner[done]))
        if size == 1:
            break
        part, row, column = (a[~done] for a in (part, row, column))
        size //= 2
        part = np.tile(part, 4)
        row = np.concatenate([row, row, row + size, row + size])
        column = np.concatenate([column, column + size, column, column + size])
    cells = np.full((rows, 2 * rows), NOBODY, np.int16)
    for rows_at, columns_at, sizes, owners in claims:
        for r, c, s, owner in zip(rows_at, columns_at, sizes, owners, strict=True):
            block = cells[r : r + s, c : c + s]
            block[...] = np.where((block == NOBODY) | (block == owner), owner, MIXED)
    return cells
