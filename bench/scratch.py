"""The documents' networks from random weights, for some minutes each: results/scratch.{json,md}.

Their published starts cannot be had where this runs. This shows that the recipes train end to end
on photographs, with the curves; no claim is made of what they reach. `python bench/scratch.py s1
s4` runs some systems and keeps what is recorded of the others.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from common.real_photos import RESULTS, Photos, machine, need_shared
from graticule import files
from graticule.training.curves import draw_curves
from graticule.training.recipe import load
from graticule.training.run import run_jobs

#: Minutes each network may take (plus the epoch it is in), and photos of each system.
MINUTES = float(os.environ.get("GRATICULE_MINUTES", "8"))
SUBSET = int(os.environ.get("GRATICULE_SUBSET", "600"))
#: Frozen random layers teach little: everything but S3's trunk learns at once.
_ALL = "phases=[{epochs: 200, learn: all, learning_rate: 0.0003}]"
_VIT = "encoder={name: vit_base_patch16_224, pooling: token}"
#: System → its recipe and what is changed in it; the photos, by what they must be labelled with.
SYSTEMS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "s1": (
        "s1",
        (
            "encoder.pretrained=false",
            "networks={router: {encoder: {name: efficientnet_b0}}, countries: {}, "
            # The smallest square that its strides leave anything of is 75 pixels.
            "baseline: {encoder: {name: inception_v3, preprocess: {size: 160, resize: squash}}}}",
            _ALL,
            "settings.baseline=true",
        ),
        ("country", "scene"),
    ),
    "s2": (
        "s2-world",
        (
            _VIT,
            _ALL,
            "head.standardise=false",
            "settings.cells={kind: semantic, min: 10, max: 200}",
            "settings.groups=null",
            "settings.refine=null",
        ),
        ("lat",),
    ),
    "s3": ("s3", ("encoder.pretrained=false",), ("city",)),
    "s4": (
        "s4",
        (
            "encoder.pretrained=false",
            _ALL,
            "optimizer=adam",
            "batch_size=32",
            "settings.helper=false",
            "settings.cells=[{name: coarse, max: 200, min: 3}, {name: fine, max: 50, min: 3}]",
        ),
        ("lat", "scene"),
    ),
    "s5": (
        "s5-clip-vit",
        (_VIT, "fuse=[]", "augment=s5", _ALL, "optimizer=adam", "batch_size=32"),
        ("country",),
    ),
}


def main(wanted: list[str]) -> None:
    """Train and write, a system at a time."""
    need_shared()
    photos = Photos()
    target = RESULTS / "scratch.json"
    old = files.read_json(target) if target.is_file() else {}
    result = {"machine": machine(), "systems": old.get("systems", {})}
    for system in wanted:
        result["systems"][system] = once(photos, system)
        files.write_json(target, result)
        histories = {
            f"{name}: {network}": cell["history"]
            for name, networks in sorted(result["systems"].items())
            for network, cell in networks.items()
        }
        draw_curves(histories, RESULTS / "scratch-curves.png")
        with files.atomic(RESULTS / "scratch.md") as handle:
            handle.write(page(result))


def once(photos: Photos, system: str) -> dict[str, Any]:
    """One system's networks, trained on some photos by its plan."""
    name, changes, labels = SYSTEMS[system]
    rng = np.random.default_rng(0)
    located = np.isfinite(photos.manifest.latlon).all(axis=1)
    chosen = np.zeros(len(located), dtype=bool)
    for label in labels:
        has = located if label == "lat" else photos.columns[label] != ""
        known = np.flatnonzero(has & ((photos.fold >= 0) | (label == "scene")))
        chosen[rng.choice(known, min(SUBSET // len(labels), len(known)), replace=False)] = True
    setup = load(name, [*changes, f"stop={{minutes: {MINUTES}}}"])
    rows = photos.rows(chosen, np.zeros(len(chosen), dtype=bool), 0)
    with tempfile.TemporaryDirectory() as folder:
        results, _ = run_jobs(photos.trainer(setup, rows, Path(folder)))
    return {
        found.job.name: {
            "encoder": found.spec.encoder.name,
            "outcomes": len(next(iter(found.job.tasks.values())).outcomes),
            "minutes": MINUTES,
            "photos": int(chosen.sum()),
            "history": found.progress.history,
        }
        for found in results
    }


def page(result: dict[str, Any]) -> str:
    """The result as a page."""
    lines = [
        "# The documents' networks from random weights",
        "",
        "Made by `bench/scratch.py`: each network trains from random weights on some of the "
        "development photos and stops after the epoch that passes its minutes, on "
        f"{result['machine']}, other work beside it. This shows that they train end to end; no "
        "claim is made of what they reach. S3's trunk is frozen, here at random, its vectors kept.",
        "",
        "| system | network | encoder | outcomes | photos | minutes allowed | epochs | seconds | "
        "train loss, first → last | validation accuracy |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for system, networks in sorted(result["systems"].items()):
        for network, cell in networks.items():
            rows = cell["history"]
            last = rows[-1]
            accuracy = f"{100 * last['val_accuracy']:.0f} %" if "val_accuracy" in last else "–"
            lines.append(
                f"| {system} | {network} | {cell['encoder']} | {cell['outcomes']} | "
                f"{cell['photos']} | {cell['minutes']:g} | {len(rows)} | "
                f"{sum(row['seconds'] for row in rows):.0f} | "
                f"{rows[0]['train_loss']:.2f} → {last['train_loss']:.2f} | {accuracy} |"
            )
    return "\n".join([*lines, "", "![Curves](scratch-curves.png)", ""])


if __name__ == "__main__":
    main(sys.argv[1:] or sorted(SYSTEMS))
