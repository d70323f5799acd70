"""Make shapes valid and keep what has an area."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely


def polygonal(shapes: Iterable[Any]) -> np.ndarray:
    """One valid MultiPolygon a shape, without the points and lines that mending leaves."""
    made = []
    for shape in shapely.make_valid(np.asarray(shapes, dtype=object)):
        parts = shapely.get_parts(shapely.get_parts(shape))
        kept = [p for p in parts if p.geom_type == "Polygon" and p.area > 0]
        made.append(shapely.MultiPolygon(kept))
    return np.array(made, dtype=object)


def on_grid(shapes: Iterable[Any], step: float) -> np.ndarray:
    """Shapes whose points are multiples of ``step`` and that are valid there.

    Rounding alone can make a thin part cross itself; a shape too small for the grid stays as it is.
    """
    rough = np.asarray(shapes, dtype=object)
    snapped = polygonal(shapely.set_precision(rough, step))
    return np.where(shapely.is_empty(snapped), rough, snapped)
