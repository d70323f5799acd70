"""Land or sea, and points spread evenly over the land.

Coastlines are Natural Earth's at 1:10 million, to about a kilometre; a town outside them stands on
an island of 1.5 km. Lakes count as land; the Caspian Sea does not.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.atlas import shapes
from graticule.atlas.lookup import ShapeIndex

FloatArray = npt.NDArray[np.float64]


@cache
def land_index() -> ShapeIndex:
    """The land of each country, in the order of the countries' table."""
    return ShapeIndex(shapes.read("land").geometries(), shapes.read_grid("land"))


def is_land(latlon: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether each point is on land, (n,)."""
    return np.asarray(land_index().find(latlon) >= 0)


def sample_land(n: int, rng: np.random.Generator | int | None = None) -> FloatArray:
    """``n`` points spread evenly over the world's land, Antarctica too, (n, 2) degrees.

    Args:
        n: how many.
        rng: a generator, or the seed of one.
    """
    generator = np.random.default_rng(rng)
    kept: list[FloatArray] = []
    while sum(map(len, kept)) < n:
        # Three tenths of the sphere are land; a few more save a round.
        points = _even(4 * n + 16, generator)
        kept.append(points[is_land(points)])
    return np.concatenate([*kept, np.empty((0, 2))])[:n]


def _even(n: int, generator: np.random.Generator) -> Any:
    return sphere.from_unit_vectors(generator.normal(size=(n, 3)))
