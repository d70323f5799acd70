"""Places as captions: which countries, regions and towns are asked for, and in what words.

A zero-shot answer is the place whose caption lies nearest to the photo, first among the countries,
then among the places inside each (Haas, Alberti & Skreta 2023, "StreetCLIP").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import atlas
from graticule.atlas.captions import region_name_in, sentence, town_name_in
from graticule.atlas.wordings import WORDINGS, Wording
from graticule.cells.boundaries import of_atlas
from graticule.cells.cities import cities
from graticule.cells.countries import countries
from graticule.cells.partition import Partition
from graticule.cells.regions import regions
from graticule.errors import GraticuleError

#: Which kinds of place can be asked for, coarse before fine.
LEVELS = ("countries", "regions", "cities")
#: The words of :class:`Wording` that a model may have of its own.
WORDS = ("full", "no_region", "no_town", "country")


def wording(settings: Mapping[str, Any]) -> tuple[str, Wording]:
    """The language and the sentences that ``settings["prompts"]`` asks for.

    Args:
        settings: ``language`` (``en``), and any of :data:`WORDS` to say it in other words.

    Raises:
        GraticuleError: an unknown language or key, or a sentence without its place.
    """
    wanted = dict(settings)
    language = str(wanted.pop("language", "en"))
    if language not in WORDINGS:
        raise GraticuleError(f"prompts.language {language!r}: there are {', '.join(WORDINGS)}")
    for key, text in wanted.items():
        if key not in WORDS:
            raise GraticuleError(f"prompts.{key}: of language, {', '.join(WORDS)}")
        needed = "{country}" if key in {"country", "no_town"} else "{town}"
        if needed not in str(text):
            raise GraticuleError(f"prompts.{key}: {text!r} has no {needed}")
    return language, dataclasses.replace(WORDINGS[language], **wanted)


def places(region: str, levels: Sequence[str], towns: int) -> dict[str, Partition]:
    """The partitions that are asked for, each with its parents in the one before it.

    Args:
        region: a country's code; empty: the world.
        levels: of :data:`LEVELS`, coarse before fine.
        towns: the most populous of each cell of the level above.

    Raises:
        GraticuleError: levels in another order, none, or a country that the atlas does not have.
    """
    order = [LEVELS.index(level) for level in levels if level in LEVELS]
    if not order or len(order) < len(levels) or order != sorted(set(order)):
        raise GraticuleError(f"levels {list(levels)}: some of {', '.join(LEVELS)}, in this order")
    known = atlas.country_codes()
    if region and region not in known:
        raise GraticuleError(f"region {region!r}: not a country's code (ISO 3166-1, as IN)")
    chosen = [region] if region else list(known)
    made: dict[str, Partition] = {}
    if "countries" in levels:
        made["countries"] = countries(chosen)
    if "regions" in levels:
        units = of_atlas("regions", region)
        inside = [polygon.representative_point() for polygon in units.polygons]
        points = np.array([[point.y, point.x] for point in inside])
        made["regions"] = regions(points, units, center="polygon")
    if "cities" in levels:
        made["cities"] = _cities(chosen, towns, by_region="regions" in levels)
    return made


def captions(partition: Partition, words: Wording, language: str = "en") -> list[str]:
    """The caption of each cell of countries, regions or cities.

    Raises:
        GraticuleError: cells of another kind, which have no names to say.
    """
    if partition.kind not in LEVELS:
        raise GraticuleError(
            f"{partition.name}: {partition.kind} cells have no names that a caption could say; "
            "zero-shot wants countries, regions or cities"
        )
    if partition.kind == "countries":
        return [sentence(words, "", "", _land(code, words)) for code in partition.ids]
    own = list(partition.parents.get("countries", [cell[:2] for cell in partition.ids]))
    if partition.kind == "regions":
        return [
            sentence(words, "", region_name_in(language, code, name), _land(country, words))
            for code, name, country in zip(partition.ids, partition.names, own, strict=True)
        ]
    codes, areas = atlas.regions(partition.centers, np.array(own))
    return [
        sentence(
            words,
            town_name_in(language, name.partition(" (")[0], country),
            region_name_in(language, str(code), str(area)),
            _land(country, words),
        )
        for name, code, area, country in zip(partition.names, codes, areas, own, strict=True)
    ]


def parents(partition: Partition, coarser: Partition) -> npt.NDArray[np.int64]:
    """The number of each cell's parent, −1 for none; recorded, else by where its centre lies."""
    if coarser.name in partition.parents:
        return partition.parents_in(coarser)
    return coarser.assign(partition.centers)


def _cities(chosen: Sequence[str], most: int, *, by_region: bool) -> Partition:
    """The most populous towns of each country, or of each region."""
    table = atlas.towns()
    order = np.argsort(-table.population, kind="stable")
    order = order[np.isin(table.country[order], list(chosen))]
    where, region = table.country[order].astype("<U16"), np.full(len(order), "", dtype="<U16")
    if by_region:
        region = atlas.regions(table.latlon[order], table.country[order])[0].astype("<U16")
        where = np.where(region == "", where, region)
    # The rank of each town among those of its parent, in the order of population.
    by_parent = np.argsort(where, kind="stable")
    _, first, counts = np.unique(where[by_parent], return_index=True, return_counts=True)
    rank = np.empty(len(order), dtype=np.int64)
    rank[by_parent] = np.arange(len(order)) - np.repeat(first, counts)
    kept = rank < most
    numbers, region = order[kept], region[kept]
    names = table.name
    found: dict[str, tuple[float, float]] = {}
    own_region: list[str] = []
    for number, code in zip(numbers.tolist(), region.tolist(), strict=True):
        name, land = names[number], str(table.country[number])
        key = f"{land}:{name}"
        if key in found:
            key = f"{land}:{name} ({code or number})"
        if key not in found:
            found[key] = (float(table.latlon[number, 0]), float(table.latlon[number, 1]))
            own_region.append(code)
    made = cities(found)
    parents = dict(made.parents) | ({"regions": tuple(own_region)} if by_region else {})
    return dataclasses.replace(made, parents=parents)


def _land(code: str, words: Wording) -> str:
    own = words.countries.get(code)
    return own or (atlas.country_name(code) if code in atlas.country_codes() else code)
