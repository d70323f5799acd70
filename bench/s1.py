"""S1 on the development photos: results/s1.{json,md}.

The router learns the four scenes from intel-scenes and fifteen-scenes, half of them with colour
removed; four country classifiers learn from the photos that have a country and a fold. The
document's networks cannot be had pretrained where this runs. In two parts, each a job of its own
(`python bench/s1.py frozen`, `python bench/s1.py learned`; `page` writes the page again):

- frozen: MobileNetV2, whole and frozen, through the feature cache, over all folds.
- learned: on one fold of either kind and at most six training photos a country, the same trunk
  frozen, with its last block learning, and ResNet50 v2 with its first three stages frozen and the
  last trained from random weights; the last two from kept maps.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common.real_photos import (
    FOLDS,
    RESULTS,
    SHARED,
    TOP_BLOCK,
    Photos,
    machine,
    need_shared,
    recipe,
    trunk,
)
from graticule import files
from graticule.calibration import Calibration
from graticule.encoders.registry import build
from graticule.encoders.spec import EncoderSpec
from graticule.systems import scene_report
from graticule.systems.scene_routed import scene_labels
from graticule.training.run import run_jobs

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
#: The document's epochs, and as much patience as the recipe's.
ROUTER = "[{epochs: 50, learn: head, learning_rate: 0.001}]"
COUNTRIES = "[{epochs: 40, learn: head, learning_rate: 0.001}]"
STANDARD = "{dropout: 0.5, standardise: true}"
#: In the second part: photos of a country that teach, photos that judge, and which folds.
CAP, JUDGED = 6, 200
CHOSEN = {"random fold": ("random folds", 0), "manifest fold": ("manifest folds", 3)}
_RESNET = (
    "{name: resnet50v2, partial: true, preprocess: {size: 96, resize: squash}, weights: "
    f"'{SHARED / 'weights' / 'resnet50v2_stages123_imagenet.safetensors'}'}}"
)
_RATE = "learning_rate: 0.0005, schedule: cosine"
#: How the country classifiers of the second part learn; the router is the same in all.
WAYS = {
    "MobileNetV2, frozen": f"{{phases: {COUNTRIES}, head: {STANDARD}}}",
    "MobileNetV2, last block and last convolution learn": (
        f"{{phases: [{{epochs: 4, learn: head}}, {{epochs: 6, learn: {TOP_BLOCK}, {_RATE}}}], "
        "features: maps, views: ['', flip], head: {dropout: 0.5}}"
    ),
    "ResNet50 v2 at 96 px, last stage learns from random weights": (
        f"{{encoder: {_RESNET}, phases: [{{epochs: 10, learn: [stage4, head_bn], {_RATE}}}], "
        "features: maps, views: ['', flip], head: {dropout: 0.5}}"
    ),
}


def main(part: str) -> None:
    """Train, judge and write one part."""
    need_shared()
    photos = Photos()
    located = (photos.columns["country"] != "") & (photos.fold >= 0)
    scenes = photos.columns["scene"] != ""
    result = {
        "photos_with_a_country": int(located.sum()),
        "photos_with_a_scene": int((scene_labels_of(photos) >= 0).sum()),
        "countries": len(set(photos.columns["country"][located])),
        "published_other_data": PUBLISHED,
        "machine": machine(),
    }
    splits = {
        "manifest folds": np.where(located, photos.fold, -1),
        "random folds": photos.random_folds(located, 0),
    }
    (frozen if part == "frozen" else learned)(photos, located, scenes, splits, result)
    result["cost"] = cost()
    write(result)


def frozen(
    photos: Photos,
    located: np.ndarray,
    scenes: np.ndarray,
    splits: dict[str, np.ndarray],
    result: dict[str, Any],
) -> None:
    """Every fold with a frozen trunk: each photo is judged by networks that never saw it."""
    setup = recipe(
        "s1",
        trunk(
            "mobilenetv2",
            "augment=none",
            "settings.baseline=true",
            f"head={STANDARD}",
            f"networks={{router: {{phases: {ROUTER}, views: ['', grey]}}, "
            f"countries: {{phases: {COUNTRIES}}}, baseline: {{phases: {COUNTRIES}}}}}",
        ),
    )
    held = held_scenes(photos)
    result["frozen"] = {}
    for split, fold in splits.items():
        began, parts, kept = time.monotonic(), [], {}
        for number in range(FOLDS):
            test = located & (fold == number)
            train = (located & (fold != number)) | (scenes & ~held)
            # The scenes' test photos are judged once, not five times.
            rows = photos.rows(train, test | (scenes & held) if number == 0 else test, number)
            parts.append(judge(photos, setup, rows, kept))
        result["frozen"][split] = {
            **scene_report.tables(scene_report.pooled(parts)),
            "seconds": round(time.monotonic() - began),
        }
        write(result)


def learned(
    photos: Photos,
    located: np.ndarray,
    scenes: np.ndarray,
    splits: dict[str, np.ndarray],
    result: dict[str, Any],
) -> None:
    """One fold of either kind, with trunks whose top learns beside a frozen one."""
    held = held_scenes(photos)
    result["learned"] = {}
    setups = {
        way: recipe(
            "s1",
            trunk(
                "mobilenetv2",
                "augment=none",
                f"networks={{router: {{phases: {ROUTER}, views: ['', grey], head: {STANDARD}}}, "
                f"countries: {countries}}}",
            ),
        )
        for way, countries in WAYS.items()
    }
    for name, (split, number) in CHOSEN.items():
        rng = np.random.default_rng(number)
        test = some(located & (splits[split] == number), JUDGED, rng)
        teach = capped(photos, located & (splits[split] != number), rng)
        rows = photos.rows(teach | (scenes & ~held), test, number)
        for way, setup in setups.items():
            if "ResNet50" in way and name != "random fold":
                continue  # one fold of it takes a quarter of an hour
            began = time.process_time()
            found = scene_report.tables(judge(photos, setup, rows, {}))
            result["learned"].setdefault(name, {})[way] = {
                "train_photos": int(teach.sum()),
                "test_photos": int(test.sum()),
                "countries": found["countries"],
                "processor_seconds": round(time.process_time() - began),
            }
            write(result)


def held_scenes(photos: Photos) -> np.ndarray:
    """Scene photos that judge the router: intel's own test split, and a fifth of the grey ones."""
    grey = photos.folder == "fifteen-scenes"
    return (photos.columns["split"] == "test") | (grey & (np.arange(len(grey)) % 5 == 0))


