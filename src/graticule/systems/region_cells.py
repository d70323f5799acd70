"""The cells of a region by a recipe's settings: semantic, administrative units, or S2."""

from __future__ import annotations

import numpy as np

from graticule.cells.adaptive import adaptive
from graticule.cells.boundaries import Boundaries, of_atlas, read_boundaries
from graticule.cells.partition import Partition
from graticule.cells.regions import regions
from graticule.cells.semantic import PRESETS, Settings, semantic
from graticule.cells.semantic.split import Round
from graticule.errors import RecipeError
from graticule.systems.plan import Rows
from graticule.systems.semantic_settings import LEVELS, CellSettings

NAME = "cells"


def region_cells(
    rows: Rows, region: str, boundaries: str, wanted: CellSettings
) -> tuple[Partition, list[str]]:
    """Cells of the training photos of a region, and lines on how they came about.

    Args:
        rows: the manifest.
        region: a country's code, or empty for the world.
        boundaries: ``districts``, ``regions``, ``countries``, or a file.
        wanted: how they are cut.

    Raises:
        RecipeError: no training photo with coordinates lies in the region.
        PartitionError: contradicting sizes, or unreadable boundaries.
    """
    from graticule import atlas

    learned = np.flatnonzero(rows.train & rows.located)
    if region:
        learned = learned[atlas.countries(rows.latlon[learned]) == region]
    if not len(learned):
        raise RecipeError(
            f"{rows.where}: no training photo with coordinates in {region or 'the world'}; "
            "settings.region names the country, lat and lon are needed"
        )
    places = rows.latlon[learned]
    if wanted.kind == "s2":
        return adaptive(places, wanted.max, wanted.min, name=NAME), []
    units = _boundaries(boundaries, region)
    if wanted.kind == "units":
        return regions(places, units, name=NAME), []
    rounds = PRESETS["small"].rounds
    if wanted.rounds is not None:
        rounds = tuple(Round(samples, xi) for samples, xi in wanted.rounds)
    how = Settings(wanted.min, wanted.max, rounds, halve=wanted.halve)
    made, report = semantic(places, units, how, name=NAME)
    return made, report.lines()


def _boundaries(named: str, region: str) -> Boundaries:
    if named in LEVELS:
        return of_atlas(named, region)  # type: ignore[arg-type]
    found = read_boundaries(named)
    return found.within(region) if region else found
