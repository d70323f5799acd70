"""The cells of a region by a recipe's settings: semantic, administrative units, or S2."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from graticule.cells.adaptive import adaptive
from graticule.cells.boundaries import Boundaries, of_atlas, read_boundaries
from graticule.cells.partition import Partition
from graticule.cells.regions import regions
from graticule.cells.semantic import PRESETS, Settings, semantic
from graticule.cells.semantic.split import Round
from graticule.errors import RecipeError
from graticule.systems.plan import Rows

NAME = "cells"
KINDS = ("semantic", "units", "s2")
LEVELS = ("districts", "regions", "countries")


def region_cells(
    rows: Rows, region: str, boundaries: str | None, wanted: Mapping[str, Any] | None
) -> tuple[Partition, list[str]]:
    """Cells of the training photos of a region, and lines on how they came about.

    Args:
        rows: the manifest.
        region: a country's code, or empty for the world.
        boundaries: ``districts`` (the default), ``regions``, ``countries``, or a file.
        wanted: ``kind``; ``min`` and ``max`` photos; ``rounds`` of OPTICS as pairs of min_samples
            and ξ; ``halve``.

    Raises:
        RecipeError: an unknown kind, or no training photo with coordinates lies in the region.
        PartitionError: contradicting sizes, or unreadable boundaries.
    """
    from graticule import atlas

    settings = {"kind": "semantic"} | dict(wanted or {})
    kind = str(settings.pop("kind"))
    if kind not in KINDS:
        raise RecipeError(f"settings.cells.kind {kind!r}: one of {', '.join(KINDS)}")
    learned = np.flatnonzero(rows.train & rows.located)
    if region:
        learned = learned[atlas.countries(rows.latlon[learned]) == region]
    if not len(learned):
        raise RecipeError(
            f"{rows.where}: no training photo with coordinates in {region or 'the world'}; "
            "settings.region names the country, lat and lon are needed"
        )
    places = rows.latlon[learned]
    low, high = int(settings.pop("min", 30)), int(settings.pop("max", 60))
    if kind == "s2":
        return adaptive(places, high, low, name=NAME), []
    units = _boundaries(boundaries or "districts", region)
    if kind == "units":
        return regions(places, units, name=NAME), []
    rounds = settings.pop("rounds", None)
    how = Settings(
        low,
        high,
        PRESETS["small"].rounds
        if rounds is None
        else tuple(Round(int(samples), float(xi)) for samples, xi in rounds),
        halve=bool(settings.pop("halve", False)),
    )
    if settings:
        raise RecipeError(f"settings.cells: unknown key {next(iter(settings))!r}")
    made, report = semantic(places, units, how, name=NAME)
    return made, report.lines()


def _boundaries(named: str, region: str) -> Boundaries:
    if named in LEVELS:
        return of_atlas(named, region)  # type: ignore[arg-type]
    if not Path(named).is_file():
        raise RecipeError(f"settings.boundaries {named!r}: {', '.join(LEVELS)}, or a file")
    found = read_boundaries(named)
    return found.within(region) if region else found
