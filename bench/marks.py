"""How often "photo unavailable" cards and burned-in coordinates are seen, and how often imagined.

    python bench/marks.py [--photos ../shared/photos]

Writes results/marks.json and results/marks.md. Seen: cards and stamped frames drawn here, of sizes,
grounds and places drawn at random. Imagined: real photos; the thresholds were set before any of
them was looked at, and not changed after. A real photo may have text at its edge, so what is called
imagined is an upper bound.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from graticule.files import atomic, write_json
from graticule.photos.sources import marks

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
DRAWN = 500
REAL = 3000


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=ROOT.parent / "shared" / "photos")
    folder = parser.parse_args().photos
    rng = random.Random(2026)
    cards = sum(marks.looks_unavailable(_jpeg(_card(rng))) for _ in range(DRAWN))
    stamped = sum(marks.has_burned_in_text(_jpeg(_stamped(rng))) for _ in range(DRAWN))
    bare = sum(marks.has_burned_in_text(_jpeg(_ground(rng))) for _ in range(DRAWN))
    result: dict[str, Any] = {
        "drawn": {
            "pictures_each": DRAWN,
            "cards_seen": cards,
            "stamped_frames_seen": stamped,
            "stamps_imagined_on_bare_frames": bare,
        }
    }
    if (folder / "manifest.csv").is_file():
        result["real_photos"] = _real(folder, rng)
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / "marks.json", result)
    with atomic(RESULTS / "marks.md") as handle:
        handle.write(_table(result))


def _real(folder: Path, rng: random.Random) -> dict[str, int]:
    with (folder / "manifest.csv").open(encoding="utf-8") as handle:
        paths = [row["path"] for row in csv.DictReader(handle)]
    chosen = rng.sample(paths, min(REAL, len(paths)))
    found = {"photos": len(chosen), "called_a_card": 0, "called_burned_in": 0}
    for path in chosen:
        with Image.open(folder / path) as image:
            found["called_a_card"] += marks.looks_unavailable(image)
            found["called_burned_in"] += marks.has_burned_in_text(image)
    return found


def _jpeg(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return Image.open(buffer)


def _card(rng: random.Random) -> Image.Image:
    ground = rng.choice([255, 245, 238, 221, 128, 51, 20, 0])
    ink = max(0, min(255, ground + (-1 if ground > 127 else 1) * rng.randint(60, 200)))
    size = (rng.randint(240, 640), rng.randint(180, 480))
    image = Image.new("RGB", size, (ground,) * 3)
    words = rng.choice(
        ["This photo is no longer available", "photo\nunavailable", "Image not found"]
    )
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(rng.randint(12, max(13, size[0] // 22)))
    draw.multiline_text(
        (size[0] / 2, size[1] / 2), words, fill=(ink,) * 3, font=font, anchor="mm", align="center"
    )
    return image


def _ground(rng: random.Random) -> Image.Image:
    """Cloudy colours at three scales, with the grain of a camera."""
    noise = np.random.default_rng(rng.randrange(1 << 30))
    frame = np.zeros((480, 640, 3))
    for cells, strength in ((4, 90.0), (16, 40.0), (60, 20.0)):
        small = noise.random((cells * 3 // 4, cells, 3)) * 255
        layer = Image.fromarray(small.astype(np.uint8)).resize((640, 480), Image.Resampling.BICUBIC)
        frame += (np.asarray(layer) / 255.0 - 0.5) * strength
    frame += noise.normal(0, 6, frame.shape) + rng.randint(60, 200)
    return Image.fromarray(frame.clip(0, 255).astype(np.uint8))


def _stamped(rng: random.Random) -> Image.Image:
    frame = _ground(rng)
    lat, lon = rng.uniform(-60, 70), rng.uniform(-180, 180)
    date = f"20{rng.randint(12, 23)}/{rng.randint(1, 12):02}/{rng.randint(1, 28):02}"
    words = rng.choice(
        [f"N{lat:.4f} E{lon:.4f} {date} 12:30:01", f"{date} {lat:.5f},{lon:.5f} 54 KM/H"]
    )
    size = rng.choice([12, 14, 16, 20, 24])
    place = (rng.randint(4, 60), rng.choice([4, 472 - size]))
    ImageDraw.Draw(frame).text(
        place,
        words,
        fill=rng.choice([(255, 255, 255), (255, 255, 0), (230, 230, 230)]),
        font=ImageFont.load_default(size),
        stroke_width=rng.choice([0, 1, 2]),
        stroke_fill=(0, 0, 0),
    )
    return frame


def _table(result: dict[str, Any]) -> str:
    drawn = result["drawn"]
    n = drawn["pictures_each"]
    lines = [
        "# Cards and burned-in text",
        "",
        "| pictures | seen |",
        "|---|---|",
        f'| {n} "photo unavailable" cards, drawn | {drawn["cards_seen"] / n:.1%} |',
        f"| {n} frames with coordinates stamped, drawn | {drawn['stamped_frames_seen'] / n:.1%} |",
        f"| {n} frames without, drawn | {drawn['stamps_imagined_on_bare_frames'] / n:.1%} |",
    ]
    real = result.get("real_photos")
    if real:
        m = real["photos"]
        lines += [
            f"| {m:,} real photos, called cards | {real['called_a_card'] / m:.2%} |",
            f"| {m:,} real photos, called burned-in | {real['called_burned_in'] / m:.2%} |",
        ]
    lines += [
        "",
        "Written by `python bench/marks.py`. No real card or dash-camera frame was at hand.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
