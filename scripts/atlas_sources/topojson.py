"""Read TopoJSON, and cut what its rings draw across the antimeridian."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import shapely.affinity

FloatArray = npt.NDArray[np.float64]


def arcs_of(topology: dict[str, Any]) -> list[FloatArray]:
    """The arcs of a TopoJSON topology in degrees (its specification, section 2.1.3)."""
    scale, translate = (np.array(topology["transform"][k]) for k in ("scale", "translate"))
    return [np.cumsum(np.array(arc), axis=0) * scale + translate for arc in topology["arcs"]]


def arc_lists(geometry: dict[str, Any]) -> list[list[list[int]]]:
    """The arc numbers of every ring of every polygon."""
    if geometry["type"] == "GeometryCollection":
        return [p for g in geometry["geometries"] for p in arc_lists(g)]
    nested = geometry["arcs"]
    return list(nested) if geometry["type"] == "MultiPolygon" else [nested]


def polygons_of(geometry: dict[str, Any], arcs: list[FloatArray]) -> list[list[FloatArray]]:
    """Polygons as lists of rings; negative arc numbers run backwards."""
    polygons = []
    for polygon in arc_lists(geometry):
        rings = []
        for ring in polygon:
            runs = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in ring]
            rings.append(np.concatenate([runs[0], *(run[1:] for run in runs[1:])]))
        polygons.append(rings)
    return polygons


def _unrolled(line: FloatArray) -> FloatArray:
    """Longitudes without jumps: a step of more than half the Earth goes the other way round."""
    return np.stack([np.unwrap(line[:, 0], period=360), line[:, 1]], axis=1)


def cut(polygons: list[list[FloatArray]]) -> Any:
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
