"""S5 on the development photos: results/s5.{json,md}.

The grid that ships (`graticule train s5-grid`) with other encoders: neither CLIP nor a ViT can be
had where this runs, so MobileNetV2 stands in CLIP's place and ResNet50 v2 to stage 3 in the ViT's,
both frozen, through the feature cache; the segmentation map is DeepLabV3's. Rows that are done are
kept beside the features, so that a run that was cut off goes on.

    python bench/s5.py         the grid
    python bench/s5.py tuned   fine-tuning instead of frozen, one fold of either split
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from common.real_photos import FEATURES, RESULTS, SHARED, TOP_BLOCK, Photos, machine, need_shared
from graticule import files
from graticule.evaluation.bootstrap import Resampler, mcnemar
from graticule.training import grid, grid_report
from graticule.training.recipe import Recipe, parse
from graticule.training.run import run_jobs

WEIGHTS = SHARED / "weights"
MOBILENET = {
    "name": "mobilenetv2", "weights": str(WEIGHTS / "mobilenetv2_imagenet.safetensors"),
}  # fmt: skip
RESNET = {
    "name": "resnet50v2_stage3",
    "weights": str(WEIGHTS / "resnet50v2_stages123_imagenet.safetensors"),
}
#: The photo's map at 193 pixels a side, where DeepLab saw 513, coloured, through the same trunk.
MAP = {
    **MOBILENET,
    "normalise": "imagenet",
    "segmentation": "deeplabv3_mobilenetv2",
    "segmentation_weights": str(WEIGHTS / "deeplabv3_mobilenetv2_voc.safetensors"),
    "preprocess": {"size": 193, "resize": "squash"},
}
CLIP, VIT, BOTH = "MobileNetV2 (CLIP's place)", "ResNet50 (ViT's place)", "both (CLIP + ViT)"
SEEN = "MobileNetV2 + its segmentation map"
FEATURE_SETS = {CLIP: ["clip"], BOTH: ["clip", "vit"], SEEN: ["clip", "map"], VIT: ["vit"]}
#: What these trunks need beside the document's settings: their numbers are far from spread one, and
#: some thousand photos want fewer epochs than four million.
BASE = {
    "head": {"standardise": True},
    "phases": [{"epochs": 30, "learn": "head", "learning_rate": 0.02, "schedule": "plateau"}],
    "stop": {"patience": 8},  # the recipe watches accuracy
}
#: Fine-tuning instead of frozen, the last of the document's questions. Vectors of a trunk that
#: learns cannot be standardised once for all, and SGD does next to nothing on numbers as they are:
#: Adam trains it, and the frozen one beside it.
ADAM = {"optimizer": "adam", "phases": [{"epochs": 30, "learn": "head", "learning_rate": 0.0003}]}
#: The top block of the trunk learns after the head, from kept maps, each photo as it is or flipped.
TUNED = {
    "optimizer": "adam",
    "features": "maps",
    "views": ["", "flip"],
    "head": {"standardise": False},
    "stop": {"patience": 0},
    "phases": [
        {"epochs": 24, "learn": "head", "learning_rate": 0.0005},
        {"epochs": 8, "learn": TOP_BLOCK, "learning_rate": 0.0003, "schedule": "cosine"},
    ],
}
PUBLISHED = {
    "linear, CLIP": (3.5, 6.9, 29.3, 6205), "linear, CLIP + ViT": (22.0, 32.3, 33.0, 4935),
    "linear, ViT + segmentation ViT": (3.1, 4.8, 5.2, 6112), "MLP, CLIP": (8.2, 10.2, 28.1, 5107),
    "MLP, CLIP + ViT": (26.4, 41.5, 47.0, 4890),
    "MLP, ViT + segmentation ViT": (3.1, 5.1, 6.2, 6015),
}  # fmt: skip
#: The document's third table: % within 200, 750 and 2,500 km, MLP.
PUBLISHED_BENCHMARKS = {
    "Im2GPS, CLIP": (4.4, 18.3, 56.2), "Im2GPS, CLIP + ViT": (8.4, 23.8, 56.6),
    "Im2GPS, ViT + segmentation ViT": (2.7, 12.9, 33.7), "Im2GPS3k, CLIP": (2.5, 15.4, 48.2),
    "Im2GPS3k, CLIP + ViT": (4.4, 20.3, 52.2),
    "Im2GPS3k, ViT + segmentation ViT": (2.7, 10.4, 30.9),
}  # fmt: skip
#: What each ablation is paired with where that is not the fused MLP itself: smoothed labels carry
#: no class weights.
PAIRED_WITH = {"labels smoothed by distance": "no class weights"}
MANIFEST, RANDOM = "manifest folds (two of five)", "random folds (two of five)"
#: Of the code that kept rows came from: raise it when that changes what they are.
VERSION = 3
#: What is kept of how long a row learned, one number a fold.
EPOCHS = ("best_epoch", "last_epoch", "epochs_allowed")
#: Folds that are judged; the others are trained on all the same.
JUDGED = 2


def rows() -> dict[str, Recipe]:
    """The shipped grid's rows on the encoders that are here."""
    changes = {
        "encoders": {"clip": MOBILENET, "vit": RESNET, "map": MAP},
        "features": FEATURE_SETS,
        "base": BASE,
        "ablations.of": [BOTH, "MLP"],
        "ablations.rows.each number standardised": {"head": {"standardise": False}},
        # Convolutional trunks have no tokens; the top of one learns in `tuned`.
        "ablations.rows.mean of tokens instead of the class token": None,
        "ablations.rows.frozen, by Adam": None,
        "ablations.rows.top tenth fine-tuned, by Adam": None,
    }
    found = grid.load("s5-grid", [f"{k}={json.dumps(v)}" for k, v in changes.items()]).rows()
    return {
        name.replace("each number standardised", "not standardised"): found[name] for name in found
    }


