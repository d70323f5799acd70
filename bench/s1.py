"""S1 on the development photos: results/s1.{json,md}.

The router learns the four scenes from intel-scenes and fifteen-scenes, half of them with colour
removed; four country classifiers learn from the photos that have a country and a fold. The
document's networks cannot be had pretrained where this runs: the trunks are MobileNetV2 and
ResNet50 v2 to its third stage, frozen, through the feature cache.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common.real_photos import FOLDS, RESULTS, Photos, machine, need_shared, recipe, trunk
from graticule import files
from graticule.calibration import Calibration
from graticule.encoders.registry import build
from graticule.encoders.spec import EncoderSpec
from graticule.systems import scene_report
from graticule.systems.scene_routed import scene_labels
from graticule.training.run import run_jobs

TRUNKS = tuple(os.environ.get("GRATICULE_TRUNKS", "mobilenetv2,resnet50v2_stage3").split(","))
NAMES = {
    "mobilenetv2": "MobileNetV2 1.0, whole trunk",
    "resnet50v2_stage3": "ResNet50 v2 to its third stage",
}
#: As the document prints them, on Im2GPS3k; the router on its own scenes.
PUBLISHED = {
    "country, top-1 / top-5": "57.3 % / 74.6 %",
    "city": "63.5 % / 81.1 %",
    "nature": "50.3 % / 72.8 %",
    "coast": "59.6 % / 77.0 %",
    "industrial": "47.7 % / 68.3 %",
    "router: city, nature, coast, industrial": "85.1, 92.5, 91.6, 84.5 %",
    "Inception v3, top-1 / top-5": "28.4 % / 48 %",
}
HEAD = "[{epochs: 15, learn: head, learning_rate: 0.001}]"
#: Of five random folds only these are run: they differ little, and each is minutes.
RANDOM = (0, 1)


def main() -> None:
    """Train, judge and write."""
    need_shared()
    began = time.monotonic()
    photos = Photos()
    located = (photos.columns["country"] != "") & (photos.fold >= 0)
    scenes = photos.columns["scene"] != ""
    splits = {
        "manifest folds": np.where(located, photos.fold, -1),
        "random folds": photos.random_folds(located, 0),
    }
    found: dict[str, Any] = {}
    for name in TRUNKS:
        setup = recipe(
            "s1",
            [
                *trunk(
                    name,
                    "augment=none",
                    "settings.baseline=true",
                    "head={dropout: 0.5, standardise: true}",
                    f"networks={{router: {{phases: {HEAD}, views: ['', grey]}}, "
                    f"countries: {{phases: {HEAD}}}, baseline: {{phases: {HEAD}}}}}",
                    "stop={patience: 3}",
                    "batch_size=128",
                )
            ],
        )
        found[name] = {
            split: judge(photos, setup, fold, scenes, located, every=split == "manifest folds")
            for split, fold in splits.items()
        }
    result = {
        "photos_with_a_country": int(located.sum()),
        "photos_with_a_scene": int((scene_labels_of(photos) >= 0).sum()),
        "countries": len(set(photos.columns["country"][located])),
        "head": "dropout 0.5, softmax over the countries; Adam 1e-3, batch 128, at most 15 epochs, "
        "patience 3; vectors standardised",
        "trunks": {name: NAMES[name] for name in TRUNKS},
        "results": found,
        "cost": cost(),
        "published_other_data": PUBLISHED,
        "machine": machine(),
        "seconds": round(time.monotonic() - began),
    }
    files.write_json(RESULTS / "s1.json", result)
    write_page(result)


def write_page(result: dict[str, Any]) -> None:
    """``s1.md``, from the figures."""
    with files.atomic(RESULTS / "s1.md") as handle:
        handle.write(markdown(result))


def scene_labels_of(photos: Photos) -> np.ndarray:
    """The scene of each photo, −1 for none of the four."""
    nothing = np.zeros(len(photos.fold), dtype=bool)
    return scene_labels(photos.rows(nothing, nothing, 0), ("city", "nature", "coast", "industrial"))


def judge(
    photos: Photos,
    setup: Any,
    fold: np.ndarray,
    scenes: np.ndarray,
    located: np.ndarray,
    *,
    every: bool,
) -> dict[str, Any]:
    """S1's tables, pooled over the folds; each photo is judged by networks that never saw it."""
    # Scenes have no folds: intel's own test split, and a fifth of the grey ones, are held out.
    grey = photos.folder == "fifteen-scenes"
    held = (photos.columns["split"] == "test") | (grey & (np.arange(len(grey)) % 5 == 0))
    parts = []
    for number in range(FOLDS) if every else RANDOM:
        test = located & (fold == number)
        train = (located & (fold != number)) | (scenes & ~held)
        # The scenes' test photos are judged once, not five times.
        rows = photos.rows(train, test | (scenes & held) if number == 0 else test, number)
        with tempfile.TemporaryDirectory() as folder:
            _, outcome = run_jobs(photos.trainer(setup, rows, Path(folder)))
            assert outcome.evidence is not None
            parts.append(outcome.evidence(np.flatnonzero(rows.test), Calibration()))
    return scene_report.tables(scene_report.pooled(parts))


