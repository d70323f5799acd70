"""Is a crop of a training photo found, and is a stranger let alone? results/crops.{json,md}.

    python bench/crops.py [photos of each]

Photos of half the sources of ../shared pass by as what was learnt from. Asked about are crops of
some of them, and photos of the other sources, by the audit's hashes and by the bundled model's
vectors. Only every second photo takes part: thresholds were set on the others. Another source may
show the same place, so a stranger that is named may be none.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from common.real_photos import RESULTS, SHARED, machine, need_shared
from graticule import files
from graticule.evaluation.likeness import alike_by
from graticule.evaluation.pixels import audit_pixels
from graticule.locate.engine import Engine
from graticule.locate.locator import find_model
from graticule.photos import manifest as manifests
from graticule.photos.manifest import Manifest, from_table

SHARES = (0.95, 0.9, 0.8, 0.7, 0.6)
CHECKS = ("near-duplicate of training", "alike a training photo")


def main() -> None:
    """Crop, ask, count and write."""
    each = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    need_shared()
    photos = manifests.read(SHARED / "photos" / "manifest.csv")
    paths, sources = photos.column("path")[::2], photos.column("source")[::2]
    names, counts = np.unique(sources, return_counts=True)
    # Large and small sources on both sides.
    learnt = np.isin(sources, names[np.argsort(-counts, kind="stable")][::2])
    train = from_table(pa.table({"path": paths[learnt]}), photos.path)
    rng = np.random.default_rng(2026)
    asked: dict[str, tuple[npt.NDArray[np.str_], float]] = {
        "strangers": (rng.choice(paths[~learnt], each, replace=False), 1.0),
        **{
            f"crops to {share:.0%} of each side": (
                rng.choice(paths[learnt], each, replace=False),
                share,
            )
            for share in SHARES
        },
    }
    began = time.process_time()
    found = _asked(train, list(asked.values()))
    result = {
        "training_photos": len(train),
        "photos_each": each,
        "found": {
            name: {key: int(rows.reshape(-1, each)[number].sum()) for key, rows in found.items()}
            for number, name in enumerate(asked)
        },
        "strangers_named": asked["strangers"][0][found["either"][:each]].tolist(),
        "cpu_seconds": round(time.process_time() - began),
        "machine": machine(),
    }
    files.write_json(RESULTS / "crops.json", result)
    with files.atomic(RESULTS / "crops.md") as handle:
        handle.write(_markdown(result))


def _asked(
    train: Manifest, asked: Sequence[tuple[npt.NDArray[np.str_], float]]
) -> dict[str, npt.NDArray[np.bool_]]:
    """Which photos, cut to a share of each side and saved anew, each check names, in one row."""
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, (paths, share) in enumerate(asked):
            for i, path in enumerate(paths):
                names.append(f"{number}-{i:04}.jpg")
                _cut(train.file(path), share, rng).save(Path(folder) / names[-1], quality=85)
        test = from_table(pa.table({"path": names}), Path(folder) / "test.csv")
        audit = audit_pixels(train, test, alike_by(Engine(find_model("mini"))))
    found = {check.kind: check.rows for check in audit.findings if check.kind in CHECKS}
    return {**found, "either": np.logical_or.reduce(list(found.values()))}


def _cut(file: Path, share: float, rng: np.random.Generator) -> Image.Image:
    """A part of a photo, so wide and high a share of it, somewhere in it."""
    with Image.open(file) as image:
        width, height = round(image.width * share), round(image.height * share)
        left = int(rng.integers(0, image.width - width + 1))
        top = int(rng.integers(0, image.height - height + 1))
        return image.convert("RGB").crop((left, top, left + width, top + height))


def _markdown(result: dict[str, Any]) -> str:
    each = result["photos_each"]
    lines = [
        "# Crops of training photos",
        "",
        f"Made by `bench/crops.py`: {each} photos of each kind against "
        f"{result['training_photos']:,} that were learnt from; every second development photo.",
        "",
        "| photos | by hash, % | by vectors and overlay, % | by either, % |",
        "|---|---:|---:|---:|",
    ]
    for name, counts in result["found"].items():
        shares = [100 * counts[key] / each for key in (*CHECKS, "either")]
        lines.append(f"| {name} | " + " | ".join(f"{share:.1f}" for share in shares) + " |")
    return "\n".join([*lines, "", f"{result['machine']}."]) + "\n"


if __name__ == "__main__":
    main()