def tuned() -> None:
    """One fold of either split with the top of the trunk learning, beside the frozen row."""
    photos = Photos()
    usable = (photos.columns["country"] != "") & (photos.fold >= 0)
    frozen = rows()[f"MLP, {CLIP}"]
    raw = frozen.model_dump(mode="json")
    ways = {
        "frozen": frozen,
        "frozen, by Adam": parse(grid.laid_over(raw, ADAM), "adam"),
        "top block learns, by Adam": parse(grid.laid_over(raw, TUNED), "tuned"),
    }
    found: dict[str, Any] = {}
    for split, fold, number in (
        (MANIFEST, np.where(usable, photos.fold, -1), 3),
        ("random folds", photos.random_folds(usable, 0), 0),
    ):
        table = photos.rows(usable & (fold != number), usable & (fold == number), number)
        for way, recipe in ways.items():
            began = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                learned, outcome = run_jobs(photos.trainer(recipe, table, Path(folder)))
            test = np.flatnonzero(table.test)
            scores = grid_report.scores(grid_report.evidence(outcome, table, test))
            scores |= grid_report.epochs(learned)
            seconds = round(time.process_time() - began)
            found.setdefault(split, {})[way] = scores | {"fold": number, "seconds": seconds}
            result = files.read_json(RESULTS / "s5.json") | {"tuned": found}
            files.write_json(RESULTS / "s5.json", result)
            with files.atomic(RESULTS / "s5.md") as handle:
                handle.write(_markdown(result))


