"""Claims about photos: coordinates, the name of a town, or a whole country; and what is odd."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import atlas, sphere
from graticule.atlas.towns import Town, fold, towns
from graticule.errors import GraticuleError
from graticule.locate import namesakes

#: Of two towns of one name, the larger is meant when it is this many times as large.
_CLEARLY = 5
#: Towns of one name this near to each other are one place.
_ONE_PLACE_KM = 30.0
#: Towns that a message lists.
_LISTED = 6
#: A place at sea is judged by a town this near: boats, piers, and coasts drawn coarsely.
SHORE_KM = 100.0
#: Beyond this latitude a longitude says little.
_POLE = 89.0
#: The towns that stand for a country where a claim is as wide as one.
_STANDING = 40

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_PART = (
    rf"(?P<{{0}}before>[NSEW])?\s*(?P<{{0}}deg>{_NUMBER})\s*(?:°\s*(?:(?P<{{0}}min>\d+(?:\.\d+)?)\s*"
    rf"['′’]\s*)?(?:(?P<{{0}}sec>\d+(?:\.\d+)?)\s*(?:\"|″|”|'')\s*)?)?(?P<{{0}}after>[NSEW])?"
)
_PAIR = re.compile(
    r"(?:geo:)?\s*" + _PART.format("a") + r"\s*[,;\s]\s*" + _PART.format("b") + r"\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Claim:
    """Where somebody says that a photo was taken.

    Attributes:
        text: as it was given.
        lat: degrees; of a country, of its largest town.
        lon: degrees.
        name: what the place is called, or how far at sea it lies.
        country: code; "" at sea.
        whole_country: whether the claim is the country and no place in it.
        notes: what is odd about it, or how it was understood.
    """

    text: str
    lat: float
    lon: float
    name: str
    country: str
    whole_country: bool = False
    notes: tuple[str, ...] = ()

    @property
    def latlon(self) -> tuple[float, float]:
        """The point, in degrees."""
        return self.lat, self.lon

    @property
    def places(self) -> npt.NDArray[np.float64]:
        """Points that stand for it, (n, 2): itself, or a country's largest towns."""
        if not self.whole_country:
            return np.array([self.latlon])
        return _large_towns(self.country)


def parse(text: str) -> Claim:
    """A claim from ``"LAT,LON"``, ``"49°50′N 24°2′E"``, ``"Lviv, Ukraine"`` or ``"Ukraine"``.

    Raises:
        GraticuleError: no such town (the nearest names are listed), several (they are listed with
            their countries), or coordinates that are none.
    """
    if not text.strip():
        raise GraticuleError('--claim is empty; write LAT,LON or "Lviv, Ukraine"')
    pair = _PAIR.fullmatch(text.strip())
    if pair is not None:
        return at(*_degrees(text, pair), text=text)
    first, comma, second = text.partition(",")
    try:
        return at(float(first), float(second), text=text) if comma else _named(text)
    except ValueError:
        return _named(text)


def at(lat: float, lon: float, *, text: str | None = None) -> Claim:
    """A claim of coordinates, in degrees.

    Raises:
        GraticuleError: they are no place on Earth; swapped ones are suspected and said.
    """
    said = f"{lat:g},{lon:g}" if text is None else text
    if not (math.isfinite(lat) and math.isfinite(lon)):
        raise GraticuleError(f"claim {said}: coordinates must be finite numbers")
    if abs(lat) > 90 and abs(lon) <= 90 and abs(lat) <= 180:
        raise GraticuleError(
            f"claim {said}: latitude comes first and lies within ±90; did you mean {lon:g},{lat:g}?"
        )
    if abs(lat) > 90 or abs(lon) > 360:
        raise GraticuleError(f"claim {said}: no place on Earth; latitude ±90, longitude ±180")
    # Degrees that are in range keep every digit that was given.
    wrapped = lon if -180 <= lon <= 180 else float(sphere.wrap_longitude(lon))
    name = atlas.names([(lat, wrapped)])[0]
    notes = _oddities(lat, wrapped, name.country)
    called = str(name) if name.country else _at_sea(lat, wrapped)
    return Claim(said, lat, wrapped, called, name.country, notes=notes)


def of_row(said: str, lat: float, lon: float) -> Claim | str:
    """The claim of one row of a table, or why it is none.

    Args:
        said: what the column ``claim`` says; it goes before coordinates.
        lat: degrees, NaN where unknown.
        lon: likewise.
    """
    try:
        if said.strip():
            return parse(said)
        if math.isfinite(lat) or math.isfinite(lon):
            return at(lat, lon)
    except GraticuleError as error:
        return str(error)
    return "no claim: the row has neither a claim nor lat and lon"


