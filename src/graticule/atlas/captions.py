"""Captions of places: "A photo taken near TOWN in REGION, COUNTRY." and what may be seen there.

The sentences that contrastive training learns from (StreetCLIP, Haas, Alberti & Skreta 2023; then
PIGEON, Haas et al. 2023): where the photo was taken, and, left out at random, the climate, the side
of the road and the script of the signs. Looked up once for all places, then put together as whole
columns.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.atlas.attributes import attributes
from graticule.atlas.climate import climate_name
from graticule.atlas.countries import countries, country_codes, country_name
from graticule.atlas.names import own_towns
from graticule.atlas.regions import region_layer, region_table
from graticule.atlas.towns import fold, towns
from graticule.atlas.wordings import WORDINGS, Wording
from graticule.errors import GraticuleError

Strings = npt.NDArray[np.str_]
Texts = npt.NDArray[np.object_]
IntArray = npt.NDArray[np.int64]

_DEVANAGARI = re.compile("[\u0900-\u097f]")
#: Which optional sentences there are, in the order of :attr:`Captions.extras`.
EXTRAS = ("climate", "road_side", "script")
#: How finely a place is named.
LEVELS = ("towns", "regions", "countries")


@dataclass(frozen=True, eq=False)
class Captions:
    """What can be said of n places.

    Attributes:
        place: object (n, 3) the sentence that is always said, for each of :data:`LEVELS`; ``""``
            where nothing is known.
        extras: object (n, 3) the sentences that may be left out, in the order of :data:`EXTRAS`;
            ``""`` where there is nothing to say.
        translated: bool (n,) whether all names in :attr:`place` are in the captions' language.
        key: uint64 (n,) a hash of the finest sentence, from which it is drawn what is left out.
    """

    place: Texts
    extras: Texts
    translated: npt.NDArray[np.bool_]
    key: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.place)

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Places that have a caption, bool (n,)."""
        return np.asarray(self.place[:, 0] != "", dtype=bool)

    def draw(
        self,
        rows: IntArray | None = None,
        *,
        level: int = 0,
        keep: float = 0.5,
        seed: int = 0,
        epoch: int = 0,
    ) -> Texts:
        """The captions of some rows, with each optional sentence kept with probability ``keep``.

        What is kept depends on the seed, the epoch and the place alone: photos of one place in one
        climate have one caption in an epoch, whatever else is asked for.

        Args:
            rows: which; all by default.
            level: how finely the place is named, a number of :data:`LEVELS`.
            keep: probability of each optional sentence.
            seed: of the draw.
            epoch: of training; each draws anew.

        Returns:
            Object (k,) of texts.
        """
        chosen = slice(None) if rows is None else rows
        text, key = self.place[chosen, level].copy(), self.key[chosen]
        for number in range(self.extras.shape[1]):
            kept = _uniform(key, seed, epoch, number) < keep
            text = text + np.where(kept, self.extras[chosen, number], "")
        return np.asarray(text, dtype=object)


def captions(
    latlon: npt.ArrayLike,
    *,
    language: str = "en",
    columns: Mapping[str, Strings] | None = None,
) -> Captions:
    """What can be said of places, and of photos of which only names are known.

    Args:
        latlon: (n, 2) degrees, NaN where unknown.
        language: ``en`` or ``hi``; see :mod:`graticule.atlas.wordings` for the names in it.
        columns: ``country`` (codes), ``region`` and ``city`` (n,), for rows without coordinates.

    Raises:
        GraticuleError: an unknown language, or a latitude outside ±90.
    """
    wording = WORDINGS.get(language)
    if wording is None:
        raise GraticuleError(f"captions in {language!r}: there are {', '.join(WORDINGS)}")
    points = np.atleast_2d(np.asarray(latlon, dtype=np.float64))
    n = len(points)
    place = np.full((n, len(LEVELS)), "", dtype=object)
    extras = np.full((n, len(EXTRAS)), "", dtype=object)
    translated = np.zeros(n, dtype=bool)
    key = np.zeros(n, dtype=np.uint64)
    located = np.flatnonzero(np.isfinite(points).all(axis=1))
    if len(located):
        at = sphere.as_latlon(points[located])
        place[located], translated[located], key[located] = _places(at, wording, language)
        extras[located] = _extras(at, wording)
    if columns is not None:
        rest = np.flatnonzero(~np.isfinite(points).all(axis=1))
        place[rest], translated[rest], key[rest] = _named(rest, columns, wording)
    return Captions(place, extras, translated, key)


def sentence(wording: Wording, town: str, region: str, country: str) -> str:
    """The sentence of a place; each name may be ``""``, and one that is said twice is said once."""
    if not country:
        return wording.sea_near.format(town=town) if town else wording.sea
    if town == country:  # Singapore, Monaco
        town = ""
    if region in {country, town}:
        region = ""
    form = (
        (wording.full if region else wording.no_region)
        if town
        else (wording.no_town if region else wording.country)
    )
    return form.format(town=town, region=region, country=country)


def region_name_in(language: str, code: str, name: str) -> str:
    """What a region is called in a language; ``name`` where the atlas does not know."""
    found = region_table().get(code) if language != "en" else None
    return (found[2] if found else "") or name


def town_name_in(language: str, name: str, country: str) -> str:
    """What the best known town of a name is called; ``name`` where the atlas does not know."""
    if language == "en":
        return name
    table = towns()
    for number in table.by_name.get(fold(name), []):
        if table.country[number] == country:
            return _names(language)[0][number][0]
    return name