def some(mask: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """At most so many rows of a mask."""
    rows = np.flatnonzero(mask)
    out = np.zeros(len(mask), dtype=bool)
    out[rng.choice(rows, min(most, len(rows)), replace=False)] = True
    return out


def capped(photos: Photos, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At most CAP rows of each country."""
    out = np.zeros(len(mask), dtype=bool)
    for name in np.unique(photos.columns["country"][mask]):
        out |= some(mask & (photos.columns["country"] == name), CAP, rng)
    return out


def judge(photos: Photos, setup: Any, rows: Any, kept: dict[Any, Any]) -> Any:
    """What S1 says of the test rows, trained on the others."""
    with tempfile.TemporaryDirectory() as folder:
        _, outcome = run_jobs(photos.trainer(setup, rows, Path(folder), kept))
        assert outcome.evidence is not None
        return outcome.evidence(np.flatnonzero(rows.test), Calibration())


def write(result: dict[str, Any]) -> None:
    """Write what there is by now, beside what the other part found."""
    target = RESULTS / "s1.json"
    whole = (files.read_json(target) if target.is_file() else {}) | result
    files.write_json(target, whole)
    if "cost" in whole:
        write_page(whole)


def write_page(result: dict[str, Any]) -> None:
    """``s1.md``, from the figures."""
    with files.atomic(RESULTS / "s1.md") as handle:
        handle.write(markdown(result))


def scene_labels_of(photos: Photos) -> np.ndarray:
    """The scene of each photo, −1 for none of the four."""
    nothing = np.zeros(len(photos.fold), dtype=bool)
    return scene_labels(photos.rows(nothing, nothing, 0), ("city", "nature", "coast", "industrial"))


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
        "pretrained where this ran; the same system runs on other trunks, from ../shared/weights.",
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
    for split, tables in result.get("frozen", {}).items():
        top = {mode: cell["all"]["top1"] for mode, cell in tables["countries"].items()}
        gains = " and ".join(
            f"{100 * (top[mode] - top['baseline']):+.1f} points with {mode} routing"
            for mode in ("hard", "soft")
        )
        lines += [
            f"## MobileNetV2 1.0, whole and frozen, all five {split}",
            "",
            "Heads as in the document: dropout 0.5 and a softmax; Adam 1e-3, batch 32, at most 50 "
            "epochs for the router and 40 for the countries, patience 7. The trunk's vectors are "
            "kept and standardised.",
            "",
            f"Beside one classifier without scenes, top-1 changes by {gains}.",
            "",
            scene_report.markdown(tables),
        ]
    if "learned" in result:
        lines += _learned(result["learned"])
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


def _learned(found: dict[str, Any]) -> list[str]:
    folds = ", ".join(f"{name} {number}" for name, (_, number) in CHOSEN.items())
    lines = [
        "## With the top of the trunk learning",
        "",
        f"One fold of either kind ({folds}); at most {CAP} photos of a country teach and {JUDGED} "
        "of the fold judge, so that it is affordable on one core. The router is the frozen "
        "MobileNetV2 in every row. What learns starts from kept maps (`features: maps`), each "
        "photo as it is or flipped; ResNet50 v2's last stage starts at random, has ten epochs, "
        "and is asked on the random fold alone.",
        "",
        "| split | country classifiers | photos, train / test | hard, top-1 / top-5 | soft | best "
        "| processor seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for split, ways in found.items():
        for way, cell in ways.items():
            said = [
                f"{100 * c['top1']:.1f} / {100 * c['top5']:.1f} %"
                for c in (cell["countries"][mode]["all"] for mode in ("hard", "soft", "best"))
            ]
            lines.append(
                f"| {split} | {way} | {cell['train_photos']} / {cell['test_photos']} | "
                f"{' | '.join(said)} | {cell['processor_seconds']} |"
            )
    return [*lines, ""]


if __name__ == "__main__":
    if sys.argv[1:] == ["page"]:  # write the page again from the figures
        write_page(files.read_json(RESULTS / "s1.json"))
    else:
        for chosen in sys.argv[1:] or ("frozen", "learned"):
            main(chosen)
