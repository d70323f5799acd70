"""Coastlines and border lines for maps: npm ``world-atlas`` (Natural Earth, public domain; ISC)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import shapely.affinity

from atlas_sources.packages import unpacked
from graticule.atlas.shapes import from_lines, write

FloatArray = npt.NDArray[np.float64]

#: 1e-3° is about 100 m: finer than a 1:50 million map can show.
STEP = 1e-3


def build(work: Path, data: Path) -> None:
    """Write ``land-110m``, ``land-50m`` (closed rings) and ``borders-…`` (open lines)."""
    folder = unpacked("world-atlas", work)
    for scale in ("110m", "50m"):
        topology = json.loads((folder / f"countries-{scale}.json").read_text())
        arcs = _arcs(topology)
        land = _cut(_polygons_of(topology["objects"]["land"], arcs))
        rings = [
            shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(land))
        ]
        write(data / f"land-{scale}.npz", from_lines(rings), STEP)
        lines = [run for line in _shared(topology, arcs) for run in _split(line)]
        write(data / f"borders-{scale}.npz", from_lines(lines), STEP)


def _arcs(topology: dict[str, Any]) -> list[FloatArray]:
    """The arcs of a TopoJSON topology in degrees (its specification, section 2.1.3)."""
    scale, translate = (np.array(topology["transform"][k]) for k in ("scale", "translate"))
    return [np.cumsum(np.array(arc), axis=0) * scale + translate for arc in topology["arcs"]]


def _polygons(geometry: dict[str, Any]) -> list[list[list[int]]]:
    if geometry["type"] == "GeometryCollection":
        return [p for g in geometry["geometries"] for p in _polygons(g)]
    nested = geometry["arcs"]
    return list(nested) if geometry["type"] == "MultiPolygon" else [nested]


def _polygons_of(geometry: dict[str, Any], arcs: list[FloatArray]) -> list[list[FloatArray]]:
    """Polygons as lists of rings; negative arc numbers run backwards."""
    polygons = []
    for polygon in _polygons(geometry):
        rings = []
        for ring in polygon:
            runs = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in ring]
            rings.append(np.concatenate([runs[0], *(run[1:] for run in runs[1:])]))
        polygons.append(rings)
    return polygons


def _unrolled(line: FloatArray) -> FloatArray:
    """Longitudes without jumps: a step of more than half the Earth goes the other way round."""
    return np.stack([np.unwrap(line[:, 0], period=360), line[:, 1]], axis=1)


def _cut(polygons: list[list[FloatArray]]) -> Any:
    """Plane polygons within ±180°, cut at the antimeridian that the source's rings run across."""
    pieces = []
    for rings in polygons:
        shell, *holes = (_unrolled(ring) for ring in rings)
        if abs(shell[-1, 0] - shell[0, 0]) > 180:  # around a pole: close it along the map's edge
            pole = np.sign(shell[0, 1]) * 90
            shell = np.concatenate([shell, [[shell[-1, 0], pole], [shell[0, 0], pole]]])
        whole = shapely.make_valid(shapely.Polygon(shell, holes))
        for turn in (-360, 0, 360):
            moved = shapely.affinity.translate(whole, turn)
            pieces.append(shapely.intersection(moved, shapely.box(-180, -90, 180, 90)))
    polygon = [p for p in shapely.get_parts(pieces) if p.geom_type == "Polygon" and p.area > 0]
    return shapely.make_valid(shapely.multipolygons(polygon))


def _split(line: FloatArray) -> list[FloatArray]:
    """A line without its steps across the antimeridian."""
    jumps = np.flatnonzero(np.abs(np.diff(line[:, 0])) > 180) + 1
    return [run for run in np.split(line, jumps) if len(run) > 1]


def _shared(topology: dict[str, Any], arcs: list[FloatArray]) -> list[FloatArray]:
    """Arcs that two countries share: their borders, each once."""
    users: dict[int, set[int]] = {}
    for number, country in enumerate(topology["objects"]["countries"]["geometries"]):
        if country.get("type"):
            for arc in (a for polygon in _polygons(country) for ring in polygon for a in ring):
                users.setdefault(max(arc, ~arc), set()).add(number)
    return [arcs[arc] for arc, by in sorted(users.items()) if len(by) > 1]
