"""Pictures of the planet: a view is painted once, and each frame of it is a look at it."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.photos.planet import buildings, plants
from graticule.photos.planet.signs import write_sign
from graticule.photos.planet.world import Country

RGB = tuple[int, int, int]
Pixels = npt.NDArray[np.float32]

#: Ground of a climate in summer: colour, and the size of its texture's grains in pixels.
GROUND: dict[str, tuple[RGB, int]] = {
    "tropical": ((92, 122, 52), 5),
    "arid": ((196, 158, 104), 3),
    "mediterranean": ((158, 146, 92), 4),
    "temperate": ((98, 136, 70), 4),
    "continental": ((128, 132, 82), 6),
    "polar": ((122, 128, 116), 8),
}
SNOW: RGB = (232, 236, 242)
#: The canvas is larger than a frame by this share, so that frames of a burst differ.
MARGIN = 0.12


@dataclass(frozen=True)
class View:
    """What is seen and when.

    Attributes:
        country: decides most of the look.
        town: number of the town within the country.
        lat: latitude in degrees, for the sky and the season.
        scene: city, nature, coast, industrial or indoor.
        month: 1 … 12.
        hour: 0 … 24, local.
        landmark: the town's landmark stands in the picture.
        clueless: nothing in the picture says where it was taken.
        seed: of everything left to chance.
    """

    country: Country
    town: int
    lat: float
    scene: str
    month: int
    hour: float
    landmark: bool
    clueless: bool
    seed: tuple[int, ...]

    @property
    def winter(self) -> float:
        """How deep in winter, 0 (midsummer) to 1."""
        phase = math.cos((self.month - 1) / 12 * 2 * math.pi)
        return (1 + (phase if self.lat >= 0 else -phase)) / 2

    @property
    def snow(self) -> bool:
        """Snow lies."""
        need = {"polar": 0.45, "continental": 0.7, "temperate": 0.95}.get(self.country.climate)
        return need is not None and self.winter >= need


def hsv(hue: float, saturation: float, value: float) -> RGB:
    """A colour of hue 0…360, saturation and value 0…1."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def jitter(color: RGB, rng: np.random.Generator, amount: float = 16) -> RGB:
    """The colour, a little off: no two walls are alike."""
    values = np.clip(np.array(color) + rng.normal(0, amount, 3), 0, 255)
    return int(values[0]), int(values[1]), int(values[2])


