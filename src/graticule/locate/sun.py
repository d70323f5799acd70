"""How high the sun stood: does a photo's capture time fit a claimed place?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from graticule import atlas, sphere

#: Below this the sky is dark (the end of civil twilight), in degrees.
DARK = -6.0


def elevation(latlon: npt.ArrayLike, when: datetime) -> npt.NDArray[np.float64]:
    """Height of the sun over the horizon in degrees, (n,), without refraction.

    The angle to the subsolar point, by the low-precision formulas of the Astronomical Almanac
    (1 minute of arc between 1950 and 2050).

    Args:
        latlon: (n, 2) degrees.
        when: the moment; a naive time is taken as UTC.
    """
    moment = when if when.tzinfo else when.replace(tzinfo=UTC)
    days = (moment - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400
    mean_longitude = 280.460 + 0.9856474 * days
    anomaly = np.radians(357.528 + 0.9856003 * days)
    ecliptic = np.radians(mean_longitude + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    obliquity = np.radians(23.439 - 4e-7 * days)
    declination = np.degrees(np.arcsin(np.sin(obliquity) * np.sin(ecliptic)))
    right_ascension = np.degrees(np.arctan2(np.cos(obliquity) * np.sin(ecliptic), np.cos(ecliptic)))
    sidereal = 280.46062 + 360.98564737 * days  # Greenwich mean sidereal time in degrees
    subsolar = (declination, float(sphere.wrap_longitude(right_ascension - sidereal)))
    away = sphere.haversine(sphere.as_latlon(latlon), subsolar) / sphere.EARTH_RADIUS_KM
    return np.asarray(90.0 - np.degrees(away))


def heights(places: npt.ArrayLike, captured_at: str) -> tuple[float, float] | None:
    """Lowest and highest the sun can have stood at some places, given a photo's capture time.

    A time with an offset is one moment. A time without is what the camera's clock showed: it is
    taken to be set to the time of each place, give or take an hour for one forgotten in spring.

    Args:
        places: (n, 2) degrees.
        captured_at: ISO 8601.

    Returns:
        Degrees, or None where the time cannot be read.
    """
    points = sphere.as_latlon(places)
    try:
        taken = datetime.fromisoformat(captured_at)
    except ValueError:
        return None
    if taken.tzinfo is not None:
        found = elevation(points, taken)
        return float(found.min()), float(found.max())
    low, high = 90.0, -90.0
    for point, ahead in zip(points, atlas.utc_offsets(points, taken), strict=True):
        middle = taken.replace(tzinfo=UTC) - timedelta(minutes=int(ahead))
        for minutes in range(-60, 61, 20):
            height = float(elevation([point], middle + timedelta(minutes=minutes))[0])
            low, high = min(low, height), max(high, height)
    return low, high
