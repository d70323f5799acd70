"""Areas and centroids of polygons in lon/lat order, true to the sphere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.partition import FloatArray


def areas_km2(polygons: Sequence[Any] | npt.NDArray[Any]) -> FloatArray:
    """Area of each shape on the sphere in km², shape (n,); holes are left out.

    An edge is straight in longitude and latitude, so ∫ sin φ dλ along it is exact:
    Δλ (cos φ₁ − cos φ₂) / (φ₂ − φ₁).
    """
    import shapely

    shapes = np.asarray(polygons, dtype=object)
    rings, ring_shape = _rings(shapes)
    points, ring_of = shapely.get_coordinates(rings, return_index=True)
    same_ring = ring_of[1:] == ring_of[:-1]
    lon, lat = np.radians(points[:, 0]), np.radians(points[:, 1])
    rise = np.diff(lat)
    # The mean of sin φ over the edge: sin(middle) sinc(half the rise), steady for level edges.
    mean_sine = np.sin((lat[1:] + lat[:-1]) / 2) * np.sinc(rise / 2 / np.pi)
    terms = np.where(same_ring, np.diff(lon) * mean_sine, 0.0)
    ring_areas = np.abs(np.bincount(ring_of[1:], terms, minlength=len(rings)))
    signs = np.where(_is_shell(shapes), 1.0, -1.0)
    total = np.bincount(ring_shape, ring_areas * signs, minlength=len(polygons))
    return np.asarray(total * sphere.EARTH_RADIUS_KM**2)


def _rings(polygons: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """All rings of all shapes, shell first, and the number of the shape of each."""
    import shapely

    parts, shape_of = shapely.get_parts(polygons, return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    return rings, shape_of[part_of]


def _is_shell(polygons: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    import shapely

    parts = shapely.get_parts(polygons)
    _, part_of = shapely.get_rings(parts, return_index=True)
    return np.asarray(np.diff(part_of, prepend=-1) > 0)


def centroids(polygons: Sequence[Any] | npt.NDArray[Any]) -> FloatArray:
    """Centroid of each shape, (n, 2) degrees, latitude first; NaN for an empty shape.

    Taken in a local plane of equal areas, so neither the latitude nor the antimeridian bends it.
    """
    import shapely

    found = np.full((len(polygons), 2), np.nan)
    for i, polygon in enumerate(polygons):
        corners = shapely.get_coordinates(polygon)[:, ::-1]
        if not len(corners):
            continue
        middle = sphere.mean(corners)
        for _ in range(2):  # the second round is free of the plane's distortion off its origin
            middle = sphere.from_plane(_plane_centroid(polygon, middle)[None], middle)[0]
        found[i] = middle
    return found


def _plane_centroid(polygon: Any, origin: FloatArray) -> FloatArray:
    import shapely

    flat = shapely.transform(polygon, lambda xy: sphere.to_plane(xy[:, ::-1], origin))
    center = shapely.centroid(flat)
    return np.array([center.x, center.y])


def unwrapped(lon: FloatArray) -> FloatArray:
    """Longitudes along a line without jumps: each within half a turn of the one before."""
    return np.asarray(lon[0] + np.cumsum(sphere.wrap_longitude(np.diff(lon, prepend=lon[0]))))


def cut_at_antimeridian(polygon: Any) -> Any:
    """A lon/lat shape whose longitudes run past ±180, cut there and brought back inside."""
    import shapely

    west, _, east, _ = shapely.bounds(polygon)
    if not (west < -180 or east > 180):
        return polygon
    parts = []
    for turn in range(int(np.floor((west + 180) / 360)), int(np.ceil((east - 180) / 360)) + 1):
        strip = shapely.box(-180 + 360 * turn, -90, 180 + 360 * turn, 90)
        inside = shapely.intersection(polygon, strip)
        shift = np.array([360.0 * turn, 0.0])
        parts.append(shapely.transform(inside, lambda xy, shift=shift: xy - shift))
    return areas_only(shapely.union_all(parts))


def areas_only(shape: Any) -> Any:
    """The polygons of a shape as one (Multi)Polygon: an overlay can leave points and lines."""
    import shapely

    if shapely.get_type_id(shape) in {3, 6}:
        return shape
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == 3])
