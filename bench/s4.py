"""S4 on the development photos: results/s4.{json,md}.

Parts, each of which writes what it has beside what others wrote before:

    frozen   a frozen trunk and a hidden layer that the tasks share: variants, five folds (long)
    least    what is the least that is needed: shares of the labels, with and without the helper,
             and ISN; by scene and by photos of the cell
    stage4   ResNet50 with its last stage trained here, one random split
    stage4-apart   the same with landmarks on one side each
    speed    what the extra heads cost, and f* over 13 k cells
    page     the page again from the numbers

`frozen:apart` and `least:apart` do the split with landmarks apart alone.

Few of these photos have coordinates and most of those are of some dozen sights, so the
partitionings are small.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from common import s4_speed
from common.real_photos import RESULTS, SHARED, Photos, machine, need_shared, recipe, trunk
from common.s4_page import markdown
from graticule import files, metrics
from graticule.calibration import Calibration
from graticule.evaluation.bootstrap import Resampler, mcnemar, paired_means
from graticule.systems import s2_report
from graticule.systems.multitask_s2 import HELPER
from graticule.systems.s2_decoding import Trainees, evidence, routed_shares
from graticule.systems.s2_report import Evidence
from graticule.training.run import run_jobs

#: τ_max of the three partitionings at this size; τ_min 3.
CELLS = [
    {"name": "coarse", "max": 300, "min": 3},
    {"name": "middle", "max": 100, "min": 3},
    {"name": "fine", "max": 30, "min": 3},
]
PLAIN = "no scene task"
BASE = "with scenes, helper's labels"
VARIANTS = {
    PLAIN: {"scenes": "none", "helper": False},
    "with scenes, labelled photos only": {"scenes": "groups", "helper": False},
    BASE: {"scenes": "groups", "helper": True},
}
LEAST = {
    PLAIN: VARIANTS[PLAIN],
    "10 % of the scene labels, helper": {"scenes": "groups", "helper": True, "label_share": 0.1},
    "10 % of the scene labels, no helper": {
        "scenes": "groups",
        "helper": False,
        "label_share": 0.1,
    },
    "with scenes, labelled photos only": VARIANTS["with scenes, labelled photos only"],
    BASE: VARIANTS[BASE],
    "ISN": {"scenes": "groups", "routing": "soft"},
}
FROZEN = [
    "augment=none",
    "optimizer=adamw",
    "head={hidden: [256], dropout: 0.3, standardise: true}",
]
PUBLISHED = {
    "ResNet50 base(M, f*), Im2GPS3k": [10.1, 28.0, 36.9, 51.1, 67.0],
    "ISNs (M, f*, S3), Im2GPS3k": [10.5, 28.0, 36.6, 49.7, 66.0],
}
#: Photos with a scene and no place that the last stage learns from: all would take an hour.
STAGE4_SCENES = 300
STAGE4_SIZE = 96


def main() -> None:
    """Run some parts, or all but the long one."""
    need_shared()
    for argument in sys.argv[1:] or ["least", "stage4", "stage4-apart", "speed"]:
        part, _, some = argument.partition(":")
        began = time.monotonic()
        if part == "page":
            _keep({})
        elif part == "speed":
            _keep({"speed": s4_speed.measure()})
        else:
            photos = Photos()
            located, scenes = _what(photos)
            _keep(
                {
                    "photos_with_coordinates": int(located.sum()),
                    "places": len(np.unique(photos.manifest.latlon[located], axis=0)),
                    "photos_with_scenes": int(scenes.sum()),
                    "cells": CELLS,
                }
            )
            if some:
                PARTS[part](photos, "landmarks apart")
            else:
                PARTS[part](photos)
        if part != "page":
            _keep({"took_s": {argument: round(time.monotonic() - began)}})


def _keep(found: dict[str, Any]) -> None:
    """Lay what was found over what stands there, and write the page."""
    result = files.read_json(RESULTS / "s4.json")
    result |= {"machine": machine(), "published_other_data": PUBLISHED}
    for name, value in found.items():
        old = result.get(name)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[name] = {**old, **value} if both else value
    files.write_json(RESULTS / "s4.json", result)
    with files.atomic(RESULTS / "s4.md") as handle:
        handle.write(markdown(result))


def _what(photos: Photos) -> tuple[np.ndarray, np.ndarray]:
    """Rows with a place, and rows with a scene."""
    return np.isfinite(photos.manifest.latlon).all(axis=1), photos.columns["scene"] != ""


def _folds(photos: Photos, located: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "random folds": photos.random_folds(located, 0),
        "landmarks apart": photos.folds_apart(photos.sights(), located),
    }


def frozen(photos: Photos, only: str = "") -> None:
    """Three variants on both trunks, five folds, three ways to split or one."""
    located, _ = _what(photos)
    for name in ("mobilenetv2", "resnet50v2_stage3"):
        changes = trunk(name, *FROZEN, *_phases(25, 8))
        folds = _folds(photos, located)
        folds["manifest folds"] = np.where(located, photos.fold, -1)
        found: dict[str, Any] = files.read_json(RESULTS / "s4.json")["trunks"].get(name, {})
        for split, fold in folds.items():
            if only not in ("", split):
                continue
            for found[split] in _judge(photos, changes, fold, range(5), VARIANTS):
                _keep({"trunks": {name: found}})


def least(photos: Photos, only: str = "") -> None:
    """Shares of the labels, the helper, and ISN, on MobileNetV2, one fold of five."""
    located, _ = _what(photos)
    changes = trunk("mobilenetv2", *FROZEN, *_phases(12, 6))
    for split, fold in _folds(photos, located).items():
        if only not in ("", split):
            continue
        for found in _judge(photos, changes, fold, range(1), LEAST):
            _keep({"least": {split: found}})


def _phases(network: int, helper: int) -> tuple[str, str]:
    one = "[{{epochs: {0}, learn: head, learning_rate: 0.001, schedule: cosine}}]"
    return (
        "phases=" + one.format(network),
        f"networks={{cells: {{}}, helper: {{phases: {one.format(helper)}}}}}",
    )


def stage4(photos: Photos, split: str = "random folds") -> None:
    """ResNet50's last stage and the tasks' heads learn from kept maps; one fold is held out."""
    located, scenes = _what(photos)
    stages = SHARED / "weights" / "resnet50v2_stages123_imagenet.safetensors"
    pixels = f"preprocess: {{size: {STAGE4_SIZE}, resize: squash}}"
    changes = [
        f"encoder={{name: resnet50v2, weights: '{stages}', partial: true, {pixels}}}",
        "augment=none",
        "features=maps",
        "optimizer=adamw",
        "weight_decay=0.01",
        "batch_size=32",
        "head={dropout: 0.2}",
        "phases=[{epochs: 8, learn: [stage4, head_bn], learning_rate: 0.0005, schedule: cosine}]",
        # The same frozen stages, and a head on them, label what has no scene.
        f"networks={{helper: {{encoder: {{name: resnet50v2_stage3, weights: '{stages}'}}, "
        "features: auto, head: {hidden: [256], dropout: 0.3, standardise: true}, phases: "
        "[{epochs: 8, learn: head, learning_rate: 0.001}]}}",
    ]
    some = np.zeros(len(located), dtype=bool)
    some[np.random.default_rng(0).permutation(np.flatnonzero(scenes))[:STAGE4_SCENES]] = True
    variants = {name: VARIANTS[name] for name in (PLAIN, BASE)}
    fold = _folds(photos, located)[split]
    for found in _judge(photos, changes, fold, range(1), variants, some):
        found |= {"pixels": STAGE4_SIZE, "scene_photos": int(some.sum())}
        _keep({"last_stage": {split: found}})


PARTS = {
    "frozen": frozen,
    "least": least,
    "stage4": stage4,
    "stage4-apart": lambda photos: stage4(photos, "landmarks apart"),
}


def _judge(
    photos: Photos,
    changes: list[str],
    fold: np.ndarray,
    numbers: range,
    variants: dict[str, dict[str, Any]],
    labelled: np.ndarray | None = None,
) -> Iterator[dict[str, Any]]:
    """Every variant and decoding over some folds: the tables after each variant."""
    located, scenes = _what(photos)
    labelled = scenes if labelled is None else labelled
    kept: dict[Any, Any] = {}
    maps: dict[Any, Any] = {}
    pooled: dict[str, Evidence] = {}
    learned: dict[str, int] = {}
    for variant, settings in variants.items():
        parts: dict[str, list[Evidence]] = {}
        for number in numbers:
            test = located & (fold == number)
            if not test.any():  # a fold of the manifest whose sources have no coordinates
                continue
            train = (located & (fold != number)) | (labelled & (settings["scenes"] != "none"))
            rows = photos.rows(train, test, number)
            learned[variant] = learned.get(variant, 0) + int(rows.train.sum())
            name = "isn" if "routing" in settings else "s4"
            mine = [f"settings.{key}={str(value).lower()}" for key, value in settings.items()]
            setup = recipe(name, [*changes, f"settings.cells={CELLS}", *mine])
            with tempfile.TemporaryDirectory() as folder:
                trainer = photos.trainer(setup, rows, Path(folder), kept)
                trainer.maps.update(maps)
                results, outcome = run_jobs(trainer)
                maps.update(trainer.maps)
                told = {variant: outcome.evidence(np.flatnonzero(test), Calibration())}
                if name == "isn":
                    told = _isn(results, outcome, rows, told[variant])
            for words, one in told.items():
                parts.setdefault(words, []).append(one)
            print(f"{time.strftime('%H:%M:%S')} fold {number}, {variant}", flush=True)
        pooled |= {words: s2_report.pooled(each) for words, each in parts.items()}
        yield _tables(pooled, photos.sights()) | {"train_photos": learned}


def _isn(results: Any, outcome: Any, rows: Any, soft: Evidence) -> dict[str, Evidence]:
    """Both choices of one training: they differ in what is done with the scene alone."""
    helper = next(result for result in results if result.job.name == HELPER)
    names = helper.job.tasks["scenes"].outcomes
    p = np.zeros((len(rows), len(names)))
    p[soft.rows] = np.exp(helper.log_p("scenes", soft.rows))
    shares = routed_shares(p, names, outcome.settings["answering"], "hard")
    networks = [result for result in results if result is not helper]
    whole = Trainees(list(outcome.partitions.values()), networks, shares)
    scenes = np.full(len(rows), "", dtype=object)
    scenes[soft.rows] = soft.scenes
    return {"ISN, hard": evidence(whole, rows, scenes.astype(str), soft.rows), "ISN, soft": soft}


def _tables(pooled: dict[str, Evidence], clusters: np.ndarray) -> dict[str, Any]:
    found = {variant: s2_report.tables(one) for variant, one in pooled.items()}
    first = pooled.get(PLAIN) or next(iter(pooled.values()))
    resampler = Resampler.over(clusters[first.rows], replicates=500)
    best = BASE if BASE in pooled else next(iter(pooled))
    pairs = [(f"f* - fine ({best})", pooled[best].km("f*"), pooled[best].km("fine"))]
    pairs += [
        (f"{variant} - {PLAIN} (f*)", one.km("f*"), first.km("f*"))
        for variant, one in pooled.items()
        if one is not first
    ]
    return {
        "photos": len(first.rows),
        "clusters": resampler.n_clusters,
        "within_percent": _each(found, "within"),
        "median_km": _each(found, "median_km"),
        "scenes": found[best]["scenes"],
        "counts": found[best]["counts"],
        "paired": [_pair(name, a, b, resampler) for name, a, b in pairs],
    }


def _each(found: dict[str, Any], key: str) -> dict[str, Any]:
    return {
        variant: {name: cell[key] for name, cell in tables["decodings"].items()}
        for variant, tables in found.items()
    }


def _pair(name: str, a: np.ndarray, b: np.ndarray, resampler: Resampler) -> dict[str, Any]:
    gap = paired_means(metrics.geoscores(a), metrics.geoscores(b), resampler)
    return {
        "pair": name,
        "geoscore_difference": round(gap.estimate.value, 1),
        "interval": [round(gap.estimate.low, 1), round(gap.estimate.high, 1)],
        "p": round(gap.p_value, 4),
        "mcnemar_200_km": round(mcnemar(a <= 200, b <= 200), 4),
    }


if __name__ == "__main__":
    main()