def _sentences(wording: Wording, town: str, region: str, country: str) -> tuple[str, str, str]:
    """The sentence at each level."""
    return (
        sentence(wording, town, region, country),
        sentence(wording, "", region, country),
        sentence(wording, "", "", country),
    )


def _places(
    at: npt.NDArray[np.float64], wording: Wording, language: str
) -> tuple[Texts, npt.NDArray[np.bool_], npt.NDArray[np.uint64]]:
    """Sentences, whether their names are in the language, a hash; each place is worded once."""
    country = countries(at)
    town, _ = own_towns(at, country)
    region = region_layer().find(at, country)
    town_names, region_names, land_names = _names(language)
    lands, land = np.unique(country, return_inverse=True)
    numbers = {code: i for i, code in enumerate(country_codes())}
    land_of = [numbers.get(code, -1) for code in lands.tolist()]
    # −1, nowhere, becomes the last of its names.
    key = (town * len(region_names) + region % len(region_names)) * len(lands) + land
    keys, row = np.unique(key, return_inverse=True)
    rest, own_land = np.divmod(keys, len(lands))
    own_town, own_region = np.divmod(rest, len(region_names))
    texts = np.empty((len(keys), len(LEVELS)), dtype=object)
    translated = np.ones(len(keys), dtype=bool)
    for i, (a, b, c) in enumerate(
        zip(own_town.tolist(), own_region.tolist(), own_land.tolist(), strict=True)
    ):
        names = town_names[a], region_names[b], land_names[land_of[c]]
        texts[i] = _sentences(wording, names[0][0], names[1][0], names[2][0])
        translated[i] = names[0][1] and names[1][1] and names[2][1]
    return texts[row], translated[row], _hashes(texts)[row]


def _hashes(texts: Texts) -> npt.NDArray[np.uint64]:
    return np.array([zlib.crc32(text.encode()) for text in texts[:, 0].tolist()], dtype=np.uint64)


def _extras(at: npt.NDArray[np.float64], wording: Wording) -> Texts:
    """The optional sentences, each with a space before it; worded once for each value."""
    found = attributes(at)
    first = np.array([scripts[0] if scripts else "" for scripts in found.scripts], dtype="<U4")
    says: tuple[tuple[Strings, Callable[[Wording, str], str]], ...] = (
        (found.climate, _climate),
        (found.road_side, lambda words, side: words.road_side.get(side, "")),
        (first, _script),
    )
    out = np.empty((len(at), len(EXTRAS)), dtype=object)
    for number, (values, say) in enumerate(says):
        each, row = np.unique(values, return_inverse=True)
        texts = [say(wording, str(value)) if value else "" for value in each]
        out[:, number] = np.array([f" {t}" if t else "" for t in texts], dtype=object)[row]
    return out


def _climate(wording: Wording, zone: str) -> str:
    name = climate_name(zone) if wording.climates is None else wording.climates[zone[0]]
    return wording.climate.format(climate=name)


def _script(wording: Wording, code: str) -> str:
    # A script that the table does not know (a newer atlas) is not guessed at.
    name = wording.scripts.get(code)
    return wording.script.format(script=name) if name else ""


def _named(
    rest: IntArray, columns: Mapping[str, Strings], wording: Wording
) -> tuple[Texts, npt.NDArray[np.bool_], npt.NDArray[np.uint64]]:
    """Sentences from a manifest's own names, where a row has a country."""
    empty = np.full(len(rest), "", dtype=object)
    country, region, city = (
        columns[name][rest].astype(object) if name in columns else empty
        for name in ("country", "region", "city")
    )
    known = set(country_codes())
    texts = np.full((len(rest), len(LEVELS)), "", dtype=object)
    for i, (code, area, town) in enumerate(zip(country, region, city, strict=True)):
        if code:
            land = wording.countries.get(code) or (country_name(code) if code in known else code)
            texts[i] = _sentences(wording, str(town), str(area), land)
    return texts, np.full(len(rest), wording.climates is None), _hashes(texts)


@cache
def _names(language: str) -> tuple[list[tuple[str, bool]], ...]:
    """Names of towns, regions and countries by number, with whether they are translated.

    The last of each is that of none.
    """
    layer, table, wording = region_layer(), towns(), WORDINGS[language]
    codes = country_codes()
    if language == "en":
        told = [*table.name], [*layer.names], [country_name(code) for code in codes]
        return tuple([*((name, True) for name in names), ("", True)] for names in told)
    own = {
        number: next((a for a in aliases if _DEVANAGARI.search(a)), "")
        for number, aliases in table.aliases.items()
    }
    town = [(own.get(i) or name, bool(own.get(i))) for i, name in enumerate(table.name)]
    region = [
        (other or name, bool(other)) for name, other in zip(layer.names, layer.hindi, strict=True)
    ]
    land = [
        (wording.countries.get(code, country_name(code)), code in wording.countries)
        for code in codes
    ]
    return tuple([*names, ("", True)] for names in (town, region, land))


def _uniform(key: npt.NDArray[np.uint64], *numbers: int) -> npt.NDArray[np.float64]:
    """Numbers in [0, 1) that depend on a key and more numbers: SplitMix64 (Steele et al. 2014)."""
    state: Any = key.copy()
    with np.errstate(over="ignore"):
        for number in numbers:
            state = state + np.uint64(number & 0xFFFFFFFF) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return np.asarray((state >> np.uint64(11)) / float(1 << 53))
