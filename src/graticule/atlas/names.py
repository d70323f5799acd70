"""What a place is called: country, region, and the nearest town."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.atlas.countries import column, countries
from graticule.atlas.regions import regions
from graticule.atlas.towns import nearest_towns, towns

Strings = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Name:
    """What one place is called; ``""`` where there is nothing to say."""

    country: str
    country_name: str
    region: str
    region_name: str
    town: str
    town_km: float

    def __str__(self) -> str:
        if not self.country:
            return "at sea"
        near = f"near {self.town}" if self.town_km > 5 else self.town
        parts = [near, self.region_name, self.country_name]
        return ", ".join(dict.fromkeys(part for part in parts if part))


@dataclass(frozen=True, eq=False)
class Names:
    """What n places are called, as columns (n,).

    Attributes:
        country: ISO 3166-1 alpha-2 codes, ``""`` at sea.
        country_name: English names.
        region: codes of the regions (admin-1), ``""`` where there is none.
        region_name: their names.
        town: the nearest town of the same country; at sea of any, ``""`` if it is further away
            than ``TOWN_KM``.
        town_km: how far it is; NaN where there is none.
    """

    country: Strings
    country_name: Strings
    region: Strings
    region_name: Strings
    town: npt.NDArray[np.object_]
    town_km: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.country)

    def __getitem__(self, number: int) -> Name:
        return Name(*(getattr(self, f.name)[number].item() if f.name != "town"
                      else self.town[number] for f in fields(self)))  # fmt: skip

    def __iter__(self) -> Iterator[Name]:
        return (self[i] for i in range(len(self)))


#: Beyond this a town says nothing about a place.
TOWN_KM = 500.0
#: Towns looked at for one of the point's own country.
_CANDIDATES = 8


def names(latlon: npt.ArrayLike) -> Names:
    """Country, region and nearest town of each point.

    Args:
        latlon: (n, 2) degrees, latitude first, or one pair.

    Raises:
        GraticuleError: a coordinate is not finite or its latitude is outside ±90.
    """
    points = sphere.as_latlon(latlon)
    country = countries(points)
    codes, row = np.unique(country, return_inverse=True)
    called = np.array([column("name")[c] if c else "" for c in codes.tolist()], dtype=str)
    region, region_name = regions(points, country)
    number, km = own_towns(points, country)
    return Names(country, called[row], region, region_name, _town_names()[number], km)


@cache
def _town_names() -> npt.NDArray[np.object_]:
    """Names by number; the last is that of no town."""
    return np.array([*towns().name, ""], dtype=object)


def own_towns(
    points: npt.NDArray[np.float64], country: Strings
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The nearest town, over no border where one of the same country is among the nearest few."""
    number, km = nearest_towns(points)
    table = towns()
    abroad = np.flatnonzero((table.country[number] != country) & (country != ""))
    if len(abroad):
        chords, near = table.tree.query(sphere.unit_vectors(points[abroad]), k=_CANDIDATES)
        own = table.country[near] == country[abroad, None]
        first = np.where(own.any(axis=1), own.argmax(axis=1), 0)
        pick = np.arange(len(abroad)), first
        number[abroad], km[abroad] = near[pick], sphere.arc(chords[pick])
    far = km > TOWN_KM
    number[far], km[far] = len(table), np.nan
    return number, km
