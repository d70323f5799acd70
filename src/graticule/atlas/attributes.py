"""What a place's pictures may show: side of the road, languages, scripts, climate, continent.

Languages are those official in the whole country (Unicode CLDR), most spoken first; in India those
of the state, whose signs they are on. Scripts are ISO 15924 codes of how they are written there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.atlas import shapes
from graticule.atlas.climate import climate
from graticule.atlas.countries import column, countries, country_codes
from graticule.atlas.regions import regions

Strings = npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Attributes:
    """Attributes of n points; ``""`` or an empty tuple at sea.

    Attributes:
        country: codes, (n,).
        continent: names, (n,).
        road_side: ``"left"`` or ``"right"``, (n,).
        climate: Köppen–Geiger zones, (n,).
        languages: object array (n,) of tuples of ISO 639 codes.
        scripts: object array (n,) of tuples of ISO 15924 codes.
    """

    country: Strings
    continent: Strings
    road_side: Strings
    climate: Strings
    languages: npt.NDArray[Any]
    scripts: npt.NDArray[Any]


@cache
def _spoken() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = files.read_json(shapes.DATA / "languages.json")
    return table


def languages_of(place: str) -> tuple[str, ...]:
    """Official languages of a country or a state of India, ISO 639; empty where none is known."""
    return tuple(_spoken().get(place, {}).get("languages", ()))


def scripts_of(place: str) -> tuple[str, ...]:
    """Scripts of those languages, ISO 15924; empty where none is known."""
    return tuple(_spoken().get(place, {}).get("scripts", ()))


def attributes(latlon: npt.ArrayLike) -> Attributes:
    """The attributes of each point.

    Args:
        latlon: (n, 2) degrees, latitude first.
    """
    country = countries(latlon)
    place = country.astype("<U8")
    india = np.flatnonzero(country == "IN")
    if len(india):
        points = np.atleast_2d(np.asarray(latlon, np.float64))[india]
        state = regions(points, country[india])[0]
        place[india] = np.where(state == "", "IN", state)
    at, row = np.unique(place, return_inverse=True)
    names, place_row = country_codes(), np.unique(country, return_inverse=True)
    own = [code if code in names else "" for code in place_row[0].tolist()]
    sides = np.array([column("road_side")[c] if c else "" for c in own])
    continents = np.array([column("continent")[c] if c else "" for c in own])
    return Attributes(
        country=country,
        continent=continents[place_row[1]],
        road_side=sides[place_row[1]],
        climate=climate(latlon),
        languages=_tuples([languages_of(p) for p in at.tolist()])[row],
        scripts=_tuples([scripts_of(p) for p in at.tolist()])[row],
    )


def _tuples(rows: list[tuple[str, ...]]) -> npt.NDArray[Any]:
    made = np.empty(len(rows), object)
    made[:] = rows
    return made