def main() -> None:
    """Train the grid, judge and write."""
    need_shared()
    if "tuned" in sys.argv:
        tuned()
        return
    photos = Photos()
    usable = (photos.columns["country"] != "") & (photos.fold >= 0)
    nobody = np.zeros(len(usable), dtype=bool)
    splits = {
        MANIFEST: np.where(usable, photos.fold, -1),
        RANDOM: photos.random_folds(usable, 0),
    }
    kept: dict[Any, Any] = {}
    done: dict[str, dict[str, Any]] = {split: {} for split in splits}
    ranks: dict[tuple[str, str], np.ndarray] = {}
    all_rows = rows()
    # The document's rows of both splits first; ablations on the manifest's folds alone.
    plan = [(s, n) for s in splits for n in all_rows if ": " not in n]
    plan += [(MANIFEST, n) for n in all_rows if ": " in n]
    result: dict[str, Any] = {
        "photos": int(usable.sum()),
        **grid_report.counts(photos.rows(usable, nobody, 0)),
        "published_other_data": PUBLISHED,
        "published_benchmarks": PUBLISHED_BENCHMARKS,
        "machine": machine(),
    }
    if (RESULTS / "s5.json").is_file():
        old = files.read_json(RESULTS / "s5.json")
        result |= {name: old[name] for name in ("tuned",) if name in old}
    for split, name in plan:
        found, rank = judge(photos, all_rows[name], splits[split], usable, kept)
        done[split][name], ranks[split, name] = found, rank
        result |= {"rows": done, "paired": paired(ranks, photos, usable)}
        result["seconds"] = round(
            sum(f["seconds"] for part in done.values() for f in part.values())
        )
        files.write_json(RESULTS / "s5.json", result)
        with files.atomic(RESULTS / "s5.md") as handle:
            handle.write(_markdown(result))


def judge(
    photos: Photos,
    recipe: Recipe,
    fold: np.ndarray,
    usable: np.ndarray,
    kept: dict[Any, Any],
) -> tuple[dict[str, Any], np.ndarray]:
    """One row over the first folds: its scores, and the rank of every judged photo's country."""
    key = files_key(recipe, fold)
    store = FEATURES / "s5-rows" / f"{key}.npz"
    if not store.is_file():
        began = time.monotonic()
        parts, places = [], []
        learned: list[Any] = []
        for number in range(JUDGED):
            test = usable & (fold == number)
            table = photos.rows(usable & (fold != number), test, number)
            with tempfile.TemporaryDirectory() as folder:
                results, outcome = run_jobs(photos.trainer(recipe, table, Path(folder), kept))
            learned += results
            places.append(np.flatnonzero(test))
            parts.append(grid_report.evidence(outcome, table, places[-1]))
        whole = grid_report.pooled(parts)
        rank = np.zeros(len(usable), dtype=np.int64)  # nought: not judged
        rank[np.concatenate(places)] = whole.country_rank
        store.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic_path(store) as part, part.open("wb") as handle:
            np.savez(
                handle, rank=whole.rank, country=whole.country_rank, km=whole.km, by_row=rank,
                seconds=time.monotonic() - began, **grid_report.epochs(learned),
            )  # fmt: skip
    saved = np.load(store)
    found = grid_report.scores(grid_report.Evidence(saved["rank"], saved["country"], saved["km"]))
    # Rows kept before epochs were have none.
    found |= {key: saved[key].tolist() for key in EPOCHS if key in saved.files}
    found["seconds"] = round(float(saved["seconds"]), 1)
    return found, saved["by_row"]


def files_key(recipe: Recipe, fold: np.ndarray) -> str:
    """What a kept row stands for."""
    # When the first rows were kept, a map's encoder was written with its segmenter's mean and
    # spread; the vectors are the same.
    fuse = (
        s.model_copy(update={"normalise": "half"}) if s.segmentation else s for s in recipe.fuse
    )
    recipe = recipe.model_copy(update={"fuse": tuple(fuse)})
    said = f"{VERSION} {JUDGED} {recipe.model_dump_json()}".encode() + fold.tobytes()
    return hashlib.sha256(said).hexdigest()[:16]


def paired(
    ranks: dict[tuple[str, str], np.ndarray], photos: Photos, usable: np.ndarray
) -> list[dict[str, Any]]:
    """The document's claims, and each ablation, in country top-5 on the same photos."""
    fused = f"MLP, {BOTH}"
    pairs = [
        (split, fused, f"MLP, {other}") for split in (MANIFEST, RANDOM) for other in (CLIP, VIT)
    ]
    pairs += [(split, fused, f"linear, {BOTH}") for split in (MANIFEST, RANDOM)]
    pairs += [(split, name, _counterpart(name, fused)) for split, name in ranks if ": " in name]
    out = []
    for split, one, other in pairs:
        if (split, one) not in ranks or (split, other) not in ranks:
            continue
        judged = usable & (ranks[split, one] != 0)
        a, b = ranks[split, one][judged], ranks[split, other][judged]
        hits = (a > 0) & (a <= 5), (b > 0) & (b <= 5)
        gap = 100 * (hits[0].astype(float) - hits[1])
        samples = Resampler.over(photos.columns["group"][judged], replicates=500).means(gap)[:, 0]
        low, high = np.percentile(samples, [2.5, 97.5])
        out.append(
            {
                "split": split,
                "pair": f"{one} - {other}",
                "points": round(float(gap.mean()), 1),
                "interval": [round(float(low), 1), round(float(high), 1)],
                "mcnemar_p": round(mcnemar(*hits), 4),
            }
        )
    return out


