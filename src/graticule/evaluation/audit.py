"""Is a headline worth printing? What leaks from training into test, and what spoils the test.

Each check returns one finding: which test photos it concerns, examples to look at, and what it
means. Tables are checked here, against training photos by :mod:`graticule.evaluation.leaks`; pixels
in :mod:`graticule.evaluation.pixels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.evaluation import leaks
from graticule.evaluation.finding import EXAMPLES, Finding
from graticule.evaluation.truth import Truth, portions

if TYPE_CHECKING:
    from graticule.photos.manifest import Manifest

IntArray = npt.NDArray[np.int64]

#: A photo this near a city may be said to be of it, and one further than the second is not: between
#: the two nothing is concluded.
OF_CITY_KM, FAR_FROM_CITY_KM = 50.0, 100.0


def label_errors(test: Truth) -> Finding:
    """Coordinates that are impossible, or that the names beside them contradict.

    A country that does not hold them is an error. A region or city is one only where latitude and
    longitude turned round would put it right: names of regions and cities are spelt and drawn in
    too many ways for more.
    """
    reasons: dict[int, str] = {}
    lat, lon = test.latlon[:, 0], test.latlon[:, 1]
    finite = np.isfinite(test.latlon).all(axis=1)
    for i in np.flatnonzero(finite & (lat == 0) & (lon == 0)):
        reasons[int(i)] = "0, 0"
    for i in np.flatnonzero(finite & ~test.located):
        reasons[int(i)] = f"no place on Earth: {lat[i]:g}, {lon[i]:g}"
    has_country = test.column("country") != ""
    checked = np.flatnonzero(test.located & has_country & ~((lat == 0) & (lon == 0)))
    if len(checked):
        reasons |= _against_country(test, checked)
    rows = np.zeros(len(test), dtype=bool)
    rows[list(reasons)] = True
    examples = [f"{test.paths[i]}: {why}" for i, why in sorted(reasons.items())[:EXAMPLES]]
    return Finding(
        "label error", rows, tuple(examples), "the truth itself is wrong for these photos", False
    )


def _against_country(test: Truth, rows: IntArray) -> dict[int, str]:
    """What is wrong with the coordinates of some rows by the country stated for them."""
    from graticule import atlas

    latlon, stated = test.latlon[rows], test.column("country")[rows]
    lies_in = atlas.countries(latlon)
    legal = np.abs(latlon[:, 1]) <= 90
    turned = np.full(len(rows), "", dtype=lies_in.dtype)
    turned[legal] = atlas.countries(latlon[legal][:, ::-1])
    reasons: dict[int, str] = {}
    # A photo at sea off its country's coast is no error.
    for k in np.flatnonzero((lies_in != "") & (lies_in != stated)):
        words = f"coordinates lie in {lies_in[k]}, not {stated[k]}"
        if turned[k] == stated[k]:
            words += " (swapped, they would lie there)"
        reasons[int(rows[k])] = words
    for k in np.flatnonzero((lies_in == "") & (turned == stated)):
        reasons[int(rows[k])] = f"at sea; swapped, they lie in {stated[k]}"
    either_way = rows[(lies_in == stated) & (turned == stated)]
    if len(either_way):
        reasons |= _against_city(test, either_way) | _against_region(test, either_way)
    return reasons


def _against_region(test: Truth, rows: IntArray) -> dict[int, str]:
    """Rows whose coordinates lie in the region stated for them only when turned round."""
    from graticule import atlas
    from graticule.evaluation.names import place_key

    rows = rows[test.column("region")[rows] != ""]
    country, stated = test.column("country")[rows], test.column("region")[rows]
    here, there = (
        atlas.regions(latlon, country)[1] for latlon in (test.latlon[rows], test.latlon[rows, ::-1])
    )
    return {
        int(i): f"coordinates lie in {a}; swapped, they lie in {name} as stated"
        for i, name, a, b in zip(rows, stated, here, there, strict=True)
        if place_key(b) == place_key(name) != place_key(a)
    }


def _against_city(test: Truth, rows: IntArray) -> dict[int, str]:
    """Rows whose coordinates lie near the city stated for them only when turned round."""
    from graticule import atlas

    city, country = test.column("city")[rows], test.column("country")[rows]
    reasons: dict[int, str] = {}
    for name, code in sorted(set(zip(city.tolist(), country.tolist(), strict=True))):
        found = atlas.find_towns(name, code) if name else []
        if not found:
            continue
        mine = rows[(city == name) & (country == code)]
        towns = np.array([(town.lat, town.lon) for town in found])
        here, there = (
            sphere.distances(latlon, towns).min(axis=1)
            for latlon in (test.latlon[mine], test.latlon[mine, ::-1])
        )
        reasons |= {
            int(mine[k]): f"coordinates lie {here[k]:,.0f} km from {name}; swapped, {there[k]:,.0f}"
            for k in np.flatnonzero((here > FAR_FROM_CITY_KM) & (there <= OF_CITY_KM))
        }
    return reasons


def audit_tables(
    train: Truth | Manifest | None, test: Truth, *, radius_km: float = leaks.NEAR_KM
) -> list[Finding]:
    """Every check of the tables; without training photos, only the defects of the test.

    Args:
        train: what was learnt from. A manifest is read as it passes by, so memory is that of the
            test; a :class:`Truth` is held by whoever made it.
        test: the judged photos.
        radius_km: how near a training photo a test photo may not be.
    """
    found = [label_errors(test)]
    if train is None:
        return found
    checks = leaks.checks(test, radius_km)
    for portion in portions(train, leaks.COLUMNS):
        for check in checks:
            check.see(portion)
    return [check.finding() for check in checks] + found
