"""The documents' networks from random weights, for a few minutes each: results/scratch.{json,md}.

Their published starts cannot be had where this runs. This shows that the recipes s1 and s3 train
end to end on photographs as they stand, with the curves; no claim is made of what they reach.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from common.real_photos import RESULTS, Photos, machine, need_shared
from graticule import files
from graticule.systems.plan import Job, Task, city_places
from graticule.systems.scene_routed import scene_labels
from graticule.training.curves import draw_curves
from graticule.training.recipe import load

#: Minutes each network may take (plus the epoch it is in), and photos of each.
MINUTES = float(os.environ.get("GRATICULE_MINUTES", "10"))
SUBSET = int(os.environ.get("GRATICULE_SUBSET", "600"))
S1_SCENES = ("city", "nature", "coast", "industrial")


def main() -> None:
    """Train and write."""
    need_shared()
    photos = Photos()
    rng = np.random.default_rng(0)
    nothing = np.zeros(len(photos.fold), dtype=bool)
    blank = photos.rows(nothing, nothing, 0)
    scenes = scene_labels(blank, S1_SCENES)
    country = photos.columns["country"]
    names, counts = np.unique(country[photos.fold >= 0], return_counts=True)
    frequent = tuple(sorted(names[np.argsort(-counts)[:10]]))
    place = {name: i for i, name in enumerate(frequent)}
    codes = np.array([place.get(c, -1) if f >= 0 else -1 for c, f in zip(
        country, photos.fold, strict=True)])  # fmt: skip
    usable = (photos.columns["city"] != "") & (photos.fold >= 0)
    everyone = blank.__class__(blank.columns, blank.latlon, usable, nothing, nothing, blank.where)
    ids, towns, _ = city_places(everyone, min_photos=60)
    number = {name: i for i, name in enumerate(towns)}
    cities = np.array([number.get(str(i), -1) for i in ids])
    found: dict[str, Any] = {}
    curves = {}
    for name, recipe, spec, outcomes, target in (
        ("router: EfficientNet-B0", "s1", "router", S1_SCENES, scenes),
        ("countries: ResNet50", "s1", "countries", frequent, codes),
        ("cities: VGG16", "s3", "cities", tuple(towns), cities),
    ):
        chosen = np.zeros(len(target), dtype=bool)
        known = np.flatnonzero(target >= 0)
        chosen[rng.choice(known, min(SUBSET, len(known)), replace=False)] = True
        changes = [
            "encoder.pretrained=false",
            "networks.router.encoder.pretrained=false" if recipe == "s1" else "seed=0",
            f"{'networks.router.' if spec == 'router' else ''}stop={{minutes: {MINUTES}}}",
            # Frozen random layers teach little: everything but S3's trunk learns at once.
            *(
                [f"{'networks.router.' if spec == 'router' else ''}phases=[{{epochs: 40, "
                 "learn: all}]"]
                if recipe == "s1"
                else []
            ),
        ]  # fmt: skip
        setup = load(recipe, changes)
        rows = photos.rows(chosen, nothing, 0)
        with tempfile.TemporaryDirectory() as folder:
            trainer = photos.trainer(setup, rows, Path(folder))
            result = trainer.run(
                Job(spec, spec, {"label": Task(outcomes, target.astype(np.int64))})
            )
        history = result.progress.history
        curves[name] = history
        found[name] = {
            "outcomes": len(outcomes),
            "train_photos": int(rows.train.sum()),
            "validation_photos": int(rows.validation.sum()),
            "epochs": len(history),
            "seconds": sum(row["seconds"] for row in history),
            "last": history[-1],
            "chance": 1 / len(outcomes),
        }
    result = {"minutes": MINUTES, "machine": machine(), "networks": found}
    files.write_json(RESULTS / "scratch.json", result)
    draw_curves(curves, RESULTS / "scratch-curves.png")
    with files.atomic(RESULTS / "scratch.md") as handle:
        handle.write(page(result))


def page(result: dict[str, Any]) -> str:
    """The result as a page."""
    lines = [
        "# The documents' networks from random weights",
        "",
        f"Made by `bench/scratch.py`: each network trains from random weights on up to {SUBSET} of "
        f"the development photos and stops after the epoch that passes {result['minutes']:g} "
        f"minutes, on {result['machine']}, other work beside it. This shows that they train end to "
        "end; no claim is made of what they reach. S3's trunk is frozen, here at random.",
        "",
        "| network | outcomes | photos, train / validation | epochs | seconds | train loss | "
        "validation accuracy | chance |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, cell in result["networks"].items():
        last = cell["last"]
        accuracy = f"{100 * last['val_accuracy']:.0f} %" if "val_accuracy" in last else "–"
        lines.append(
            f"| {name} | {cell['outcomes']} | {cell['train_photos']} / "
            f"{cell['validation_photos']} | {cell['epochs']} | {cell['seconds']:.0f} | "
            f"{last['train_loss']:.2f} | {accuracy} | {100 * cell['chance']:.0f} % |"
        )
    return "\n".join([*lines, "", "![Curves](scratch-curves.png)", ""])


if __name__ == "__main__":
    main()
