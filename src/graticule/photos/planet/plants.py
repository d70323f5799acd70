"""Plants of the planet, by climate."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def plant(
    draw: Any, climate: str, x: float, foot: float, height: float, rng: np.random.Generator
) -> None:
    """One plant with its foot at (x, foot) in pixels."""
    height *= float(rng.uniform(0.7, 1.2))
    shade = int(rng.integers(-18, 18))
    trunk = (98 + shade, 72 + shade // 2, 48)
    # Now and then a plant from elsewhere: parks and gardens mislead here as on Earth.
    kinds = ["tropical", "arid", "mediterranean", "temperate", "continental", "polar"]
    kind = kinds[int(rng.integers(6))] if rng.random() < 0.15 else climate
    if kind == "tropical":
        _palm(draw, x, foot, height, (36, 110 + shade, 50), trunk)
    elif kind == "arid":
        _cactus(draw, x, foot, height * 0.7, (84 + shade, 124, 70))
    elif kind in {"temperate", "mediterranean"}:
        green = (66 + shade, 118 + shade, 52) if kind == "temperate" else (112, 122 + shade, 70)
        flat = 1.0 if kind == "temperate" else 0.55
        draw.line([(x, foot), (x, foot - height * 0.5)], fill=trunk, width=3)
        r = height * 0.3
        top = foot - height * 0.7
        draw.ellipse((x - r, top - r * flat, x + r, top + r * flat), fill=green)
    else:
        dark = (38 + shade // 2, 78 + shade, 58) if kind == "continental" else (70, 84 + shade, 84)
        draw.line([(x, foot), (x, foot - height * 0.3)], fill=trunk, width=2)
        for tier in range(3):
            y, w = foot - height * (0.2 + 0.25 * tier), height * (0.24 - 0.06 * tier)
            draw.polygon([(x - w, y), (x, y - height * 0.38), (x + w, y)], fill=dark)


def _palm(
    draw: Any,
    x: float,
    foot: float,
    height: float,
    leaf: tuple[int, int, int],
    trunk: tuple[int, int, int],
) -> None:
    top = foot - height
    draw.line([(x, foot), (x + 3, top)], fill=trunk, width=2)
    for angle in range(0, 360, 45):
        a = math.radians(angle)
        tip = (x + 3 + math.cos(a) * height * 0.35, top + math.sin(a) * height * 0.2 + 3)
        draw.line([(x + 3, top), tip], fill=leaf, width=2)


def _cactus(draw: Any, x: float, foot: float, height: float, color: tuple[int, int, int]) -> None:
    w = max(2, int(height * 0.16))
    draw.line([(x, foot), (x, foot - height)], fill=color, width=w)
    for side, level in ((-1, 0.45), (1, 0.6)):
        elbow = x + side * height * 0.28
        y = foot - height * level
        draw.line([(x, y), (elbow, y), (elbow, y - height * 0.3)], fill=color, width=max(2, w - 1))
