"""S5 on the development photos: results/s5.{json,md}.

Neither CLIP nor a ViT can be had where this runs: MobileNetV2 stands in CLIP's place and ResNet50
v2 to stage 3 in the ViT's, both frozen, through the feature cache; the segmentation map is
DeepLabV3's.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from common.real_photos import RESULTS, SHARED, Photos, machine, need_shared, recipe
from graticule import files, metrics, sphere
from graticule.evaluation.bootstrap import Resampler, mcnemar
from graticule.systems.plan import country_codes
from graticule.training.run import run_jobs

WEIGHTS = SHARED / "weights"
MOBILENET = f"{{name: mobilenetv2, weights: '{WEIGHTS / 'mobilenetv2_imagenet.safetensors'}'}}"
_RESNET_FILE = WEIGHTS / "resnet50v2_stages123_imagenet.safetensors"
RESNET = f"{{name: resnet50v2_stage3, weights: '{_RESNET_FILE}'}}"
#: The photo's map at a quarter of DeepLab's own 513 pixels, coloured, through the same trunk.
MAP = (
    f"{{name: mobilenetv2, weights: '{WEIGHTS / 'mobilenetv2_imagenet.safetensors'}', "
    "normalise: half, segmentation: deeplabv3_mobilenetv2, "
    f"segmentation_weights: '{WEIGHTS / 'deeplabv3_mobilenetv2_voc.safetensors'}', "
    "preprocess: {size: 257, resize: squash}}"
)
FEATURES = {
    "MobileNetV2 (CLIP's place)": (MOBILENET, "[]"),
    "ResNet50 (ViT's place)": (RESNET, "[]"),
    "MobileNetV2 + ResNet50 (CLIP + ViT)": (MOBILENET, f"[{RESNET}]"),
    "MobileNetV2 + its segmentation map": (MOBILENET, f"[{MAP}]"),
}
HEADS = {
    "linear": "head={hidden: [], standardise: true}",
    "MLP": "head={hidden: [1024, 512, 256], standardise: true}",
}
#: Further rows on the fused features, changed in one thing each.
ABLATIONS = {
    "MLP, no class weights": ("MLP", "loss={kind: cross_entropy}"),
    "MLP, labels smoothed by distance": ("MLP", "loss={kind: haversine, tau_km: 300}"),
    "MLP, each vector of unit length": ("MLP", "fuse_unit=true"),
    "MLP 512, dropout 0.5": ("MLP", "head={hidden: [512], dropout: 0.5, standardise: true}"),
    "MLP, photo means instead of centroids": ("MLP", "settings.center=photos"),
}
PUBLISHED = {
    "linear, CLIP": 3.5, "linear, CLIP + ViT": 22.0, "MLP, CLIP": 8.2, "MLP, CLIP + ViT": 26.4,
    "MLP, ViT + segmentation": 3.1,
}  # fmt: skip


def main() -> None:
    """Train the grid, judge and write."""
    need_shared()
    began = time.monotonic()
    photos = Photos()
    usable = (photos.columns["country"] != "") & (photos.fold >= 0)
    nobody = np.zeros(len(usable), dtype=bool)
    codes = country_codes(photos.rows(usable, nobody, 0))
    names, counts = np.unique(codes[usable], return_counts=True)
    kept: dict[Any, Any] = {}
    grid: dict[str, dict[str, Any]] = {}
    ranks: dict[str, np.ndarray] = {}
    for split, fold in {
        "manifest folds": np.where(usable, photos.fold, -1),
        "random folds": photos.random_folds(usable, 0),
    }.items():
        rows = [
            (f"{head}, {features}", FEATURES[features], [HEADS[head]])
            for head in HEADS
            for features in FEATURES
        ]
        fused = FEATURES["MobileNetV2 + ResNet50 (CLIP + ViT)"]
        rows += [(name, fused, [HEADS[head], change]) for name, (head, change) in ABLATIONS.items()]
        for name, features, changes in rows:
            start = time.monotonic()
            found, rank = judge(photos, features, changes, fold, usable, codes, kept)
            found["seconds"] = round(time.monotonic() - start, 1)
            grid.setdefault(split, {})[name] = found
            ranks[f"{split}: {name}"] = rank
    result = {
        "photos": int(usable.sum()),
        "countries": len(names),
        "photos_per_country": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "grid": grid,
        "paired": paired(ranks, photos),
        "published_other_data_country_top1": PUBLISHED,
        "machine": machine(),
        "seconds": round(time.monotonic() - began),
    }
    files.write_json(RESULTS / "s5.json", result)
    with files.atomic(RESULTS / "s5.md") as handle:
        handle.write(_markdown(result))


def judge(
    photos: Photos,
    features: tuple[str, str],
    changes: list[str],
    fold: np.ndarray,
    usable: np.ndarray,
    codes: np.ndarray,
    kept: dict[Any, Any],
) -> tuple[dict[str, Any], np.ndarray]:
    """One row of the grid over five folds: scores, and the rank of every photo's country."""
    rank = np.full(len(usable), np.nan)
    km = np.full(len(usable), np.nan)
    unseen = 0
    for number in range(5):
        test = usable & (fold == number)
        rows = photos.rows(usable & (fold != number), test, number)
        setup = recipe(
            "s5-clip-vit",
            [
                f"encoder={features[0]}",
                f"fuse={features[1]}",
                "phases=[{epochs: 40, learn: head, learning_rate: 0.02, schedule: plateau}]",
                "stop={patience: 8}",
                *changes,
            ],
        )
        with tempfile.TemporaryDirectory() as folder:
            _, outcome = run_jobs(photos.trainer(setup, rows, Path(folder), kept))
        partition = outcome.partitions["countries"]
        wanted = np.flatnonzero(test)
        log_p = outcome.log_p(wanted)
        true = partition.index(codes[wanted])
        unseen += int((true < 0).sum())
        # A country no training fold has cannot be right: it ranks after all.
        rank[wanted] = metrics.ranks(log_p, true)
        points = partition.centers[log_p.argmax(axis=1)]
        places = photos.manifest.latlon[wanted]
        known = np.isfinite(places).all(axis=1)
        km[wanted[known]] = sphere.haversine(points[known], places[known])
    judged, far = rank[usable], km[np.isfinite(km)]
    return {
        "top1": round(metrics.top_k(judged, 1), 1),
        "top5": round(metrics.top_k(judged, 5), 1),
        "top10": round(metrics.top_k(judged, 10), 1),
        "mean_km": round(float(far.mean())),
        "within_200_750_2500": metrics.within(far, (200.0, 750.0, 2500.0)).round(1).tolist(),
        "photos_with_coordinates": len(far),
        "photos_of_unseen_countries": unseen,
    }, rank


