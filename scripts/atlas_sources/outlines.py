"""Coastlines and border lines for maps: npm ``world-atlas`` (Natural Earth, public domain; ISC)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from atlas_sources.packages import unpacked
from atlas_sources.topojson import arc_lists, arcs_of, cut, polygons_of
from graticule.atlas.shapes import from_lines, write

FloatArray = npt.NDArray[np.float64]

#: 1e-3° is about 100 m: finer than a 1:50 million map can show.
STEP = 1e-3


def build(work: Path, data: Path) -> None:
    """Write ``land-110m``, ``land-50m`` (closed rings) and ``borders-…`` (open lines)."""
    folder = unpacked("world-atlas", work)
    for scale in ("110m", "50m"):
        topology = json.loads((folder / f"countries-{scale}.json").read_text())
        arcs = arcs_of(topology)
        land = cut(polygons_of(topology["objects"]["land"], arcs))
        rings = [
            shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(land))
        ]
        write(data / f"land-{scale}.npz", from_lines(rings), STEP)
        lines = [run for line in _shared(topology, arcs) for run in _split(line)]
        write(data / f"borders-{scale}.npz", from_lines(lines), STEP)


def _split(line: FloatArray) -> list[FloatArray]:
    """A line without its steps across the antimeridian."""
    jumps = np.flatnonzero(np.abs(np.diff(line[:, 0])) > 180) + 1
    return [run for run in np.split(line, jumps) if len(run) > 1]


def _shared(topology: dict[str, Any], arcs: list[FloatArray]) -> list[FloatArray]:
    """Arcs that two countries share: their borders, each once."""
    users: dict[int, set[int]] = {}
    for number, country in enumerate(topology["objects"]["countries"]["geometries"]):
        if country.get("type"):
            for arc in (a for polygon in arc_lists(country) for ring in polygon for a in ring):
                users.setdefault(max(arc, ~arc), set()).add(number)
    return [arcs[arc] for arc, by in sorted(users.items()) if len(by) > 1]
