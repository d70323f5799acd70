"""What S2 cells look like on a map, and how large they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells import s2
from graticule.cells.geometry import cut_at_antimeridian, unwrapped

FloatArray = npt.NDArray[np.float64]


def areas_km2(ids: npt.ArrayLike) -> FloatArray:
    """The area of each cell, (n,) km²: two spherical triangles.

    Van Oosterom and Strackee, "The Solid Angle of a Plane Triangle" (1983).
    """
    a, b, c, d = np.moveaxis(sphere.unit_vectors(s2.vertices(ids)), 1, 0)

    def angle(p: FloatArray, q: FloatArray, r: FloatArray) -> FloatArray:
        # The volume from the edges, not from the long vectors: a small cell keeps its digits.
        volume = np.einsum("ij,ij->i", p, np.cross(q - p, r - p))
        dots = [np.einsum("ij,ij->i", x, y) for x, y in ((p, q), (q, r), (r, p))]
        return np.asarray(2 * np.arctan2(volume, 1 + dots[0] + dots[1] + dots[2]))

    return np.asarray((angle(a, b, c) + angle(a, c, d)) * sphere.EARTH_RADIUS_KM**2)


def polygons(ids: npt.ArrayLike) -> npt.NDArray[Any]:
    """The cells as lon/lat polygons, object (n,): edges bent as great circles are on the map.

    A cell over the antimeridian is cut there; one with a pole reaches up to it.
    """
    import shapely

    cells = np.atleast_1d(np.asarray(ids, np.uint64))
    shapes = np.empty(len(cells), dtype=object)
    levels = s2.level_of(cells)
    for level in np.unique(levels):
        rows = np.flatnonzero(levels == level)
        # One number for a level: cells side by side share every point of their edge.
        rings = _rings(cells[rows], max(2, 64 >> int(level)))
        lon = rings[..., 1]
        odd = np.abs(np.diff(lon, axis=1)).max(axis=1) > 180
        odd |= np.abs(rings[..., 0]).max(axis=1) > 90 - 1e-9
        shapes[rows[~odd]] = shapely.polygons(rings[~odd][..., ::-1])
        for row, ring in zip(rows[odd], rings[odd], strict=True):
            shapes[row] = _wrapped(ring)
    return shapes


def _rings(cells: npt.NDArray[np.uint64], steps: int) -> FloatArray:
    """Closed rings with ``steps`` points an edge, (n, 4·steps + 1, 2) degrees."""
    corners = sphere.unit_vectors(s2.vertices(cells))
    share = np.arange(steps)[None, None, :, None] / steps
    edges = corners[:, :, None] * (1 - share) + np.roll(corners, -1, axis=1)[:, :, None] * share
    ring = sphere.from_unit_vectors(edges.reshape(len(cells), 4 * steps, 3))
    return np.concatenate([ring, ring[:, :1]], axis=1)


def _wrapped(ring: FloatArray) -> Any:
    """The polygon of one ring that touches the antimeridian or a pole."""
    import shapely

    open_ring = ring[:-1]
    at_pole = np.abs(open_ring[:, 0]) > 90 - 1e-9
    if at_pole.any():
        # A pole has every longitude: come to it on the last meridian, leave on the next.
        start = int(at_pole.argmax())
        rest = np.roll(open_ring, -start, axis=0)[1:]
        lon = unwrapped(rest[:, 1])
        pole = np.sign(open_ring[start, 0]) * 90.0
        lat = np.concatenate([[pole], rest[:, 0], [pole]])
        lon = np.concatenate([lon[:1], lon, lon[-1:]])
    else:
        lon, lat = unwrapped(open_ring[:, 1]), open_ring[:, 0]
        home = unwrapped(np.array([lon[-1], lon[0]]))[1]
        if abs(home - lon[0]) > 180:  # the ring goes round a pole
            pole = np.sign(lat.mean()) * 90.0
            lon = np.concatenate([lon, [home, home, lon[0]]])
            lat = np.concatenate([lat, [lat[0], pole, pole]])
    return cut_at_antimeridian(shapely.Polygon(np.column_stack([lon, lat])))
