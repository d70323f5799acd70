"""Names of places brought to one spelling, so that a system is not wrong by an accent."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from graticule.evaluation.truth import Truth

StringArray = npt.NDArray[np.str_]


@cache
def place_key(name: str) -> str:
    """A region's or city's name without case, accents and outer spaces."""
    parts = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


@cache
def country_key(name: str) -> str:
    """A country's code, from its code in any case or its name in English; else the name's key."""
    if len(name) == 2:
        return name.upper()
    return _codes().get(place_key(name), place_key(name))


def unknown_countries(named: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Names given as countries that are neither a code nor an English name of one.

    Args:
        named: for each photo the countries that a system named.

    Returns:
        Each such name once, the most frequent first.
    """
    codes = set(_codes().values())
    times = Counter(name for names in named for name in names)
    return tuple(name for name, _ in times.most_common() if country_key(name) not in codes)


@cache
def _codes() -> dict[str, str]:
    from graticule import atlas

    return {place_key(atlas.country_name(code)): code for code in atlas.country_codes()}


def regions_of(truth: Truth) -> StringArray:
    """The region of each photo as the atlas names it, where it lies in one; else as stated.

    The atlas goes first: systems that name regions take their names from borders, and a manifest's
    own spelling ("Paris Region") would call a right answer wrong.
    """
    from graticule import atlas

    out = truth.column("region").astype(object)
    located = truth.located
    if located.any():
        _, names = atlas.regions(truth.latlon[located])
        known = names != ""
        rows = np.flatnonzero(located)[known]
        out[rows] = names[known]
    return out.astype(np.str_)