def as_given(said: str, lat: float, lon: float) -> str:
    """A row's claim as its table has it, whether it can be read or not."""
    if said.strip():
        return said
    return f"{lat:g},{lon:g}" if math.isfinite(lat) or math.isfinite(lon) else ""


def _oddities(lat: float, lon: float, country: str) -> tuple[str, ...]:
    notes = []
    if lat == 0 and lon == 0:
        notes.append("0,0 is what a broken or empty position reads as")
    if abs(lat) > _POLE:
        notes.append("at a pole, where longitude says nothing")
    elif not country:
        notes.append(f"the claim lies {_at_sea(lat, lon)}")
        swapped = atlas.names([(lon, lat)])[0] if abs(lon) <= 90 else None
        if swapped is not None and swapped.country and swapped.town_km <= SHORE_KM:
            notes.append(
                f"with latitude and longitude swapped ({lon:g},{lat:g}) it would be {swapped}: "
                "were they?"
            )
    return tuple(notes)


def _at_sea(lat: float, lon: float) -> str:
    number, km = atlas.nearest_towns([(lat, lon)])
    town = towns()[int(number[0])]
    return f"at sea, {km[0]:,.0f} km from {town.name}, {atlas.country_name(town.country)}"


def _degrees(text: str, pair: re.Match[str]) -> tuple[float, float]:
    """Latitude and longitude of a matched pair; letters say which is which."""
    values, letters = [], []
    for part in "ab":
        letter = (pair[f"{part}before"] or pair[f"{part}after"] or "").upper()
        minutes, seconds = float(pair[f"{part}min"] or 0), float(pair[f"{part}sec"] or 0)
        whole = float(pair[f"{part}deg"])
        size = abs(whole) + minutes / 60 + seconds / 3600
        negative = pair[f"{part}deg"].startswith("-") != (letter in {"S", "W"})
        values.append(-size if negative else size)
        letters.append("" if not letter else "lat" if letter in "NS" else "lon")
    if letters[0] and letters[0] == letters[1]:
        raise GraticuleError(f"claim {text}: two {letters[0]}s; write one of N/S and one of E/W")
    if letters[0] == "lon" or letters[1] == "lat":
        values.reverse()
    return values[0], values[1]


def _named(text: str) -> Claim:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise GraticuleError(f'claim {text!r}: write LAT,LON or "Lviv, Ukraine"')
    code = _country(parts[0])
    if len(parts) == 1 and code is not None:
        return _country_claim(text, code)
    found, inside = _towns_of(text, parts)
    first, others = found[0], found[1:]
    rivals = [town for town in others if _km(first, town) > _ONE_PLACE_KM]
    region = _region_meant(first, parts)
    if region is not None and first.population < namesakes.LARGE:
        listed = "; ".join(_called(town, inside) for town in [first, *rivals][:_LISTED])
        raise GraticuleError(
            f"claim {text!r}: {namesakes.what_to_claim(region)}. Smaller towns have that name: "
            f'{listed}. For one of them write "Name, Region, Country"'
        )
    if rivals and first.population < _CLEARLY * max(1, rivals[0].population):
        listed = "; ".join(_called(town, inside) for town in [first, *rivals][:_LISTED])
        more = len(rivals) + 1 - _LISTED
        example = ", ".join(filter(None, (first.name, _region(first), first.country)))
        raise GraticuleError(
            f"claim {text!r}: {len(rivals) + 1} towns have that name: {listed}"
            + (f"; and {more} more" if more > 0 else "")
            + f'. Write "Name, Country" or "Name, Region, Country", as "{example}", or LAT,LON'
            + ("" if region is None else f"; {region}, too, and regions cannot be claimed")
        )
    notes = []
    if region is not None:
        notes.append(f"the town was taken; {region}, too")
    if rivals:
        notes.append(
            f"the largest of {len(rivals) + 1} towns of that name was taken; the next is "
            + _called(rivals[0], inside)
        )
    inner = _region(first) if len(parts) > 1 and _country(parts[1]) != first.country else ""
    name = ", ".join(filter(None, (first.name, inner, atlas.country_name(first.country))))
    return Claim(text, first.lat, first.lon, name, first.country, notes=tuple(notes))


def _country_claim(text: str, code: str) -> Claim:
    largest = _large_towns(code)
    if not len(largest):
        raise GraticuleError(f"claim {text!r}: no town of {atlas.country_name(code)} is known")
    name = atlas.country_name(code)
    notes = (
        f"the whole of {name} was taken as the claim",
        *namesakes.also_called(text, code),
    )
    return Claim(
        text,
        float(largest[0, 0]),
        float(largest[0, 1]),
        name,
        code,
        whole_country=True,
        notes=notes,
    )


