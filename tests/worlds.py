"""Small made-up worlds for tests of cells: square units on a grid, and photos in towns."""

from __future__ import annotations

import numpy as np
import shapely

from graticule import sphere
from graticule.cells.boundaries import Boundaries


def grid(
    rows: int = 3, columns: int = 4, south: float = 10.0, west: float = 70.0, side: float = 1.0
) -> Boundaries:
    """Units ``u00`` … in two countries (west AA, east BB), each row of a country a region."""
    ids, countries, regions, polygons = [], [], [], []
    for row in range(rows):
        for column in range(columns):
            country = "AA" if column < columns / 2 else "BB"
            ids.append(f"u{row}{column}")
            countries.append(country)
            regions.append(f"{country}-{row}")
            x, y = west + column * side, south + row * side
            polygons.append(shapely.box(x, y, x + side, y + side))
    names = tuple(f"Unit {cell}" for cell in ids)
    shapes = np.array(polygons, dtype=object)
    return Boundaries(tuple(ids), names, tuple(countries), tuple(regions), shapes)


def towns(
    centers: list[tuple[float, float]], photos: int, km: float = 3.0, seed: int = 0
) -> np.ndarray:
    """``photos`` about each centre, (n, 2)."""
    rng = np.random.default_rng(seed)
    at = np.repeat(np.array(centers), photos, axis=0)
    return sphere.offset(at, rng.uniform(0, 360, len(at)), np.abs(rng.normal(0, km, len(at))))
