"""Areas and centroids of polygons on the sphere, through projections that keep areas."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere

FloatArray = npt.NDArray[np.float64]


def area_km2(polygon: Any) -> float:
    """Area on the sphere of a lon/lat polygon, km².

    Lambert's cylindrical equal-area projection, (x, y) = (R·λ, R·sin φ): exact but for edges being
    straight in that plane.
    """
    import shapely

    def cylindrical(lonlat: FloatArray) -> FloatArray:
        radians = np.radians(lonlat)
        return sphere.EARTH_RADIUS_KM * np.stack([radians[:, 0], np.sin(radians[:, 1])], axis=1)

    return float(shapely.transform(polygon, cylindrical).area)


def centroid(polygon: Any) -> FloatArray:
    """Centroid on the sphere of a lon/lat polygon, degrees (2,).

    The mean of its parts' centroids, each in Lambert's azimuthal equal-area projection about the
    part, weighted by area: the antimeridian and the poles are no special case.
    """
    import shapely

    parts = shapely.get_parts(polygon)
    centers, areas = [], []
    for part in parts:
        inner = part.representative_point()
        origin = (inner.y, inner.x)
        plane = shapely.transform(part, lambda lonlat, o=origin: project(lonlat[:, ::-1], o))
        areas.append(plane.area)
        centers.append(unproject(np.array([[plane.centroid.x, plane.centroid.y]]), origin)[0])
    return sphere.mean(np.array(centers), np.maximum(areas, 1e-12))


def project(latlon: npt.ArrayLike, origin: tuple[float, float]) -> FloatArray:
    """Lambert azimuthal equal-area about ``origin``, degrees (n, 2) → km (n, 2), x east, y north.

    Snyder (1987), Map Projections, eq. 24-2 to 24-4, on the sphere.
    """
    points = np.radians(np.asarray(latlon, dtype=np.float64))
    lat0, lon0 = np.radians(origin)
    lat, lon = points[:, 0], points[:, 1] - lon0
    cosine = np.sin(lat0) * np.sin(lat) + np.cos(lat0) * np.cos(lat) * np.cos(lon)
    k = np.sqrt(2.0 / np.maximum(1.0 + cosine, 1e-12))
    x = k * np.cos(lat) * np.sin(lon)
    y = k * (np.cos(lat0) * np.sin(lat) - np.sin(lat0) * np.cos(lat) * np.cos(lon))
    return sphere.EARTH_RADIUS_KM * np.stack([x, y], axis=1)


def unproject(plane: FloatArray, origin: tuple[float, float]) -> FloatArray:
    """The inverse of :func:`project`, km (n, 2) → degrees (n, 2)."""
    lat0, lon0 = np.radians(origin)
    x, y = plane[:, 0] / sphere.EARTH_RADIUS_KM, plane[:, 1] / sphere.EARTH_RADIUS_KM
    rho = np.hypot(x, y)
    c = 2 * np.arcsin(np.clip(rho / 2, 0, 1))
    safe = np.where(rho > 0, rho, 1.0)
    lat = np.arcsin(
        np.clip(np.cos(c) * np.sin(lat0) + y * np.sin(c) * np.cos(lat0) / safe, -1.0, 1.0)
    )
    lon = lon0 + np.arctan2(
        x * np.sin(c), safe * np.cos(lat0) * np.cos(c) - y * np.sin(lat0) * np.sin(c)
    )
    return np.stack([np.degrees(lat), sphere.wrap_longitude(np.degrees(lon))], axis=1)