def paired(ranks: dict[str, np.ndarray], photos: Photos) -> list[dict[str, Any]]:
    """The document's claim, on both splits: fused against each of its parts, with the MLP."""
    out = []
    fused = "MLP, MobileNetV2 + ResNet50 (CLIP + ViT)"
    for split in ("manifest folds", "random folds"):
        for part in ("MLP, MobileNetV2 (CLIP's place)", "MLP, ResNet50 (ViT's place)"):
            a, b = ranks[f"{split}: {fused}"], ranks[f"{split}: {part}"]
            known = ~np.isnan(a)
            gap = 100 * ((a[known] <= 5).astype(float) - (b[known] <= 5))
            group = photos.columns["group"][known]
            samples = Resampler.over(group, replicates=500).means(gap)[:, 0]
            low, high = np.percentile(samples, [2.5, 97.5])
            out.append(
                {
                    "pair": f"{split}: fused - {part.removeprefix('MLP, ')}, top-5",
                    "points": round(float(gap.mean()), 1),
                    "interval": [round(float(low), 1), round(float(high), 1)],
                    "mcnemar_p": round(mcnemar(a[known] <= 5, b[known] <= 5), 4),
                }
            )
    return out


def _markdown(result: dict[str, Any]) -> str:
    lines = [
        "# S5, hybrid embeddings, on the development photos",
        "",
        "Made by `bench/s5.py`. CLIP ViT-L/14 and a ViT cannot be had where this ran: MobileNetV2 "
        "stands in CLIP's place, ResNet50 v2 to stage 3 in the ViT's, both frozen ImageNet trunks, "
        "so what CLIP's language pretraining brings is not tested here. SGD, batch 128, class "
        "weights 1/f, rate lowered on a plateau.",
        "",
        f"{result['photos']} photos of {result['countries']} countries. Distances are judged on "
        "photos with coordinates alone; a country's place is its polygon's centroid.",
        "",
    ]
    for split, rows in result["grid"].items():
        some = next(iter(rows.values()))
        lines += [
            f"## {split} ({some['photos_of_unseen_countries']} photos of countries not trained on "
            f"count as wrong; {some['photos_with_coordinates']} with coordinates)",
            "",
            "| head, features | top-1 | top-5 | top-10 | mean km | 200 | 750 | 2500 km | s |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        ]
        for name, found in rows.items():
            near = " | ".join(f"{share:.1f}" for share in found["within_200_750_2500"])
            lines.append(
                f"| {name} | {found['top1']} | {found['top5']} | {found['top10']} | "
                f"{found['mean_km']:,} | {near} | {found['seconds']} |"
            )
        lines.append("")
    lines += ["| pair | points | 95 % | McNemar p |", "|---|---:|---|---:|"]
    lines += [
        f"| {p['pair']} | {p['points']} | [{p['interval'][0]}, {p['interval'][1]}] | "
        f"{p['mcnemar_p']} |"
        for p in result["paired"]
    ]
    lines += [
        "",
        "Published, other data (the document, validation, country top-1 %): "
        + "; ".join(f"{k} {v}" for k, v in result["published_other_data_country_top1"].items())
        + ".",
        "",
        f"{result['machine']}; {result['seconds']} s from kept features.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
