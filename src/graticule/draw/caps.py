"""Circles on the globe as polygons on a map, across the antimeridian and over the poles."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere

FloatArray = npt.NDArray[np.float64]


def cap(lat: float, lon: float, radius_km: float, points: int = 96) -> Any:
    """The places within ``radius_km``, as a shapely geometry in degrees, longitude first.

    The geometry lies within ±180 and ±90; a circle across the antimeridian comes in two parts, and
    one around a pole reaches to the map's edge.

    Args:
        lat: of the centre.
        lon: of the centre.
        radius_km: on the ground; half the Earth's circumference and more is the whole Earth.
        points: corners of the circle.
    """
    import shapely
    from shapely.affinity import translate

    world = shapely.box(-180.0, -90.0, 180.0, 90.0)
    reach = np.degrees(radius_km / sphere.EARTH_RADIUS_KM)
    if reach >= 180.0 - 1e-9:
        return world
    north, south = reach > 90.0 - lat, reach > 90.0 + lat
    if north and south:
        # What is left out is a circle around the antipode that holds no pole.
        rest = sphere.HALF_CIRCUMFERENCE_KM - radius_km
        return world.difference(cap(-lat, float(sphere.wrap_longitude(lon + 180)), rest, points))
    ring = unwrap(sphere.circle((lat, lon), radius_km, points)[:, ::-1])
    if not (north or south):
        ring[-1] = ring[0]  # rounding left them a hair apart
    else:
        ring = _close_over_pole(ring, 90.0 if north else -90.0)
    shape = shapely.make_valid(shapely.Polygon(ring))
    parts = [translate(shape, shift).intersection(world) for shift in (-720, -360, 0, 360, 720)]
    return _areas(shapely.union_all([part for part in parts if not part.is_empty]))


def unwrap(lonlat: FloatArray) -> FloatArray:
    """A line (n, 2) whose longitudes go on past ±180 instead of jumping."""
    lon = np.degrees(np.unwrap(np.radians(lonlat[:, 0])))
    return np.stack([lon, lonlat[:, 1]], axis=1)


def _close_over_pole(ring: FloatArray, pole: float) -> FloatArray:
    """A ring around a pole goes once around the map; its last point joins along the pole."""
    return np.concatenate([ring, [[ring[-1, 0], pole], [ring[0, 0], pole]], ring[:1]])


def _areas(shape: Any) -> Any:
    """The polygons of a shape, without the lines that cutting leaves at the edge."""
    import shapely

    parts = [part for part in shapely.get_parts(shape) if part.geom_type.endswith("Polygon")]
    return shapely.union_all(parts)
