"""Houses, streets and landmarks of the planet: shapes by region, walls by country."""

from __future__ import annotations

import colorsys
import math
from typing import Any

import numpy as np

from graticule.photos.planet.world import Country

Color = tuple[int, int, int]


def _wall(country: Country, rng: np.random.Generator) -> Color:
    # Hues wander by about the step between neighbours, so that one wall proves nothing.
    hue = (country.wall + rng.normal(0, 12)) % 360 / 360
    rgb = colorsys.hsv_to_rgb(hue, float(rng.uniform(0.15, 0.45)), float(rng.uniform(0.55, 0.9)))
    return round(rgb[0] * 255), round(rgb[1] * 255), round(rgb[2] * 255)


def _darker(color: Color, share: float) -> Color:
    return int(color[0] * share), int(color[1] * share), int(color[2] * share)


def street(
    draw: Any,
    country: Country,
    wide: int,
    high: int,
    horizon: int,
    vanish: float,
    rng: np.random.Generator,
) -> None:
    """Two rows of houses that shrink towards the vanishing point."""
    for side in (-1, 1):
        depth = 0.12
        while depth < 1.15:
            x = vanish + side * (wide * 0.62) * depth
            foot = horizon + (high - horizon) * depth * 0.75
            size = high * (0.1 + 0.42 * depth)
            house(draw, country, x, foot, size * rng.uniform(0.7, 1.0), size, rng)
            depth += rng.uniform(0.16, 0.3)


def house(
    draw: Any,
    country: Country,
    x: float,
    foot: float,
    width: float,
    height: float,
    rng: np.random.Generator,
) -> None:
    """One house with its foot's middle at (x, foot), in the shape of its country."""
    wall = _wall(country, rng)
    left, right = x - width / 2, x + width / 2
    shape = country.house
    if shape == "tower":
        height *= rng.uniform(1.1, 2.0)
    elif shape == "block":
        height *= rng.uniform(1.0, 1.3)
    elif shape in {"hut", "flat"}:
        height *= rng.uniform(0.5, 0.75)
    top = foot - height
    draw.rectangle((left, top, right, foot), fill=wall, outline=_darker(wall, 0.7))
    _windows(draw, shape, left, top, right, foot, _darker(wall, 0.45))
    _roof(draw, shape, left, top, right, width, _darker(wall, 0.6), rng)


def _windows(
    draw: Any, shape: str, left: float, top: float, right: float, foot: float, dark: Color
) -> None:
    columns, rows = {"tower": (4, 8), "block": (4, 5), "hut": (1, 1)}.get(shape, (2, 3))
    wide, high = (right - left) / columns, (foot - top) / rows
    if min(wide, high) < 3:
        return
    for i in range(columns):
        for j in range(rows):
            x, y = left + (i + 0.28) * wide, top + (j + 0.25) * high
            box = (x, y, x + wide * 0.44, y + high * 0.5)
            if shape == "dome":
                draw.ellipse(box, fill=dark)
            else:
                draw.rectangle(box, fill=dark)


def _roof(
    draw: Any,
    shape: str,
    left: float,
    top: float,
    right: float,
    width: float,
    color: Color,
    rng: np.random.Generator,
) -> None:
    middle = (left + right) / 2
    if shape == "gable":
        draw.polygon([(left - 2, top), (middle, top - width * 0.5), (right + 2, top)], fill=color)
    elif shape == "row":
        for part in range(3):
            step = width / 3
            a = left + part * step
            draw.polygon([(a, top), (a + step / 2, top - step * 0.6), (a + step, top)], fill=color)
    elif shape == "dome":
        r = width * 0.35
        draw.pieslice((middle - r, top - r, middle + r, top + r), 180, 360, fill=color)
        draw.line([(middle, top - r), (middle, top - r * 1.6)], fill=color)
    elif shape == "pagoda":
        for tier in range(2):
            y, w = top - tier * width * 0.22, width * (0.72 - 0.22 * tier)
            corners = [(middle - w, y), (middle - w * 0.6, y - width * 0.2)]
            corners += [(middle + w * 0.6, y - width * 0.2), (middle + w, y)]
            draw.polygon(corners, fill=color)
    elif shape == "hut":
        peak = [(left - width * 0.2, top), (middle, top - width * 0.7), (right + width * 0.2, top)]
        draw.polygon(peak, fill=(150, 120, 70))
    elif shape == "tower" and rng.random() < 0.5:
        draw.line([(middle, top), (middle, top - width * 0.5)], fill=color)


def landmark(draw: Any, country: Country, town: int, x: float, horizon: float, high: float) -> None:
    """The one building that a town has and no other: a stack of shapes fixed by its name."""
    rng = np.random.default_rng([ord(letter) for letter in country.code] + [97, town])
    hue = float(rng.uniform(0, 1))
    foot = horizon + high * 0.1
    width = high * rng.uniform(0.16, 0.3)
    for level in range(int(rng.integers(3, 6))):
        rgb = colorsys.hsv_to_rgb((hue + 0.13 * level) % 1, 0.6, 0.75)
        color = (round(rgb[0] * 255), round(rgb[1] * 255), round(rgb[2] * 255))
        tall = high * rng.uniform(0.08, 0.16)
        box = (x - width / 2, foot - tall, x + width / 2, foot)
        shape = int(rng.integers(4))
        if shape == 0:
            draw.rectangle(box, fill=color, outline=(40, 40, 40))
        elif shape == 1:
            draw.ellipse(box, fill=color, outline=(40, 40, 40))
        elif shape == 2:
            draw.polygon([(box[0], foot), (x, foot - tall), (box[2], foot)], fill=color)
        else:
            draw.regular_polygon((x, foot - tall / 2, min(width, tall) / 2), 6, fill=color)
        foot -= tall * 0.92
        width *= rng.uniform(0.6, 0.95)
    draw.line([(x, foot), (x, foot - high * 0.06 * math.sqrt(2))], fill=(40, 40, 40))
