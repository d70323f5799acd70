"""Invented letters: each script has its habit of strokes, none has a real letter."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Ink of a sign and what it is written on; the country's choice is fixed by its position.
PLATES = (
    ((250, 250, 245), (25, 30, 40)),
    ((30, 70, 150), (245, 245, 245)),
    ((20, 110, 60), (245, 245, 235)),
    ((235, 200, 40), (20, 20, 20)),
)


def write_sign(
    draw: Any,
    box: tuple[float, float, float, float],
    script: str,
    plate: int,
    rng: np.random.Generator,
) -> None:
    """Draw a sign of one line of invented letters into ``box`` (x0, y0, x1, y1) in pixels."""
    ground, ink = PLATES[plate % len(PLATES)]
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=ground, outline=ink)
    height = (y1 - y0) * 0.62
    top = y0 + (y1 - y0) * 0.2
    wide = 0.62 if script in {"latin", "greek", "cyrillic", "thai", "ethiopic"} else 0.95
    x = x0 + 3.0
    start = x
    while x + height * wide < x1 - 2:
        _letter(draw, x, top, height, height * wide, script, ink, rng)
        x += height * (wide + 0.18)
    if script == "devanagari":
        draw.line([(start, top), (x, top)], fill=ink, width=2)
    elif script == "arabic":
        draw.line([(start, top + height * 0.75), (x, top + height * 0.75)], fill=ink, width=2)


def _letter(  # noqa: PLR0912 - one habit of strokes a script
    draw: Any,
    x: float,
    y: float,
    h: float,
    w: float,
    script: str,
    ink: tuple[int, int, int],
    rng: np.random.Generator,
) -> None:
    def line(*points: tuple[float, float], width: int = 1) -> None:
        draw.line([(x + a * w, y + b * h) for a, b in points], fill=ink, width=width)

    def arc(a: float, b: float, c: float, d: float, start: int = 0, end: int = 360) -> None:
        draw.arc((x + a * w, y + b * h, x + c * w, y + d * h), start, end, fill=ink)

    kind = int(rng.integers(3))
    if script == "latin":
        line((0, 0), (0, 1))
        if kind == 0:
            arc(-0.1, 0.4, 0.8, 1.0)
        elif kind == 1:
            line((0, 0.1), (0.8, 0.1))
            line((0, 0.5), (0.6, 0.5))
        else:
            line((0, 0.4), (0.7, 0), (0.7, 1))
    elif script == "greek":
        line((0.4, 0), (0, 1), (0.8, 1), (0.4, 0)) if kind else arc(0, 0, 0.8, 1)
        line((0, 0.5), (0.8, 0.5))
    elif script == "cyrillic":
        line((0, 1), (0, 0), (0.75, 0), (0.75, 1))
        line((0, 0.5), (0.75, 0.5)) if kind else line((0, 1), (0.9, 1), (0.9, 1.2))
    elif script == "arabic":
        arc(0, 0.3, 1.1, 1.0, 20, 200)
        for dot in range(kind + 1):
            draw.point((x + (0.3 + 0.25 * dot) * w, y + (0.15 if kind else 1.1) * h), fill=ink)
    elif script == "devanagari":
        line((0.8, 0), (0.8, 1))
        arc(0, 0.15, 0.75, 0.7, 90, 300) if kind else line((0.1, 0.3), (0.8, 0.5))
    elif script == "thai":
        arc(0, 0, 0.35, 0.35)
        line((0.15, 0.35), (0.15, 1), (0.85, 1), (0.85, 0.1))
    elif script == "hangul":
        arc(0, 0, 0.5, 0.5) if kind else line((0, 0), (0.45, 0), (0.45, 0.5))
        line((0.75, 0), (0.75, 0.6))
        line((0, 0.95), (0.8, 0.95))
    elif script == "kana":
        line((0, 0.25), (0.9, 0.25))
        line((0.5, 0), (0.4, 0.6), (0.1, 1))
        arc(0.3, 0.5, 0.95, 1.0, 200, 80)
    elif script == "ethiopic":
        line((0.1, 1), (0.1, 0.3), (0.7, 0.3), (0.7, 1))
        arc(0.2, 0, 0.6, 0.35) if kind else line((0.7, 1), (1.0, 1))
    else:  # han
        for b in (0.1, 0.4, 0.7, 1.0)[: 2 + kind]:
            line((0, b), (0.95, b))
        line((0.25, 0), (0.25, 1))
        line((0.7, 0), (0.7, 1))
        line((0.5, 0.4), (0, 1.1))
