"""Claims about photos: a point, or the name of a town."""

from __future__ import annotations

from graticule import atlas, sphere
from graticule.errors import GraticuleError

#: Of two towns of one name, the larger is meant when it is this many times as large.
_CLEARLY = 5


def claimed_place(claim: str) -> tuple[float, float]:
    """Where a claim lies: ``"LAT,LON"`` in degrees, or ``"Lviv, Ukraine"``.

    Raises:
        GraticuleError: no such town; several (they are listed); coordinates that are none, at sea
            far from any cell they are still a claim.
    """
    first, _, second = claim.partition(",")
    try:
        lat, lon = float(first), float(second)
    except ValueError:
        return _town(claim)
    if abs(lat) > 90 and abs(lon) <= 90:
        raise GraticuleError(
            f"--claim {claim}: latitude comes first; did you mean {lon:g},{lat:g}?"
        )
    point = sphere.as_latlon([(lat, lon)])[0]
    return float(point[0]), float(point[1])


def _town(claim: str) -> tuple[float, float]:
    name, _, country = (part.strip() for part in claim.partition(","))
    code = _country_code(country) if country else None
    found = atlas.find_towns(name, code)
    if not found:
        where = f" in {country}" if country else ""
        raise GraticuleError(
            f"--claim {claim!r}: the atlas knows no town of that name{where}; give LAT,LON"
        )
    if len(found) > 1 and found[0].population < _CLEARLY * max(1, found[1].population):
        some = "; ".join(
            f"{town.name}, {town.country} ({town.lat:.2f},{town.lon:.2f})" for town in found[:5]
        )
        raise GraticuleError(f"--claim {claim!r}: several towns have that name: {some}")
    return found[0].lat, found[0].lon


def _country_code(name: str) -> str:
    if len(name) == 2 and name.upper() in atlas.country_codes():
        return name.upper()
    for code in atlas.country_codes():
        if atlas.country_name(code).casefold() == name.casefold():
            return code
    raise GraticuleError(f"--claim: no country {name!r}; use its ISO code, as UA")