def cost() -> dict[str, dict[str, float]]:
    """Parameters and milliseconds a photo of the document's networks, by way of routing."""
    torch.manual_seed(0)
    networks = {
        name: build(EncoderSpec(name=name, preprocess={"resize": "squash"})).eval()
        for name in ("efficientnet_b0", "resnet50")
    }
    pixels = torch.zeros(4, 224, 224, 3, dtype=torch.uint8)
    million, ms = {}, {}
    with torch.inference_mode():
        for name, network in networks.items():
            million[name] = sum(p.numel() for p in network.parameters()) / 1e6
            times = []
            for _ in range(5):
                began = time.perf_counter()
                network(pixels)
                times.append((time.perf_counter() - began) * 1000 / len(pixels))
            ms[name] = float(np.median(times))
    router, country = "efficientnet_b0", "resnet50"
    return {
        "hard, four ResNet50": {
            "parameters_million": million[router] + 4 * million[country],
            "ms_a_photo": ms[router] + ms[country],
        },
        "soft, four ResNet50": {
            "parameters_million": million[router] + 4 * million[country],
            "ms_a_photo": ms[router] + 4 * ms[country],
        },
        "one shared ResNet50, router and four heads on it": {
            "parameters_million": million[country],
            "ms_a_photo": ms[country],
        },
    }


def markdown(result: dict[str, Any]) -> str:
    """The result as a page."""
    lines = [
        "# S1, scene-routed countries, on the development photos",
        "",
        "Made by `bench/s1.py`. The document's EfficientNet-B0 and ResNet50 cannot be had "
        "pretrained where this ran; the same system runs on other trunks, frozen, from "
        "../shared/weights. Of the random folds two of five were run. "
        f"Head: {result['head']}.",
        "",
        f"Countries: {result['photos_with_a_country']} photos of {result['countries']} countries "
        "that have a fold (no Street View). Scenes: "
        f"{result['photos_with_a_scene']} photos of intel-scenes and fifteen-scenes; the latter "
        "are grey, so every second scene photo loses its colour in training. Industrial is known "
        "from 100 grey photos alone: the router's answer for it is weak evidence.",
        "",
        "The country photos have no scene label, so a true-scene oracle cannot be computed on "
        "them; `best` bounds it from above. A country that training did not see counts as wrong.",
        "",
    ]
    for name, splits in result["results"].items():
        for split, tables in splits.items():
            top = {mode: cell["all"]["top1"] for mode, cell in tables["countries"].items()}
            gains = " and ".join(
                f"{100 * (top[mode] - top['baseline']):+.1f} points with {mode} routing"
                for mode in ("hard", "soft")
            )
            lines += [
                f"## {NAMES[name]}, {split}",
                "",
                f"Beside one classifier without scenes, top-1 changes by {gains}.",
                "",
                scene_report.markdown(tables),
            ]
    lines += [
        "## Cost of the document's networks",
        "",
        "| | million parameters | ms a photo, CPU |",
        "|---|---|---|",
    ]
    for name, cell in result["cost"].items():
        lines.append(f"| {name} | {cell['parameters_million']:.1f} | {cell['ms_a_photo']:.0f} |")
    lines += ["", f"Measured on {result['machine']}, batches of 4, other work beside it.", ""]
    lines += ["## Published, other data (Im2GPS3k)", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in result["published_other_data"].items()]
    lines += ["", "Not comparable with the figures above: other photos, other countries.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    if "--page" in sys.argv:  # write the page again from the figures
        write_page(files.read_json(RESULTS / "s1.json"))
    else:
        main()
