"""Land as polygons: what a border that reaches into the sea has on land."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import atlas


@cache
def _land() -> tuple[npt.NDArray[Any], Any]:
    """The land of the 1:50 million outlines, lakes left in, and a tree over it."""
    import shapely

    polygons = shapely.polygons([shapely.linearrings(ring) for ring in atlas.outlines("50m")])
    inner, outer = shapely.STRtree(polygons).query(polygons, predicate="within")
    lakes = np.isin(np.arange(len(polygons)), inner[inner != outer])
    # A quantised coast can touch itself; overlays need it clean.
    land = shapely.make_valid(polygons[~lakes])
    return land, shapely.STRtree(land)


def on_land(polygons: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The part of each lon/lat shape that is land, object (n,); empty for an atoll too small."""
    import shapely

    land, tree = _land()
    found = np.empty(len(polygons), dtype=object)
    for i, polygon in enumerate(polygons):
        near = tree.query(polygon, predicate="intersects")
        found[i] = shapely.union_all(shapely.intersection(land[near], polygon))
    return found
