"""Nested cells that any photo finds a place in: countries, their cities, and the rest of each.

A photo with coordinates is of the city that is near; one with a city's name, of that; one of which
only the country is known teaches the country and says nothing about cities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from graticule import atlas, sphere
from graticule.cells.cities import RADIUS_KM, Cities
from graticule.cells.countries import Countries, countries
from graticule.errors import RecipeError
from graticule.systems.plan import Rows, country_codes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Text = npt.NDArray[np.str_]

#: Where a country's rest lies: its land's centroid, the mean of its people, of its photos.
Center: TypeAlias = Literal["polygon", "people", "photos"]
#: Towns that lend their name to photos with coordinates and without a city.
_TOWN = 100_000


@dataclass(frozen=True)
class Places:
    """The partitions and what is known of each row.

    Attributes:
        countries: the coarse cells.
        cities: the fine cells: cities, then the rest of every country, as ``CC:``.
        country: int64 (n,), −1 where unknown.
        city: int64 (n,), −1 where only the country is known, or nothing.
    """

    countries: Countries
    cities: Cities
    country: IntArray
    city: IntArray

    @property
    def homes(self) -> IntArray:
        """The country of each fine cell, int64 (cities,)."""
        return self.countries.index(list(self.cities.parents["countries"]))


def nested_places(rows: Rows, *, city_photos: int, center: Center) -> Places:
    """Cut the world by the training rows.

    Args:
        rows: the manifest.
        city_photos: training photos that a city needs to be told apart from its country's rest.
        center: where a country's rest lies, see :data:`Center`.

    Raises:
        RecipeError: fewer than two countries.
    """
    codes = country_codes(rows)
    learned = rows.train & (codes != "")
    if len(np.unique(codes[learned])) < 2:
        raise RecipeError(
            f"{rows.where}: the training photos are of fewer than two countries; fill the column "
            "country, or lat and lon"
        )
    coarse = countries(
        np.where(learned, codes, ""),
        np.where(learned[:, None], rows.latlon, np.nan),
        center="photos" if center == "photos" else "polygon",
    )
    if center == "people":
        coarse = _peopled(coarse)
    named = city_names(rows, codes)
    known, counts = np.unique(named[learned & (named != "")], return_counts=True)
    kept = {
        str(name): place
        for name, count in zip(known, counts, strict=True)
        if count >= city_photos and (place := _place(rows, named == name, str(name))) is not None
    }
    fine = _cities(kept, coarse, named, codes, learned)
    target = fine.index(named)
    rest = fine.index([f"{code}:" for code in codes])
    city = np.where((target < 0) & (named != ""), rest, target)
    return Places(coarse, fine, coarse.index(codes), city)


def city_names(rows: Rows, codes: Text) -> Text:
    """The city of each row as ``CC:Name``: its column, else a large town near its coordinates."""
    names = rows.column("city")
    out = np.where((names != "") & (codes != ""), _joined(codes, names), "")
    open_ = np.flatnonzero((out == "") & rows.located & (codes != ""))
    if len(open_):
        from scipy.spatial import cKDTree

        table = atlas.towns()
        large = np.flatnonzero(table.population >= _TOWN)
        gap, near = cKDTree(sphere.unit_vectors(table.latlon[large])).query(
            sphere.unit_vectors(rows.latlon[open_])
        )
        close = np.flatnonzero(sphere.arc(gap) <= RADIUS_KM)
        found = out.astype(object)
        for row, town in zip(open_[close], large[near[close]], strict=True):
            if table.country[town] == codes[row]:
                found[row] = f"{codes[row]}:{table.name[town]}"
        # In no large town, and that is known: the rest of its country.
        for row in open_:
            found[row] = found[row] or f"{codes[row]}:"
        out = found.astype(np.str_)
    return out


def _joined(codes: Text, names: Text) -> Text:
    return np.char.add(np.char.add(codes, ":"), names)


def _place(rows: Rows, mine: npt.NDArray[np.bool_], name: str) -> tuple[float, float] | None:
    """The mean of a city's photos, else where the atlas has it, else None."""
    own = mine & rows.located & rows.train
    if name.endswith(":"):
        return None
    if own.any():
        lat, lon = sphere.mean(rows.latlon[own])
        return float(lat), float(lon)
    town = atlas.find_town(name.partition(":")[2], name.partition(":")[0])
    return None if town is None else (town.lat, town.lon)


def _peopled(cells: Countries) -> Countries:
    """The same countries, each at the mean of its towns' people."""
    from dataclasses import replace

    table = atlas.towns()
    groups = cells.index(table.country)
    mine = np.flatnonzero((groups >= 0) & (table.population > 0))
    means = sphere.group_means(
        table.latlon[mine], groups[mine], len(cells), table.population[mine].astype(np.float64)
    )
    return replace(cells, centers=np.where(np.isfinite(means), means, cells.centers))


def _cities(
    kept: dict[str, tuple[float, float]],
    coarse: Countries,
    named: Text,
    codes: Text,
    learned: npt.NDArray[np.bool_],
) -> Cities:
    names = list(kept)
    rest = [f"{code}:" for code in coarse.ids]
    inside = np.array([int((named[learned] == name).sum()) for name in names], dtype=np.int64)
    homes = coarse.index([name[:2] for name in names])
    own = np.bincount(homes, inside, minlength=len(coarse)).astype(np.int64)
    disc = np.full(len(names), float(sphere.cap_area_km2(RADIUS_KM)))
    centers = np.array(list(kept.values()), dtype=np.float64).reshape(-1, 2)
    return Cities(
        name="cities",
        ids=(*names, *rest),
        names=(*(name[3:] for name in names), *coarse.names),
        centers=np.concatenate([centers, coarse.centers]),
        counts=np.concatenate([inside, coarse.counts - own]),
        areas_km2=np.concatenate([disc, coarse.areas_km2]),
        parents={"countries": (*(name[:2] for name in names), *coarse.ids)},
    )