def _region_meant(town: Town, parts: list[str]) -> namesakes.Region | None:
    """The region that "California" or "California, US" may mean instead of a town found by it."""
    name, *where = parts
    code = _country(where[0]) if where else None
    if len(where) > 1 or (where and code != town.country):
        return None
    return namesakes.region_instead(town, name, code)


def _large_towns(code: str) -> npt.NDArray[np.float64]:
    own = np.flatnonzero(towns().country == code)
    order = np.argsort(-towns().population[own], kind="stable")[:_STANDING]
    return np.asarray(towns().latlon[own[order]])


def _towns_of(text: str, parts: list[str]) -> tuple[list[Town], str]:
    """Towns of a name inside what the words after it say, and the country those name."""
    name, *where = parts
    code = _country(where[-1]) if where else None
    if code is not None:
        found = [t for t in atlas.find_towns(name, code) if _in_regions(t, where[:-1])]
        if found:
            return found, code
    # "Portland, ME" is Maine where Montenegro has no Portland.
    everywhere = atlas.find_towns(name)
    found = [town for town in everywhere if where and _in_regions(town, where)]
    if found:
        return found, ""
    if where and code is None:
        _unknown_country(text, where[-1])
    if not where and everywhere:
        return everywhere, ""
    raise GraticuleError(_no_such_town(text, name, code, everywhere))


def _unknown_country(text: str, word: str) -> None:
    from graticule.photos import suggest

    raise GraticuleError(
        f"claim {text!r}: no country or region {word!r} with such a town; {suggest.country(word)}"
    )


def _no_such_town(text: str, name: str, code: str | None, everywhere: list[Town]) -> str:
    regions = namesakes.regions_named(name, code)
    if regions:
        return f"claim {text!r}: {namesakes.what_to_claim(regions[0])}"
    where = f" in {atlas.country_name(code)}" if code else ""
    words = f"claim {text!r}: the atlas knows no town {name!r}{where}"
    near = _nearest_names(name, code)
    if near:
        words += "; did you mean " + ", ".join(_called(town, code or "") for town in near) + "?"
    if everywhere:
        words += f"; elsewhere there is {_called(everywhere[0], '')}"
    words += " Or give LAT,LON" if near else "; give LAT,LON"
    return words + "; a region cannot be claimed, a town in it can"


def _nearest_names(name: str, code: str | None, most: int = 4) -> list[Town]:
    wanted, table = fold(name), towns()
    # Spellings differ by little, and seldom in both the first letter and the last two.
    known = [
        key
        for key, numbers in table.by_name.items()
        if abs(len(key) - len(wanted)) <= 2
        and (key[:1] == wanted[:1] or key[-2:] == wanted[-2:])
        and (code is None or any(table.country[i] == code for i in numbers))
    ]
    near = difflib.get_close_matches(wanted, known, n=12, cutoff=0.72)
    # A town is found under several of its spellings.
    found = list(dict.fromkeys(town for key in near for town in atlas.find_towns(key, code)[:1]))
    score = {
        id(town): difflib.SequenceMatcher(None, wanted, fold(town.name)).ratio()
        + 0.03 * math.log10(1 + town.population)
        for town in found
    }
    return sorted(found, key=lambda town: -score[id(town)])[:most]


def _country(word: str) -> str | None:
    """The code of a country by name, code or habit ("UK"), or None."""
    from graticule.photos.suggest import country_code

    return country_code(word)


def _in_regions(town: Town, words: list[str]) -> bool:
    if not words:
        return True
    codes, names = atlas.regions([(town.lat, town.lon)])
    code = str(codes[0])
    known = {fold(str(names[0])), fold(code), fold(re.split(r"[-.]", code)[-1])}
    own = {fold(atlas.country_name(town.country)), fold(town.country)}
    return all(fold(word) in known | own or _country(word) == town.country for word in words)


def _region(town: Town) -> str:
    """The region's name, "" where it is that of the town."""
    name = str(atlas.regions([(town.lat, town.lon)])[1][0])
    return "" if fold(name) == fold(town.name) else name


def _called(town: Town, inside: str) -> str:
    country = town.country if inside else atlas.country_name(town.country)
    words = ", ".join(filter(None, (town.name, _region(town), country)))
    return f"{words} ({town.lat:.2f},{town.lon:.2f})"


def _km(one: Town, other: Town) -> float:
    return float(sphere.haversine((one.lat, one.lon), (other.lat, other.lon)))
