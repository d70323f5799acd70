"""Regions that a claim's name may mean: none can be claimed, and that must be said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graticule import atlas
from graticule.atlas.towns import Town, fold, towns

#: A town of a region's name that has this many people is well enough known to be meant.
LARGE = 100_000


@dataclass(frozen=True)
class Region:
    """A state, province or department.

    Attributes:
        code: the atlas's.
        name: as its country writes it.
        country: code.
    """

    code: str
    name: str
    country: str

    def __str__(self) -> str:
        return f"{self.name} is a region of {atlas.country_name(self.country)}"


def regions_named(name: str, country: str | None = None) -> list[Region]:
    """Regions of a name, of one country or of any."""
    wanted = fold(name)
    return [
        Region(code, called, home)
        for code, (called, home, _) in atlas.region_table().items()
        if home and fold(called) == wanted and country in (None, home)
    ]


def region_instead(town: Town, name: str, country: str | None) -> Region | None:
    """The region that a town's name may mean as well; None where the town lies in it.

    "New York, US" is the city in New York; "California, US" is hardly a village in Maryland.
    """
    found = regions_named(name, country)
    around = str(atlas.regions([(town.lat, town.lon)])[0][0])
    return None if not found or any(region.code == around for region in found) else found[0]


def what_to_claim(region: Region) -> str:
    """That a region cannot be claimed, and what to write instead."""
    town = largest_town(region)
    example = "" if town is None else f', as "{town.name}, {town.country}"'
    return f"{region}, and regions cannot be claimed: name a town in it{example}, or give LAT,LON"


def largest_town(region: Region) -> Town | None:
    """The most populous town of a region."""
    table = towns()
    own = np.flatnonzero(table.country == region.country)
    own = own[np.argsort(-table.population[own], kind="stable")]
    codes, _ = atlas.regions(table.latlon[own], table.country[own])
    inside = own[codes == region.code]
    return table[int(inside[0])] if len(inside) else None


def also_called(name: str, country: str) -> tuple[str, ...]:
    """A note on what else has a country's name: regions of others, and the largest town."""
    found = [
        f"a region of {atlas.country_name(region.country)}"
        for region in regions_named(name)
        if region.country != country
    ]
    found += [f"a town of {atlas.country_name(t.country)}" for t in atlas.find_towns(name)[:1]]
    if not found:
        return ()
    return (f"{name.strip()} is {' and '.join(found)}, too; for a place there give a town",)
