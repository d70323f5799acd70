"""The two partitions of the bundled model: countries, and cities with the rest of each country."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graticule import atlas, sphere
from graticule.cells.cities import RADIUS_KM, Cities
from graticule.cells.countries import Countries, countries
from graticule.training.mini.rows import Rows, city_ids

FloatArray = npt.NDArray[np.float64]


def located(rows: Rows) -> FloatArray:
    """Where each photo is, degrees (n, 2): its coordinates, else its city's, else NaN."""
    latlon = rows.latlon.copy()
    found: dict[str, tuple[float, float]] = {}
    for name in np.unique(rows.city[rows.city != ""]):
        town = atlas.find_town(name.partition(":")[2], name.partition(":")[0])
        if town is not None:
            found[str(name)] = (town.lat, town.lon)
    for row in np.flatnonzero(np.isnan(latlon).any(axis=1)):
        latlon[row] = found.get(str(rows.city[row]), (np.nan, np.nan))
    return latlon


def country_cells(rows: Rows) -> Countries:
    """Every country that has a photo; its centre is that of its land."""
    return countries(rows.country, center="polygon")


def city_cells(rows: Rows, latlon: FloatArray, cells: Countries, photos: int) -> Cities:
    """Cities with at least ``photos`` photos, then the rest of every country as ``CC:``.

    Args:
        rows: the photos.
        latlon: where they are, see :func:`located`.
        cells: the countries.
        photos: that a city needs.
    """
    names = [
        name
        for name in city_ids(rows, photos)
        if np.isfinite(latlon[rows.city == name]).all(axis=1).any()
    ]
    groups = np.array([names.index(c) if c in names else -1 for c in rows.city])
    inside = (groups >= 0) & np.isfinite(latlon).all(axis=1)
    centers = sphere.group_means(latlon[inside], groups[inside], len(names))
    rest = [f"{code}:" for code in cells.ids]
    own = np.bincount(groups[groups >= 0], minlength=len(names))
    homes = cells.index([name[:2] for name in names])
    others = cells.counts - np.bincount(homes, own, minlength=len(cells)).astype(np.int64)
    disc = np.full(len(names), float(sphere.cap_area_km2(RADIUS_KM)))
    return Cities(
        name="cities",
        ids=(*names, *rest),
        names=(*(name[3:] for name in names), *cells.names),
        centers=np.concatenate([centers, cells.centers]),
        counts=np.concatenate([own, others]).astype(np.int64),
        areas_km2=np.concatenate([disc, cells.areas_km2]),
        parents={"countries": (*(name[:2] for name in names), *cells.ids)},
    )
