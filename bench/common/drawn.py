"""Pictures that the audit is asked about, drawn: stamped frames, cards, pages, diagrams."""

from __future__ import annotations

import io
import random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Picture = Image.Image

_CAPTIONS = (
    "Market day in Kathmandu",
    "Sunset over Lake Bled, Slovenia",
    "Rue de Rivoli, Paris 2011",
    "photo: J. Smith, Cape Town",
)
_WORDS = ("the", "of", "and", "to", "in", "a", "was", "for", "on", "with", "there", "when", "other",
          "from", "had", "by", "but", "what", "some", "could", "morning", "harbour")  # fmt: skip
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)
#: How far the letters of a stamp are at least from their ground in one colour, of 255.
_LEGIBLE = 40


def jpeg(image: Picture, quality: int = 85) -> Picture:
    """A picture as it comes back from a JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def card(rng: random.Random) -> Picture:
    """A "photo unavailable": grey words on an even ground."""
    ground = rng.choice([255, 245, 238, 221, 128, 51, 20, 0])
    ink = max(0, min(255, ground + (-1 if ground > 127 else 1) * rng.randint(60, 200)))
    size = (rng.randint(240, 640), rng.randint(180, 480))
    image = Image.new("RGB", size, (ground,) * 3)
    words = rng.choice(
        ["This photo is no longer available", "photo\nunavailable", "Image not found"]
    )
    font = ImageFont.load_default(rng.randint(12, max(13, size[0] // 22)))
    ImageDraw.Draw(image).multiline_text(
        (size[0] / 2, size[1] / 2), words, fill=(ink,) * 3, font=font, anchor="mm", align="center"
    )
    return image


def coordinates(frame: Picture, rng: random.Random, *, dark: bool = False) -> Picture:
    """A frame with place and date stamped at its edge, in white or yellow, or in black."""
    lat, lon = rng.uniform(-60, 70), rng.uniform(-180, 180)
    words = rng.choice(
        [f"N{lat:.4f} E{lon:.4f} {_date(rng)} 12:30", f"{_date(rng)} {lat:.5f},{lon:.5f} 54 KM/H"]
    )
    size = rng.choice([12, 14, 16, 20, 24])
    if dark:
        return _stamped(frame, words, (20, 20, 20), size, rng, rng.choice([0, 1]), _WHITE)
    fill = rng.choice([_WHITE, (255, 255, 0), (230, 230, 230)])
    return _stamped(frame, words, fill, size, rng, rng.choice([0, 1, 2]), _BLACK)


def bar(frame: Picture, rng: random.Random) -> Picture:
    """A frame with place and date in white on a black bar, as dash cameras have them."""
    made = frame.convert("RGB")
    pen, top = ImageDraw.Draw(made), frame.height - 28
    pen.rectangle((0, top, frame.width, frame.height), fill=_BLACK)
    words = f"{_date(rng)} 12:31:08  N{rng.uniform(0, 70):.5f} E{rng.uniform(0, 180):.5f}"
    pen.text((12, top + 4), words, fill=_WHITE, font=ImageFont.load_default(16))
    return made


def caption(frame: Picture, rng: random.Random, *, dark: bool = False) -> Picture:
    """A frame with words in small letters at its edge."""
    size = rng.choice([16, 20, 24])
    fill, edge = ((20, 20, 20), _WHITE) if dark else (_WHITE, _BLACK)
    return _stamped(frame, rng.choice(_CAPTIONS), fill, size, rng, rng.choice([0, 1]), edge)


def camera_date(frame: Picture, rng: random.Random) -> Picture:
    """A frame with the orange date of a compact camera."""
    fill = rng.choice([(255, 140, 0), (255, 120, 20), (250, 100, 10)])
    return _stamped(frame, _date(rng), fill, rng.choice([16, 20, 24]), rng)


def page(rng: random.Random) -> Picture:
    """A scanned page of text: a little turned, unevenly lit, with grain, as a JPEG."""
    width, height = rng.choice([(827, 1169), (620, 877), (700, 500), (480, 640)])
    paper = rng.choice([(252, 252, 250), (244, 238, 224), (228, 222, 205), (215, 208, 190)])
    ink = rng.choice([(20, 20, 20), (50, 45, 40), (70, 70, 80)])
    image = Image.new("RGB", (width, height), paper)
    pen, size = ImageDraw.Draw(image), max(9, round(width / rng.choice([38, 48, 58])))
    font = ImageFont.load_default(size)
    y, end = round(height * 0.08), height * rng.choice([0.92, 0.7])
    while y < end:
        line = ""
        while pen.textlength(line, font=font) < width * 0.74:
            line += rng.choice(_WORDS) + " "
        pen.text((round(width * 0.1), y), line, fill=ink, font=font)
        y += round(size * (1.4 if rng.random() < 0.9 else 2.4))
    turned = image.rotate(
        rng.uniform(-1.2, 1.2), fillcolor=paper, resample=Image.Resampling.BICUBIC
    )
    light = np.linspace(-1, 1, width)[None, :, None] * rng.choice([0, 4, 10, 18])
    return jpeg(_grained(np.asarray(turned) + light, rng, [1, 2, 4, 6]), rng.choice([60, 75, 92]))


def diagram(rng: random.Random) -> Picture:
    """A drawing: lines and shapes, some filled, on white, sometimes scanned."""
    width, height = rng.choice([(640, 480), (500, 700), (800, 600)])
    image = Image.new("RGB", (width, height), rng.choice([_WHITE, (250, 248, 240)]))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.randint(8, 20)):
        x, y, side = rng.randint(0, width), rng.randint(0, height), rng.randint(20, 140)
        ink = rng.choice([(30, 30, 30), (200, 40, 40), (30, 60, 180)])
        inside = ink if rng.random() < 0.15 else None
        shape = rng.choice([pen.rectangle, pen.ellipse, None])
        if shape is None:
            pen.line((x, y, x + rng.randint(-side, side), y + side), fill=ink, width=2)
        else:
            shape((x, y, x + side, y + side), outline=ink, fill=inside, width=2)
    return jpeg(_grained(np.asarray(image), rng, [0, 1, 3]), rng.choice([75, 85, 92]))


def _date(rng: random.Random) -> str:
    return f"20{rng.randint(12, 23)}/{rng.randint(1, 12):02}/{rng.randint(1, 28):02}"


def _grained(pixels: Any, rng: random.Random, strengths: list[int]) -> Picture:
    noise = np.random.default_rng(rng.randrange(1 << 30))
    grain = noise.normal(0, rng.choice(strengths), (*pixels.shape[:2], 1))
    return Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))


def _stamped(
    frame: Picture,
    words: str,
    fill: tuple[int, int, int],
    size: int,
    rng: random.Random,
    stroke: int = 0,
    edge: tuple[int, int, int] = _BLACK,
) -> Picture:
    made = frame.convert("RGB")
    place = (rng.randint(4, 60), rng.choice([4, made.height - 8 - size]))
    pen, font = ImageDraw.Draw(made), ImageFont.load_default(size)
    left, top, right, bottom = (round(side) for side in pen.textbbox(place, words, font=font))
    ground = np.asarray(made)[top:bottom, left:right].mean(axis=(0, 1))
    if np.abs(ground - fill).max() < _LEGIBLE:
        # Nobody could read black on black: letters of their ground's own colour have an edge.
        stroke = max(stroke, 1)
    pen.text(place, words, fill=fill, font=font, stroke_width=stroke, stroke_fill=edge)
    return made
