"""How often cards, burned-in text and pages are seen, and how often imagined.

    python bench/marks.py [--photos ../shared/photos]

Writes results/marks.json and results/marks.md. Seen: cards, stamped frames and pages drawn here, of
sizes, grounds and places drawn at random. Imagined: some of every second real photo; the thresholds
were set on the others. A real photo may have text at its edge or be of a page, so what is called
imagined is an upper bound.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from common import drawn
from graticule.files import atomic, write_json
from graticule.photos.nature import looks_like_page
from graticule.photos.sources import marks
from graticule.photos.sources.lettering import has_burned_in_text

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
DRAWN = 500
REAL = 3000

Check = Callable[[Image.Image], bool]
Make = Callable[[random.Random], Image.Image]


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=ROOT.parent / "shared" / "photos")
    folder = parser.parse_args().photos
    rng = random.Random(2026)
    result: dict[str, Any] = {"pictures_each": DRAWN, "drawn": {}}
    for name, (make, check) in KINDS.items():
        seen = sum(check(drawn.jpeg(make(rng)).convert("RGB")) for _ in range(DRAWN))
        result["drawn"][name] = seen
    if (folder / "manifest.csv").is_file():
        result["real_photos"] = _real(folder, rng)
    RESULTS.mkdir(exist_ok=True)
    write_json(RESULTS / "marks.json", result)
    with atomic(RESULTS / "marks.md") as handle:
        handle.write(_table(result))


def _real(folder: Path, rng: random.Random) -> dict[str, int]:
    with (folder / "manifest.csv").open(encoding="utf-8") as handle:
        paths = [row["path"] for row in csv.DictReader(handle)][::2]
    chosen = rng.sample(paths, min(REAL, len(paths)))
    found = {"photos": len(chosen), "longest_side": 0} | dict.fromkeys(CALLED, 0)
    for path in chosen:
        with Image.open(folder / path) as file:
            image = file.convert("RGB")
        found["longest_side"] = max(found["longest_side"], *image.size)
        for name, check in CALLED.items():
            found[name] += check(image)
    return found


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


#: What is drawn, and the check that is to see it; on bare frames, that is not to.
KINDS: dict[str, tuple[Make, Check]] = {
    '"photo unavailable" cards': (drawn.card, marks.looks_unavailable),
    "frames with bright coordinates": (
        lambda rng: drawn.coordinates(_ground(rng), rng),
        has_burned_in_text,
    ),
    "frames with dark coordinates": (
        lambda rng: drawn.coordinates(_ground(rng), rng, dark=True),
        has_burned_in_text,
    ),
    "frames with a bright caption": (
        lambda rng: drawn.caption(_ground(rng), rng),
        has_burned_in_text,
    ),
    "frames with a dark caption": (
        lambda rng: drawn.caption(_ground(rng), rng, dark=True),
        has_burned_in_text,
    ),
    "frames with a camera's orange date": (
        lambda rng: drawn.camera_date(_ground(rng), rng),
        has_burned_in_text,
    ),
    "scanned pages": (drawn.page, looks_like_page),
    "diagrams": (drawn.diagram, looks_like_page),
    "bare frames called burned-in": (_ground, has_burned_in_text),
    "scanned pages called cards": (drawn.page, marks.looks_unavailable),
}
#: What real photos are called.
CALLED: dict[str, Check] = {
    "called cards": marks.looks_unavailable,
    "called burned-in": has_burned_in_text,
    "called a page or drawing": looks_like_page,
}


def _table(result: dict[str, Any]) -> str:
    n = result["pictures_each"]
    lines = [
        "# Cards, burned-in text and pages",
        "",
        "| pictures | seen |",
        "|---|---|",
        *(f"| {n} {name}, drawn | {seen / n:.1%} |" for name, seen in result["drawn"].items()),
    ]
    real = result.get("real_photos")
    if real:
        m = real["photos"]
        lines += [f"| {m:,} real photos, {name} | {real[name] / m:.2%} |" for name in CALLED]
        lines += ["", f"The real photos are {real['longest_side']} pixels long at most."]
    lines += [
        "",
        "Written by `python bench/marks.py`. No real card, scan or dash-camera frame was at hand.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
