"""A toy collection of photos: what they show depends on city and scene, so it can be learned."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

Cities: TypeAlias = tuple[tuple[str, str, tuple[float, float], tuple[int, int, int]], ...]

#: City, country, place, and the colour of its walls.
CITIES: Cities = (
    ("Paris", "FR", (48.86, 2.35), (200, 60, 60)),
    ("Tokyo", "JP", (35.68, 139.65), (60, 180, 70)),
    ("London", "GB", (51.51, -0.13), (60, 80, 200)),
)
SCENES = ("city", "nature", "coast", "industrial")


def make_photos(
    folder: Path, n: int = 48, *, size: int = 48, seed: int = 0, cities: Cities = CITIES
) -> Path:
    """Draw ``n`` photos and write ``manifest.csv`` beside them.

    The photos are of one city after the other; scenes go round by four; a fifth is ``val``, a tenth
    ``test``.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(n):
        city, country, (lat, lon), colour = cities[i % len(cities)]
        scene = i % len(SCENES)
        pixels = rng.integers(0, 60, (size, size + 16, 3))
        pixels[: size // 2] += np.array(colour) * 3 // 4
        # A scene is how many dark stripes stand in the lower half.
        for stripe in range(scene + 1):
            pixels[size // 2 :, stripe * 16 : stripe * 16 + 8] = 190
        name = f"{i:03d}.png"
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / name)
        split = "val" if i % 5 == 1 else "test" if i % 10 == 8 else "train"
        rows.append(
            [name, lat + rng.normal() / 50, lon + rng.normal() / 50, country, city,
             SCENES[scene], split, "CC0"]
        )  # fmt: skip
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        header = "path,lat,lon,country,city,scene,split_random,licence"
        writer.writerow(header.split(","))
        writer.writerows(rows)
    return folder / "manifest.csv"


def cities_recipe(**changes: object) -> dict[str, object]:
    """A recipe over the toy's cities that learns in a second or two."""
    raw: dict[str, object] = {
        "name": "toy",
        "system": "ten_cities",
        "encoder": {"name": "tiny", "preprocess": {"size": 32, "resize": "squash"}},
        "phases": [{"epochs": 2, "learn": "all", "learning_rate": 0.003}],
        "batch_size": 8,
    }
    return raw | changes
