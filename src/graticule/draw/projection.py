"""The Equal Earth projection, in which a radius covers the same paper everywhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: Polynomial of the projection: B. Šavrič, T. Patterson, B. Jenny, "The Equal Earth map
#: projection", Int. J. Geographical Information Science 33 (2019), equations 9 and 10.
_A = (1.340264, -0.081106, 0.000893, 0.003796)
_M = np.sqrt(3.0) / 2.0


def equal_earth(lonlat: npt.ArrayLike) -> FloatArray:
    """Project degrees (..., 2), longitude first, to the plane (..., 2): x right, y up.

    The whole Earth spans x ±2.7066 and y ±1.3174. Longitudes beyond ±180 are drawn where they
    would continue, since x is linear in longitude.
    """
    degrees = np.asarray(lonlat, dtype=np.float64)
    theta = np.arcsin(_M * np.sin(np.radians(degrees[..., 1])))
    square = theta * theta
    six = square**3
    slope = _A[0] + 3 * _A[1] * square + six * (7 * _A[2] + 9 * _A[3] * square)
    x = np.radians(degrees[..., 0]) * np.cos(theta) / (_M * slope)
    y = theta * (_A[0] + _A[1] * square + six * (_A[2] + _A[3] * square))
    return np.stack([x, y], axis=-1)


def outline(steps: int = 90) -> FloatArray:
    """The closed edge of the projected Earth, (n, 2)."""
    lat = np.linspace(-90.0, 90.0, steps)
    east = np.stack([np.full(steps, 180.0), lat], axis=1)
    west = np.stack([np.full(steps, -180.0), lat[::-1]], axis=1)
    return equal_earth(np.concatenate([east, west, east[:1]]))


def densify(lonlat: npt.ArrayLike, degrees: float = 2.0) -> FloatArray:
    """Put points on long edges of a line (n, 2), so that they bend as the projection bends."""
    line = np.asarray(lonlat, dtype=np.float64)
    if len(line) < 2:
        return line
    longest = np.abs(np.diff(line, axis=0)).max(axis=1)
    pieces = np.maximum(1, np.ceil(longest / degrees)).astype(int)
    at = np.concatenate([i + np.arange(n) / n for i, n in enumerate(pieces)] + [[len(pieces)]])
    known = np.arange(len(line))
    return np.stack([np.interp(at, known, line[:, axis]) for axis in (0, 1)], axis=1)