def _counterpart(ablation: str, fused: str) -> str:
    """The row that an ablation differs from in one thing."""
    other = PAIRED_WITH.get(ablation.partition(": ")[2])
    return f"{fused}: {other}" if other else fused


def _markdown(result: dict[str, Any]) -> str:
    lines = [
        "# S5, hybrid embeddings, on the development photos",
        "",
        "Made by `bench/s5.py`. CLIP ViT-L/14 and a ViT cannot be had where this ran: MobileNetV2 "
        "stands in CLIP's place, ResNet50 v2 to stage 3 in the ViT's, both frozen ImageNet trunks, "
        "so what CLIP's language pretraining brings is not tested here. SGD, batch 128, class "
        "weights 1/f, rate lowered on a plateau, at most 30 epochs, numbers standardised. Row "
        "settings are the shipped grid's and were not tuned here. Two ablations change two things: "
        "labels smoothed by distance carry no class weights, so they are paired with the row "
        "without class weights; S2 cells are learned with gradients clipped at 1, without which "
        "the loss is no number.",
        "",
        "The epoch that is kept has the highest accuracy on the photos set aside from training: "
        "the 1/f-weighted loss is lowest within the first epochs, and networks kept at its lowest "
        "are hardly trained. The rate falls when the training loss stalls.",
        "",
        f"{result['photos']} photos. A photo of a country that training did not see is wrong. "
        "Distances are judged on photos with coordinates alone, most of them in San Francisco, "
        "Vietnam and at 23 places of India; a country's place is its polygon's centroid. Accuracy "
        "and top-k are of the row's own divisions, judged where a photo's division is known: rows "
        "of sub-divisions and cells learn and are judged on photos with coordinates alone, and "
        "their countries are the divisions' added up.",
        "",
        *grid_report.photo_table(result),
    ]
    for split, rows in result["rows"].items():
        if rows:
            lines += ["", f"## {split}", "", *grid_report.score_table(rows)]
    for split, ways in result.get("tuned", {}).items():
        fold = next(iter(ways.values()))["fold"]
        lines += ["", f"## Fine-tuning instead of frozen: fold {fold} of {split}", ""]
        lines += grid_report.score_table({f"MLP, {CLIP}, {way}": s for way, s in ways.items()})
        lines += [
            "",
            "A row that is starred was best within the last epochs that it was given: more would "
            "raise it still. The top block learns after 24 epochs of the head, for 8.",
        ]
    lines += ["", "## Paired, country top-5", ""]
    lines += ["| split | pair | points | 95 % | McNemar p |", "|---|---|---:|---|---:|"]
    lines += [
        f"| {p['split']} | {p['pair']} | {p['points']} | {p['interval']} | {p['mcnemar_p']} |"
        for p in result["paired"]
    ]
    lines += [
        "",
        "## Published, other data (the document's validation photos)",
        "",
        "| head, features | country top-1 | top-5 | top-10 | mean km |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {one} | {five} | {ten} | {km:,} |"
        for name, (one, five, ten, km) in result["published_other_data"].items()
    ]
    lines += [
        "",
        "Its benchmarks, MLP, % within:",
        "",
        "| benchmark, features | 200 km | 750 km | 2500 km |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | " + " | ".join(map(str, near)) + " |"
        for name, near in PUBLISHED_BENCHMARKS.items()
    ]
    lines += [
        "",
        f"{result['machine']}; {result['seconds']} s from kept features, other work beside it.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
