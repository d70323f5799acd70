"""Land widened by coastal waters, and land that the coastlines miss."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
import shapely.affinity

from graticule import sphere

#: Degrees of latitude in a band that is widened with one scale of longitudes.
BAND = 5.0


def widened(land: Any, km: float, tolerance: float) -> Any:
    """``land`` and all within about ``km``, in bands of latitude, cut at the antimeridian."""
    reach = float(np.degrees(km / sphere.EARTH_RADIUS_KM))
    coarse = shapely.make_valid(shapely.simplify(land, tolerance))
    # A copy on either side of the map reaches across the antimeridian.
    world = shapely.box(-180, -90, 180, 90)
    bands = []
    for south in np.arange(-90.0, 90.0, BAND):
        squeeze = max(float(np.cos(np.radians(south + BAND / 2))), 0.05)
        near = shapely.clip_by_rect(coarse, -180, south - reach, 180, south + BAND + reach)
        flat = shapely.affinity.scale(near, squeeze, 1, origin=(0, 0))
        wide = shapely.buffer(flat, reach, quad_segs=3)
        back = shapely.affinity.scale(wide, 1 / squeeze, 1, origin=(0, 0))
        band = shapely.box(-540, south, 540, south + BAND)
        bands += [
            shapely.intersection(shapely.affinity.translate(back, turn), band)
            for turn in (-360, 0, 360)
        ]
    whole = shapely.intersection(shapely.union_all(bands), world)
    return shapely.make_valid(shapely.simplify(whole, tolerance))


def discs(latlon: np.ndarray, km: float) -> np.ndarray:
    """Octagons of about ``km`` around points: land of the size of a village."""
    reach = np.degrees(km / sphere.EARTH_RADIUS_KM)
    angles = np.radians(np.arange(0, 360, 45) + 22.5)
    squeeze = np.maximum(np.cos(np.radians(latlon[:, :1])), 0.05)
    lon = latlon[:, 1:] + reach * np.cos(angles) / squeeze
    rings = np.stack([np.clip(lon, -180, 180), latlon[:, :1] + reach * np.sin(angles)], axis=-1)
    return shapely.polygons(np.concatenate([rings, rings[:, :1]], axis=1))