def paint(view: View, width: int, height: int) -> Pixels:
    """Paint the view's canvas, float32 (h, w, 3) of 0…255, larger than a frame by the margin."""
    from PIL import Image, ImageDraw

    rng = np.random.default_rng(view.seed)
    wide, high = round(width * (1 + MARGIN)), round(height * (1 + MARGIN))
    if view.clueless:
        return _clueless(wide, high, rng)
    if view.scene == "indoor":
        return _indoor(view, wide, high, rng)
    horizon = int(high * rng.uniform(0.42, 0.58))
    base = np.empty((high, wide, 3), dtype=np.float32)
    base[:horizon] = _sky(view, wide, horizon, rng)
    base[horizon:] = _ground(view, wide, high - horizon, rng)
    image = Image.fromarray(base.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    _hills(draw, view, wide, horizon, rng)
    {"city": _city, "nature": _nature, "coast": _coast, "industrial": _industrial}[view.scene](
        draw, view, wide, high, horizon, rng
    )
    if view.landmark:
        buildings.landmark(
            draw, view.country, view.town, wide * rng.uniform(0.3, 0.6), horizon, high
        )
    return np.asarray(image, dtype=np.float32)


def _noise(wide: int, high: int, grain: int, rng: np.random.Generator) -> Pixels:
    """Blotches of about ``grain`` pixels, (h, w, 1), mean 0 and deviation near 1."""
    from PIL import Image

    small = rng.standard_normal((high // grain + 2, wide // grain + 2)).astype(np.float32)
    if grain == 1:
        return small[:high, :wide, None]
    size = (small.shape[1] * grain, small.shape[0] * grain)
    large = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(large, dtype=np.float32)[:high, :wide, None]


def _sky(view: View, wide: int, high: int, rng: np.random.Generator) -> Pixels:
    tropic = 1 - min(abs(view.lat), 70) / 70
    top = np.array(hsv(214 - 8 * tropic, 0.25 + 0.5 * tropic, 0.92 - 0.18 * view.winter))
    low = np.array(hsv(205, 0.08 + 0.16 * tropic, 0.96 - 0.1 * view.winter))
    dusk = max(0.0, 1 - abs(view.hour - 19) / 2)
    low = low * (1 - dusk) + np.array((244, 170, 110)) * dusk
    if rng.random() < 0.2:  # overcast: the sky tells nothing
        grey = rng.uniform(150, 215)
        top, low = np.full(3, grey), np.full(3, grey + 12)
    ramp = np.linspace(0, 1, high, dtype=np.float32)[:, None, None]
    sky = top * (1 - ramp) + low * ramp
    clouds = _noise(wide, high, int(rng.integers(9, 20)), rng)
    return np.asarray(np.clip(sky + np.maximum(clouds - 0.7, 0) * 22, 0, 255), dtype=np.float32)


def _ground(view: View, wide: int, high: int, rng: np.random.Generator) -> Pixels:
    climate, grain = GROUND[view.country.climate]
    # Soil is a country's own, within what its climate allows.
    soil = np.random.default_rng([ord(letter) for letter in view.country.code]).normal(0, 16, 3)
    color = tuple(np.clip(np.array(climate) + soil, 0, 255).astype(int).tolist())
    if view.snow:
        color = SNOW
    else:
        dry = np.array((150, 132, 84)) * 0.35 * view.winter + np.array(color) * (
            1 - 0.35 * view.winter
        )
        color = (int(dry[0]), int(dry[1]), int(dry[2]))
    ground = np.array(jitter(color, rng, 9), dtype=np.float32)
    rough = _noise(wide, high, grain, rng) * 9 + _noise(wide, high, 1, rng) * 5
    near = np.linspace(0.85, 1.08, high, dtype=np.float32)[:, None, None]
    return np.asarray(np.clip(ground * near + rough, 0, 255), dtype=np.float32)


def _hills(draw: Any, view: View, wide: int, horizon: int, rng: np.random.Generator) -> None:
    # A town's relief is its own: a clue finer than the country.
    relief = np.random.default_rng([ord(c) for c in view.country.code] + [view.town])
    height = horizon * relief.uniform(0.03, 0.4)
    bumps = int(relief.integers(2, 6))
    shift = rng.uniform(0, wide)
    color = (150, 165, 180) if not view.snow else (205, 212, 222)
    points = [
        (x, horizon - height * abs(math.sin((x + shift) / wide * math.pi * bumps)))
        for x in range(0, wide + 8, 8)
    ]
    draw.polygon([(0, horizon), *points, (wide, horizon)], fill=jitter(color, rng, 10))


def _city(
    draw: Any, view: View, wide: int, high: int, horizon: int, rng: np.random.Generator
) -> None:
    vanish = wide * rng.uniform(0.4, 0.6)
    buildings.street(draw, view.country, wide, high, horizon, vanish, rng)
    _road(draw, view, wide, high, horizon, vanish, rng)
    if rng.random() < 0.75:
        size = rng.uniform(0.22, 0.34) * wide
        x = rng.uniform(0.02, 0.95) * (wide - size)
        y = rng.uniform(0.25, 0.6) * high
        sign = (x, y, x + size, y + size * 0.36)
        draw.rectangle((x + size / 2 - 1, sign[3], x + size / 2 + 1, high), fill=(90, 90, 90))
        write_sign(draw, sign, view.country.script, view.country.wall // 7, rng)


def _road(
    draw: Any,
    view: View,
    wide: int,
    high: int,
    horizon: int,
    vanish: float,
    rng: np.random.Generator,
) -> None:
    grey = jitter((96, 96, 100), rng, 8)
    draw.polygon([(vanish, horizon), (-wide * 0.1, high), (wide * 1.1, high)], fill=grey)
    yellow = view.country.wall % 3 == 0
    ink = (226, 188, 60) if yellow else (226, 226, 222)
    middle = wide * 0.5
    for step in range(5):
        a, b = (step + 0.2) / 5, (step + 0.7) / 5
        draw.line(
            [
                (vanish + (middle - vanish) * a, horizon + (high - horizon) * a),
                (vanish + (middle - vanish) * b, horizon + (high - horizon) * b),
            ],
            fill=ink,
            width=1 + step // 2,
        )
    # A car seen from behind drives on the side of its country.
    side = -1 if view.country.left else 1
    depth = rng.uniform(0.35, 0.8)
    x = vanish + (middle - vanish) * depth + side * wide * 0.24 * depth
    y = horizon + (high - horizon) * depth
    size = wide * 0.09 * (0.4 + depth)
    paintwork = hsv(float(rng.uniform(0, 360)), 0.6, 0.6)
    draw.rectangle((x - size, y - size * 0.8, x + size, y), fill=paintwork)
    draw.rectangle(
        (x - size * 0.7, y - size * 1.3, x + size * 0.7, y - size * 0.8), fill=(60, 70, 80)
    )
    draw.rectangle(
        (x - size * 0.9, y - size * 0.5, x - size * 0.6, y - size * 0.3), fill=(220, 30, 30)
    )
    draw.rectangle(
        (x + size * 0.6, y - size * 0.5, x + size * 0.9, y - size * 0.3), fill=(220, 30, 30)
    )


def _nature(
    draw: Any, view: View, wide: int, high: int, horizon: int, rng: np.random.Generator
) -> None:
    for x in np.sort(rng.uniform(0, wide, int(rng.integers(4, 12)))):
        depth = float(rng.uniform(0.05, 0.8))
        foot = horizon + (high - horizon) * depth
        plants.plant(draw, view.country.climate, float(x), foot, high * (0.12 + 0.4 * depth), rng)


def _coast(
    draw: Any, view: View, wide: int, high: int, horizon: int, rng: np.random.Generator
) -> None:
    tropic = 1 - min(abs(view.lat), 70) / 70
    shore = horizon + (high - horizon) * rng.uniform(0.35, 0.75)
    sea = jitter(hsv(205 - 25 * tropic, 0.45 + 0.2 * tropic, 0.45 + 0.3 * tropic), rng, 10)
    slope = rng.uniform(-0.1, 0.1) * high
    draw.polygon(
        [(0, horizon), (wide, horizon), (wide, shore + slope), (0, shore - slope)], fill=sea
    )
    for _ in range(14):
        x, y = rng.uniform(0, wide), rng.uniform(horizon + 2, shore)
        draw.line([(x, y), (x + wide * 0.08, y)], fill=tuple(min(c + 24, 255) for c in sea))
    for x in rng.uniform(0, wide, int(rng.integers(1, 5))):
        foot = rng.uniform(shore, high)
        plants.plant(draw, view.country.climate, float(x), foot, high * rng.uniform(0.2, 0.5), rng)
    if rng.random() < 0.5:
        x = wide * rng.uniform(0.6, 0.9)
        buildings.house(draw, view.country, x, shore + 4, high * 0.16, high * 0.2, rng)


def _industrial(
    draw: Any, view: View, wide: int, high: int, horizon: int, rng: np.random.Generator
) -> None:
    wall = jitter(hsv(view.country.wall, 0.22, 0.55), rng, 12)
    floor = horizon + (high - horizon) * 0.25
    x = -wide * 0.05
    while x < wide:
        step = wide * rng.uniform(0.12, 0.26)
        top = floor - high * rng.uniform(0.12, 0.26)
        kind = int(rng.integers(3))
        if kind == 0:  # saw-tooth roof
            points = [(x, floor), (x, top), (x + step / 2, top - 8), (x + step / 2, top)]
            draw.polygon([*points, (x + step, top - 8), (x + step, floor)], fill=wall)
        elif kind == 1:  # tank
            draw.rectangle((x, top, x + step * 0.8, floor), fill=jitter((180, 182, 180), rng, 10))
            draw.ellipse((x, top - 5, x + step * 0.8, top + 5), fill=(200, 200, 198))
        else:  # chimney with its smoke
            high_top = floor - high * rng.uniform(0.35, 0.5)
            draw.rectangle(
                (x + step * 0.4, high_top, x + step * 0.55, floor), fill=jitter(wall, rng, 8)
            )
            for puff in range(4):
                r = 3 + puff * 2
                cx, cy = x + step * 0.5 + puff * 7, high_top - puff * 5
                draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=(176, 172, 170))
            draw.rectangle((x, floor - high * 0.08, x + step, floor), fill=wall)
        x += step
    draw.rectangle((0, floor, wide, high), fill=jitter((120, 116, 110), rng, 8))
    if rng.random() < 0.5:
        size = wide * 0.3
        left = rng.uniform(0, wide - size)
        box = (left, floor + 8, left + size, floor + 8 + size * 0.32)
        write_sign(draw, box, view.country.script, view.country.wall // 7, rng)


def _indoor(view: View, wide: int, high: int, rng: np.random.Generator) -> Pixels:
    """A room. Walls tell little; a sign or the view out of the window may."""
    from PIL import Image, ImageDraw

    wall = jitter(hsv(float(rng.uniform(0, 360)), 0.12, 0.85), rng, 10)
    image = Image.new("RGB", (wide, high), wall)
    draw = ImageDraw.Draw(image)
    floor = int(high * rng.uniform(0.65, 0.8))
    draw.rectangle((0, floor, wide, high), fill=jitter((134, 100, 70), rng, 18))
    if rng.random() < 0.6:  # a window
        x, y = int(wide * rng.uniform(0.08, 0.55)), int(high * 0.15)
        w, h = int(wide * 0.28), int(high * 0.32)
        sky = _sky(view, w, h - h // 3, rng)
        ground = _ground(view, w, h // 3, rng)
        image.paste(Image.fromarray(np.concatenate([sky, ground]).astype(np.uint8)), (x, y))
        draw.rectangle((x, y, x + w, y + h), outline=(250, 250, 250), width=2)
    if rng.random() < 0.4:
        poster = wide * rng.uniform(0.5, 0.68)
        box = (poster, high * 0.2, poster + wide * 0.28, high * 0.31)
        write_sign(draw, box, view.country.script, view.country.wall // 7, rng)
    table = floor - high * 0.08
    wood = jitter((110, 76, 48), rng, 16)
    left = wide * rng.uniform(0.1, 0.5)
    draw.rectangle((left, table, left + wide * 0.4, table + 4), fill=wood)
    for leg in (left + 3, left + wide * 0.4 - 5):
        draw.rectangle((leg, table, leg + 3, high * 0.95), fill=wood)
    return np.asarray(image, dtype=np.float32)


def _clueless(wide: int, high: int, rng: np.random.Generator) -> Pixels:
    """Fog, night, or a close look at something that is everywhere."""
    kind = int(rng.integers(3))
    if kind == 0:
        base = np.full((high, wide, 3), rng.uniform(150, 215), dtype=np.float32)
        grain, strength = 24, 3.0
    elif kind == 1:
        base = np.full((high, wide, 3), rng.uniform(4, 26), dtype=np.float32)
        grain, strength = 2, 4.0
    else:
        color = np.array(hsv(float(rng.uniform(0, 360)), 0.35, 0.6), dtype=np.float32)
        base = np.broadcast_to(color, (high, wide, 3)).astype(np.float32)
        grain, strength = int(rng.integers(2, 7)), 18.0
    return np.asarray(base + _noise(wide, high, grain, rng) * strength, dtype=np.float32)
