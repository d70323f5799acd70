"""Names of places brought to one spelling, so that a system is not wrong by an accent."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule.photos.suggest import country_code

if TYPE_CHECKING:
    from graticule.evaluation.truth import Truth

StringArray = npt.NDArray[np.str_]

#: How many names of no country a note lists before it counts.
_LISTED = 10


@cache
def place_key(name: str) -> str:
    """A region's or city's name without case, accents and outer spaces."""
    parts = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


@cache
def country_key(name: str) -> str:
    """A country's code; else the name's key.

    From a code of two or three letters or an English name, in any case and with or without accents.
    """
    key = place_key(name)
    return country_code(name) or _codes().get(key, key)


def country_codes(stated: StringArray) -> tuple[StringArray, tuple[str, ...]]:
    """Countries as a manifest states them (n,), brought to codes.

    Returns:
        The codes, "" where a name is that of no country; and a note that lists such names.
    """
    names, known = stated.tolist(), set(_codes().values())
    codes = {
        name: code if (code := country_key(name)) in known else "" for name in dict.fromkeys(names)
    }
    found = np.array([codes[name] for name in names], dtype=np.str_)
    strange = [name for name, code in codes.items() if name and not code]
    if not strange:
        return found, ()
    photos = sum(name != "" and not codes[name] for name in names)
    some = "photo states" if photos == 1 else "photos state"
    return found, (
        f"{photos:,} {some} a country that is none (a code as GR or an English name is "
        "understood), which is left out: "
        + ", ".join(strange[:_LISTED])
        + (f" and {len(strange) - _LISTED:,} more" if len(strange) > _LISTED else ""),
    )


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
