"""Distances, means and offsets on the sphere: the only trigonometry in the house.

Coordinates are WGS84 degrees, latitude first: ``float64`` arrays of shape (n, 2) named ``latlon``.
Distances are kilometres on a sphere of the mean Earth radius, as the field reports them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from graticule.errors import GraticuleError, MissingExtraError

FloatArray = npt.NDArray[np.float64]

#: IUGG mean radius R1 = (2a + b) / 3 of the WGS84 ellipsoid.
EARTH_RADIUS_KM = 6371.0088
#: Half of a great circle: no two places are further apart.
HALF_CIRCUMFERENCE_KM = float(np.pi * EARTH_RADIUS_KM)
SPHERE_AREA_KM2 = float(4 * np.pi * EARTH_RADIUS_KM**2)

#: Rows of a distance block, so that a block against 10,000 cells stays near 100 MB.
_BLOCK_ELEMENTS = 12_000_000


def as_latlon(values: npt.ArrayLike) -> FloatArray:
    """Return ``values`` as a checked (n, 2) array of degrees.

    A single (lat, lon) pair becomes shape (1, 2). Longitudes may lie outside ±180 and are kept.

    Raises:
        GraticuleError: the shape is not (n, 2), or a value is not finite or outside ±90.
    """
    latlon = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if latlon.size == 0:
        return np.empty((0, 2))
    if latlon.ndim != 2 or latlon.shape[1] != 2:
        raise GraticuleError(f"coordinates need shape (n, 2), latitude first; got {latlon.shape}")
    bad = ~np.isfinite(latlon).all(axis=1) | (np.abs(latlon[:, 0]) > 90)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise GraticuleError(
            f"coordinate {row} is {latlon[row, 0]:g}, {latlon[row, 1]:g}: "
            "latitude must be finite and within ±90 (are latitude and longitude swapped?)"
        )
    return latlon


def wrap_longitude(lon: npt.ArrayLike) -> FloatArray:
    """Longitudes brought into [-180, 180)."""
    return np.asarray((np.asarray(lon, dtype=np.float64) + 180.0) % 360.0 - 180.0)


def unit_vectors(latlon: npt.ArrayLike) -> FloatArray:
    """Points on the unit sphere, (..., 3): x to 0°N 0°E, y to 0°N 90°E, z to the north pole."""
    radians = np.radians(np.asarray(latlon, dtype=np.float64))
    lat, lon = radians[..., 0], radians[..., 1]
    cos_lat = np.cos(lat)
    xyz: FloatArray = np.stack([cos_lat * np.cos(lon), cos_lat * np.sin(lon), np.sin(lat)], axis=-1)
    return xyz


def from_unit_vectors(vectors: npt.ArrayLike) -> FloatArray:
    """Degrees of vectors of any positive length, shape (..., 3) → (..., 2)."""
    xyz = np.asarray(vectors, dtype=np.float64)
    lat = np.arctan2(xyz[..., 2], np.hypot(xyz[..., 0], xyz[..., 1]))
    lon = np.arctan2(xyz[..., 1], xyz[..., 0])
    return np.asarray(np.degrees(np.stack([lat, lon], axis=-1)))


def haversine(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    """Great-circle distance in km between ``a`` and ``b`` of shape (..., 2), broadcast together.

    The haversine formula (Sinnott, "Virtues of the Haversine", Sky & Telescope 68, 1984), exact to
    rounding for near points; antipodes are held inside the domain of the arcsine.
    """
    first = np.radians(np.asarray(a, dtype=np.float64))
    second = np.radians(np.asarray(b, dtype=np.float64))
    half = (second - first) / 2
    h = (
        np.sin(half[..., 0]) ** 2
        + np.cos(first[..., 0]) * np.cos(second[..., 0]) * np.sin(half[..., 1]) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0))))


def geodesic(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    """Distance in km along the WGS84 ellipsoid between rows of ``a`` and ``b``, both (n, 2).

    Karney, "Algorithms for geodesics", J. Geodesy 87, 2013, by PROJ. The field reports
    :func:`haversine`, which differs by up to 0.56 %.

    Raises:
        MissingExtraError: pyproj is not installed.
    """
    try:
        from pyproj import Geod
    except ImportError:
        raise MissingExtraError("pyproj", "geodesic", "a geodesic distance") from None
    first, second = as_latlon(a), as_latlon(b)
    metres = Geod(ellps="WGS84").inv(first[:, 1], first[:, 0], second[:, 1], second[:, 0])[2]
    return np.asarray(metres, dtype=np.float64) / 1000.0


def distance_blocks(
    a: npt.ArrayLike, b: npt.ArrayLike, *, block_elements: int = _BLOCK_ELEMENTS
) -> Iterator[tuple[slice, FloatArray]]:
    """All distances from ``a`` (n, 2) to ``b`` (m, 2) in km, a block of rows at a time.

    Yields ``(rows, km)`` with ``km`` of shape (rows, m). Chords of unit vectors replace the
    trigonometry of every pair by one matrix product; the result equals :func:`haversine` to 1 mm
    beyond a metre and to half a metre below it.
    """
    left, right = unit_vectors(as_latlon(a)), unit_vectors(as_latlon(b))
    rows = max(1, block_elements // max(1, len(right)))
    for start in range(0, len(left), rows):
        part = slice(start, min(start + rows, len(left)))
        cosine = left[part] @ right.T
        squared_half_chord = (1.0 - cosine) / 2.0
        near = squared_half_chord < 1e-8
        km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(squared_half_chord, 0.0, 1.0)))
        if near.any():
            # 1 - cos loses its digits for near points; the chord itself does not.
            i, j = np.nonzero(near)
            chord = np.linalg.norm(left[part][i] - right[j], axis=1)
            km[i, j] = 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2, 0.0, 1.0))
        yield part, km


def distances(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    """All distances from ``a`` (n, 2) to ``b`` (m, 2) in km, shape (n, m)."""
    left, right = as_latlon(a), as_latlon(b)
    out = np.empty((len(left), len(right)))
    for rows, km in distance_blocks(left, right):
        out[rows] = km
    return out


def chord(km: npt.ArrayLike) -> FloatArray:
    """Length of the straight line between unit vectors that are ``km`` apart on the ground.

    For radius queries in a k-d tree over :func:`unit_vectors`.
    """
    angle = np.asarray(km, dtype=np.float64) / EARTH_RADIUS_KM
    return np.asarray(2 * np.sin(np.clip(angle, 0.0, np.pi) / 2))


def arc(chord_length: npt.ArrayLike) -> FloatArray:
    """Kilometres on the ground of a chord between unit vectors: the inverse of :func:`chord`."""
    half = np.clip(np.asarray(chord_length, dtype=np.float64) / 2, 0.0, 1.0)
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(half))


def mean(latlon: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> FloatArray:
    """Mean of points on the sphere, shape (2,): the direction of the mean unit vector.

    Points that cancel each other (antipodes) have no mean; the first point is returned then.

    Raises:
        GraticuleError: there is no point.
    """
    points = as_latlon(latlon)
    if len(points) == 0:
        raise GraticuleError("the mean of no points is not a place")
    return np.asarray(group_means(points, np.zeros(len(points), dtype=np.int64), 1, weights)[0])


def group_means(
    latlon: npt.ArrayLike,
    groups: npt.NDArray[np.int64],
    n_groups: int,
    weights: npt.ArrayLike | None = None,
) -> FloatArray:
    """Mean on the sphere of each group, shape (n_groups, 2); NaN for an empty group.

    ``groups`` (n,) holds 0…n_groups−1; rows below zero are left out.
    """
    points = as_latlon(latlon)
    vectors = unit_vectors(points)
    weight = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=np.float64)
    inside = groups >= 0
    index = groups[inside]
    sums = np.stack(
        [
            np.bincount(index, (vectors[:, axis] * weight)[inside], minlength=n_groups)
            for axis in range(3)
        ],
        axis=1,
    )
    means = from_unit_vectors(sums)
    seen, first = np.unique(index, return_index=True)
    cancelled = np.linalg.norm(sums[seen], axis=1) < 1e-12
    means[seen[cancelled]] = points[inside][first[cancelled]]
    empty = np.ones(n_groups, dtype=bool)
    empty[seen] = False
    means[empty] = np.nan
    return means


def offset(latlon: npt.ArrayLike, bearing: npt.ArrayLike, km: npt.ArrayLike) -> FloatArray:
    """The points ``km`` away from ``latlon`` (..., 2) along ``bearing`` (degrees from north)."""
    start = np.radians(np.asarray(latlon, dtype=np.float64))
    lat, lon = start[..., 0], start[..., 1]
    theta = np.radians(np.asarray(bearing, dtype=np.float64))
    delta = np.asarray(km, dtype=np.float64) / EARTH_RADIUS_KM
    sin_lat = np.sin(lat) * np.cos(delta) + np.cos(lat) * np.sin(delta) * np.cos(theta)
    new_lat = np.arcsin(np.clip(sin_lat, -1.0, 1.0))
    new_lon = lon + np.arctan2(
        np.sin(theta) * np.sin(delta) * np.cos(lat), np.cos(delta) - np.sin(lat) * sin_lat
    )
    return np.stack([np.degrees(new_lat), wrap_longitude(np.degrees(new_lon))], axis=-1)


def _tangent_frame(origin: npt.ArrayLike) -> FloatArray:
    """East, north and up at one point, as the rows of a (3, 3) matrix."""
    lon = np.radians(as_latlon(origin)[0, 1])
    east = [-np.sin(lon), np.cos(lon), 0.0]
    up = unit_vectors(as_latlon(origin)[0])
    return np.stack([np.array(east), np.cross(up, east), up])


def to_plane(latlon: npt.ArrayLike, origin: npt.ArrayLike) -> FloatArray:
    """Points in a local plane of equal areas, (n, 2) km east and north of ``origin``.

    Lambert's azimuthal equal-area projection (Snyder, "Map Projections", 1987, equation 24-2); the
    antipode of ``origin``, which has no image, lands on the rim.
    """
    local = unit_vectors(as_latlon(latlon)) @ _tangent_frame(origin).T
    scale = np.sqrt(2.0 / np.maximum(1.0 + local[:, 2], 1e-15))
    return np.asarray(EARTH_RADIUS_KM * scale[:, None] * local[:, :2])


def from_plane(xy: npt.ArrayLike, origin: npt.ArrayLike) -> FloatArray:
    """The inverse of :func:`to_plane`, (n, 2) km → degrees; points past the rim are put on it."""
    plane = np.asarray(xy, dtype=np.float64) / EARTH_RADIUS_KM
    squared = np.minimum((plane**2).sum(axis=1), 4.0)
    local = np.column_stack([plane * np.sqrt(1.0 - squared / 4.0)[:, None], 1.0 - squared / 2.0])
    return from_unit_vectors(local @ _tangent_frame(origin))


def to_cylinder(latlon: npt.ArrayLike) -> FloatArray:
    """Lambert's cylindrical equal-area plane, (n, 2) km east and north: x = Rλ, y = R sin φ.

    Longitudes past ±180 stay past it; the poles are lines.
    """
    radians = np.radians(as_latlon(latlon))
    return np.asarray(EARTH_RADIUS_KM * np.column_stack([radians[:, 1], np.sin(radians[:, 0])]))


def from_cylinder(xy: npt.ArrayLike) -> FloatArray:
    """The inverse of :func:`to_cylinder`, (n, 2) km → degrees; beyond a pole is on its line."""
    plane = np.asarray(xy, dtype=np.float64) / EARTH_RADIUS_KM
    latlon = np.column_stack([np.arcsin(np.clip(plane[:, 1], -1, 1)), plane[:, 0]])
    return np.asarray(np.degrees(latlon))


def circle(latlon: npt.ArrayLike, radius_km: float, points: int = 64) -> FloatArray:
    """The closed ring of places ``radius_km`` from one point, shape (points + 1, 2)."""
    bearings = np.linspace(0.0, 360.0, points + 1)
    center = np.broadcast_to(as_latlon(latlon)[0], (points + 1, 2))
    return offset(center, bearings, radius_km)


def cap_area_km2(radius_km: npt.ArrayLike) -> FloatArray:
    """Area of the spherical cap of a ground radius: 2πR²(1 − cos(r/R))."""
    angle = np.clip(np.asarray(radius_km, dtype=np.float64) / EARTH_RADIUS_KM, 0.0, np.pi)
    return np.asarray(2 * np.pi * EARTH_RADIUS_KM**2 * (1 - np.cos(angle)))


def uniform(n: int, rng: np.random.Generator) -> FloatArray:
    """``n`` points drawn uniformly over the sphere's area."""
    lat = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n)))
    return np.stack([lat, rng.uniform(-180.0, 180.0, n)], axis=1)
