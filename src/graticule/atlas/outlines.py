"""Coastlines and border lines to draw maps with, offline (Natural Earth, public domain)."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from graticule.atlas import shapes

Scale = Literal["110m", "50m"]


@cache
def outlines(scale: Scale = "110m") -> list[npt.NDArray[np.float64]]:
    """The rings of the world's land, each (n, 2) lon/lat in degrees, closed.

    Fill them with the even-odd rule: a lake is a ring inside a ring. Rings are cut at the
    antimeridian, so no edge crosses the map.

    Args:
        scale: ``"110m"`` (1:110 million, 20 kB of data) or ``"50m"`` (150 kB).
    """
    return shapes.read(f"land-{scale}").rings()


@cache
def border_lines(scale: Scale = "110m") -> list[npt.NDArray[np.float64]]:
    """The borders between countries on land, each once, as lines (n, 2) lon/lat."""
    return shapes.read(f"borders-{scale}").rings()
