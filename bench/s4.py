"""S4 on the development photos: results/s4.{json,md}.

Few of these photos have coordinates and most of those are of some dozen sights, so the
partitionings are small. Both trunks of ../shared/weights, frozen, through the feature cache, with a
hidden layer that the tasks share: with a frozen trunk and bare heads they could not help one
another.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from common.real_photos import RESULTS, Photos, machine, need_shared, recipe, trunk
from graticule import files, metrics, sphere
from graticule.belief import Belief
from graticule.evaluation.bootstrap import Resampler, mcnemar, paired_means
from graticule.systems.multitask_s2 import NETWORK, ancestors, f_star
from graticule.training.run import run_jobs

#: τ_max of the three partitionings at this size; τ_min 3.
CELLS = [
    {"name": "coarse", "max": 300, "min": 3},
    {"name": "middle", "max": 100, "min": 3},
    {"name": "fine", "max": 30, "min": 3},
]
VARIANTS = {
    "with scenes, helper's labels": {"scenes": "groups", "helper": True},
    "with scenes, labelled photos only": {"scenes": "groups", "helper": False},
    "no scene task": {"scenes": "none", "helper": False},
}
DECODINGS = ("coarse", "middle", "fine", "f*")
PUBLISHED = {"ResNet50 base(M, f*), Im2GPS3k": [10.1, 28.0, 36.9, 51.1, 67.0]}


def main() -> None:
    """Train, judge and write."""
    need_shared()
    began = time.monotonic()
    photos = Photos()
    located = np.isfinite(photos.manifest.latlon).all(axis=1)
    scenes = photos.columns["scene"] != ""
    landmark = photos.columns["landmark"]
    cluster = np.where(landmark != "", landmark, photos.columns["group"])
    result: dict[str, Any] = {
        "photos_with_coordinates": int(located.sum()),
        "places": len(np.unique(photos.manifest.latlon[located], axis=0)),
        "photos_with_scenes": int(scenes.sum()),
        "cells": CELLS,
        "published_other_data": PUBLISHED,
        "machine": machine(),
        "trunks": {},
    }
    for name in ("mobilenetv2", "resnet50v2_stage3"):
        result["trunks"][name] = {
            split: judge(photos, name, fold, located, scenes, cluster)
            for split, fold in {
                "random folds": photos.random_folds(located, 0),
                "landmarks apart": photos.folds_apart(cluster, located),
                "manifest folds": np.where(located, photos.fold, -1),
            }.items()
        }
    result["seconds"] = round(time.monotonic() - began)
    files.write_json(RESULTS / "s4.json", result)
    with files.atomic(RESULTS / "s4.md") as handle:
        handle.write(_markdown(result))


def judge(
    photos: Photos,
    name: str,
    fold: np.ndarray,
    located: np.ndarray,
    scenes: np.ndarray,
    cluster: np.ndarray,
) -> dict[str, Any]:
    """Every variant and decoding over five folds."""
    kept: dict[Any, Any] = {}
    km: dict[str, dict[str, np.ndarray]] = {}
    order: np.ndarray = np.empty(0, dtype=np.int64)
    for variant, settings in VARIANTS.items():
        parts: dict[str, list[np.ndarray]] = {decoding: [] for decoding in DECODINGS}
        numbers = []
        for number in range(5):
            test = located & (fold == number)
            if not test.any():  # a fold of the manifest whose sources have no coordinates
                continue
            train = (located & (fold != number)) | (scenes & (settings["scenes"] != "none"))
            rows = photos.rows(train, test, number)
            setup = recipe(
                "s4",
                trunk(
                    name,
                    "augment=none",
                    "optimizer=adamw",
                    "head={hidden: [256], dropout: 0.3, standardise: true}",
                    "phases=[{epochs: 25, learn: head, learning_rate: 0.001, schedule: cosine}]",
                    "networks={helper: {phases: [{epochs: 8, learn: head}]}}",
                    f"settings.cells={CELLS}",
                    f"settings.scenes={settings['scenes']}",
                    f"settings.helper={str(settings['helper']).lower()}",
                ),
            )
            with tempfile.TemporaryDirectory() as folder:
                results, outcome = run_jobs(photos.trainer(setup, rows, Path(folder), kept))
                network = next(r for r in results if r.job.name == NETWORK)
                wanted = np.flatnonzero(test)
                numbers.append(wanted)
                for decoding, points in _points(network, outcome, wanted).items():
                    parts[decoding].append(sphere.haversine(points, photos.manifest.latlon[wanted]))
        order = np.concatenate(numbers)
        km[variant] = {decoding: np.concatenate(found) for decoding, found in parts.items()}
    resampler = Resampler.over(cluster[order], replicates=500)
    return {
        "photos": len(order),
        "clusters": resampler.n_clusters,
        "within_percent": {
            variant: {d: metrics.within(e).round(1).tolist() for d, e in found.items()}
            for variant, found in km.items()
        },
        "median_km": {
            variant: {d: float(np.median(e).round(1)) for d, e in found.items()}
            for variant, found in km.items()
        },
        "paired": _paired(km, resampler),
    }


def _points(network: Any, outcome: Any, wanted: np.ndarray) -> dict[str, np.ndarray]:
    """The mean of the photos of the likeliest cell, by each decoding."""
    cells = list(outcome.partitions.values())
    beliefs = [Belief.from_logits(part, network.log_p(part.name, wanted)) for part in cells]
    points = {
        part.name: part.centers[belief.top(1)[0][:, 0]]
        for part, belief in zip(cells, beliefs, strict=True)
    }
    best = f_star(beliefs, ancestors(cells)).top(1)[0][:, 0]
    return points | {"f*": cells[-1].centers[best]}


def _paired(km: dict[str, dict[str, np.ndarray]], resampler: Resampler) -> list[dict[str, Any]]:
    """f* against fine, and each variant against the one without scenes, on GeoScore and 200 km."""
    base, plain = "with scenes, helper's labels", "no scene task"
    pairs = [
        (f"f* - fine ({base})", km[base]["f*"], km[base]["fine"]),
        (f"{base} - {plain} (f*)", km[base]["f*"], km[plain]["f*"]),
        (
            f"with scenes, labelled photos only - {plain} (f*)",
            km["with scenes, labelled photos only"]["f*"],
            km[plain]["f*"],
        ),
    ]
    out = []
    for name, a, b in pairs:
        gap = paired_means(metrics.geoscores(a), metrics.geoscores(b), resampler)
        out.append(
            {
                "pair": name,
                "geoscore_difference": round(gap.estimate.value, 1),
                "interval": [round(gap.estimate.low, 1), round(gap.estimate.high, 1)],
                "p": round(gap.p_value, 4),
                "mcnemar_200_km": round(mcnemar(a <= 200, b <= 200), 4),
            }
        )
    return out


def _markdown(result: dict[str, Any]) -> str:
    lines = [
        "# S4, multitask on S2 cells, on the development photos",
        "",
        "Made by `bench/s4.py`. Trunks of ../shared/weights, frozen (neither a whole ResNet50 nor "
        "Places can be had where this ran), one hidden layer of 256 shared by the tasks. "
        f"{result['photos_with_coordinates']} photos with coordinates at {result['places']} "
        f"places; {result['photos_with_scenes']} others have scenes and no coordinates. A cell's "
        "place is the mean of its photos.",
        "",
        "Percent of photos within 1 / 25 / 200 / 750 / 2500 km.",
        "",
    ]
    for trunk_name, splits in result["trunks"].items():
        for split, cell in splits.items():
            lines += [
                f"## {trunk_name}, {split}: {cell['photos']} photos, {cell['clusters']} clusters",
                "",
                "| variant | decoding | 1 | 25 | 200 | 750 | 2500 | median km |",
                "|---|---|---:|---:|---:|---:|---:|---:|",
            ]
            for variant, found in cell["within_percent"].items():
                for decoding, shares in found.items():
                    numbers = " | ".join(f"{share:.1f}" for share in shares)
                    median = cell["median_km"][variant][decoding]
                    lines.append(f"| {variant} | {decoding} | {numbers} | {median:,.0f} |")
            lines += [
                "",
                "| pair | GeoScore difference | 95 % | p | McNemar p at 200 km |",
                "|---|---:|---|---:|---:|",
            ]
            lines += [
                f"| {p['pair']} | {p['geoscore_difference']} | [{p['interval'][0]}, "
                f"{p['interval'][1]}] | {p['p']} | {p['mcnemar_200_km']} |"
                for p in cell["paired"]
            ]
            lines.append("")
    lines += [
        "Published, other data (GeoEstimation, Im2GPS3k): "
        + "; ".join(f"{k}: {v}" for k, v in result["published_other_data"].items())
        + ".",
        "",
        "Most photos are of two dozen Indian sights and of San Francisco: a random split asks "
        "which sight it is, and the split by source asks for cells that no training photo is in.",
        "",
        f"{result['machine']}; {result['seconds']} s.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
