"""S3 on the development photos: results/s3.{json,md} and the confusion picture.

Every city with 30 photos or more; VGG16 cannot be had where this runs, so the trunk is MobileNetV2,
frozen, through the feature cache. Five folds by source beside five at random.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from common.real_photos import (
    FOLDS,
    RESULTS,
    TOP_BLOCK,
    Photos,
    machine,
    need_shared,
    recipe,
    trunk,
)
from graticule import files
from graticule.systems import city_report
from graticule.systems.plan import city_places
from graticule.training.calibrate import calibrate
from graticule.training.pictures import draw_confusion
from graticule.training.run import run_jobs

MIN_PHOTOS = 30
TAUGHT = ", other places taught"
#: The same network with the top of its trunk learning after the head has, on one random fold.
TUNED = (
    "features=maps",
    "views=['', flip]",
    "phases=[{epochs: 8, learn: head, learning_rate: 0.001}, "
    f"{{epochs: 8, learn: {TOP_BLOCK}, learning_rate: 0.0003, schedule: cosine}}]",
)
PUBLISHED = {
    "FR:Paris": 0.416, "JP:Tokyo": 0.658, "GB:London": 0.345, "TH:Bangkok": 0.564,
    "US:New York": 0.857, "NL:Amsterdam": 0.612, "IN:Mumbai": 0.489, "ES:Barcelona": 0.604,
    "IT:Venice": 0.823, "US:Los Angeles": 0.727,
}  # fmt: skip


def main() -> None:
    """Train, judge and write."""
    need_shared()
    began = time.monotonic()
    photos = Photos()
    usable = (photos.columns["city"] != "") & (photos.fold >= 0)
    nobody = np.zeros(len(usable), dtype=bool)
    ids, _, few = city_places(
        replace(photos.rows(usable, nobody, 0), train=usable), min_photos=MIN_PHOTOS
    )
    cities = sorted({str(i) for i in ids if i})
    mine, others = usable & (ids != ""), usable & (ids == "")
    # Photos of countries in which none of the cities lies: they may teach what elsewhere is.
    countries = photos.columns["country"]
    homes = {name.partition(":")[0] for name in cities}
    abroad = (countries != "") & ~np.isin(countries, list(homes)) & ~usable
    common = trunk(
        "mobilenetv2",
        "augment=none",
        f"settings.cities={cities}",
        "settings.min_photos=1",
        "settings.report_photos=0",
        "encoder.preprocess={resize: squash}",
    )
    setup = recipe("s3", common)
    ten = {name: few.get(name, int((ids == name).sum())) for name in PUBLISHED}
    result: dict[str, Any] = {
        "backbone": "MobileNetV2 1.0, ImageNet, frozen (../shared/weights), average pooling",
        "head": "1024 ReLU, dropout 0.5, softmax; Adam 1e-3, batch 15, patience 7",
        "photos": int(mine.sum()),
        "cities": len(cities),
        "photos_of_other_cities": int(others.sum()),
        "ten_cities_of_the_document": ten,
        "published_other_data": {"overall": 0.610, "cities": PUBLISHED},
        "machine": machine(),
    }
    if "tuned" in sys.argv:
        result = files.read_json(RESULTS / "s3.json") | result
        result["tuned"] = tuned(photos, mine, recipe("s3", [*common, *TUNED]), setup)
        files.write_json(RESULTS / "s3.json", result)
        write_page(result)
        return
    old = files.read_json(RESULTS / "s3.json") if (RESULTS / "s3.json").is_file() else {}
    result |= {name: old[name] for name in ("tuned",) if name in old}
    found: dict[str, Any] = {}
    kept: dict[Any, Any] = {}
    for split in ("manifest folds", "random folds"):
        by_source = split == "manifest folds"
        fold, apart, away = (
            np.where(which, photos.fold, -1) if by_source else photos.random_folds(which, 0)
            for which in (mine, others, abroad)
        )
        for taught in (False, True):
            name = split + (TAUGHT if taught else "")
            parts = []
            for number in range(FOLDS):
                test = (fold == number) | (apart == number)
                train = mine & (fold != number)
                if taught:
                    train |= (others & (apart != number)) | (abroad & (away != number))
                rows = photos.rows(train, test, number)
                parts.append(judge(photos, setup, rows, kept))
            pooled = city_report.pooled(parts)
            found[name] = city_report.tables(pooled)
            found[name]["photos_of_cities_training_never_saw"] = sum(pooled.never_shown.values())
            found[name]["photos_of_other_places_that_taught"] = (
                int((others | abroad).sum()) if taught else 0
            )
            result |= {"splits": found, "seconds": round(time.monotonic() - began)}
            files.write_json(RESULTS / "s3.json", result)
    write_page(result)


def tuned(photos: Photos, mine: np.ndarray, setup: Any, frozen: Any) -> dict[str, Any]:
    """One random fold with the top of the trunk learning, and the same fold with it frozen."""
    fold = photos.random_folds(mine, 0)
    rows = photos.rows(mine & (fold != 0), fold == 0, 0)
    out: dict[str, Any] = {"train_photos": int(rows.train.sum())}
    for name, one in (("frozen", frozen), ("top block learns", setup)):
        began = time.process_time()
        table = city_report.tables(judge(photos, one, rows, {}))
        out[name] = {key: table[key] for key in ("photos", "accuracy", "mean_of_cities")}
        out[name]["processor_seconds"] = round(time.process_time() - began)
    return out


def judge(photos: Photos, setup: Any, rows: Any, kept: dict[Any, Any]) -> Any:
    """What S3 says of the test rows, calibrated on rows set aside from training."""
    with tempfile.TemporaryDirectory() as folder:
        _, outcome = run_jobs(photos.trainer(setup, rows, Path(folder), kept))
        calibration = calibrate(outcome, rows, np.flatnonzero(rows.validation))
        assert outcome.evidence is not None
        return outcome.evidence(np.flatnonzero(rows.test), calibration)


def write_page(result: dict) -> None:
    """``s3.md`` and the confusion picture, from the figures."""
    table = result["splits"]["random folds"]
    draw_confusion(table["confusion"], sorted(table["cities"]), RESULTS / "s3-confusion.png")
    with files.atomic(RESULTS / "s3.md") as handle:
        handle.write(_markdown(result))


def _markdown(result: dict) -> str:
    manifest, random = (result["splits"][f"{n} folds"] for n in ("manifest", "random"))
    never = manifest["photos_of_cities_training_never_saw"]
    lines = [
        "# S3, cities, on the development photos",
        "",
        "Made by `bench/s3.py`. The document's VGG16 cannot be had where this ran; the same system "
        f"runs on another trunk: {result['backbone']}. {result['head']}.",
        "",
        f"Photos: {result['photos']} of {result['cities']} cities with {MIN_PHOTOS} photos or "
        "more, from ../shared/photos. Three quarters of them are of Indian monuments and San "
        "Francisco: each of those cities comes from one source, mostly of one or a few sights.",
        "",
        "| split | accuracy | mean of cities | photos |",
        "|---|---|---|---|",
    ]
    for name, cell in (("random", random), ("by source (manifest folds)", manifest)):
        lines.append(
            f"| {name} | {100 * cell['accuracy']:.1f} % | {100 * cell['mean_of_cities']:.1f} % | "
            f"{cell['photos']} |"
        )
    lines += [
        "",
        f"{100 * (random['accuracy'] - manifest['accuracy']):.1f} points lie between the two, for "
        "two reasons. A random split leaks: photos of one walk or one sight fall on both sides. "
        "And by source there is next to nothing to learn from: of most of these cities a stray "
        f"photo or two lie outside their main source (Delhi: 2 of 745). {never} photos of cities "
        "that no other source shows at all cannot be right and are not counted. So the first "
        "figure says how well a network knows a collection, the second that these photos cannot "
        "teach it what a city looks like to somebody else. No photographer is known for these "
        "photos; their sources stand in.",
        "",
        "## Elsewhere",
        "",
        "Whether a photo is of none of the cities is told by abstention: the belief's distance "
        "from equal shares, with the threshold that answers nineteen in twenty photos set aside "
        "from training. Judged on photos of cities that are not in the list. In the second row of "
        "each split photos of other places taught, too, that all cities are alike for them: of "
        "other cities and of countries in which none of the cities lies, never of the judged fold. "
        "That score and this lesson were chosen by looking at the first of the random folds.",
        "",
        "| split | taught by | AUROC | others called elsewhere | own called elsewhere | right "
        "where it answers | accuracy |",
        "|---|---|---|---|---|---|---|",
        *_elsewhere(result["splits"]),
        "",
        *_tuned(result.get("tuned")),
        "## Random split",
        "",
        city_report.markdown(random),
        "![Confusion, random split](s3-confusion.png)",
        "",
        "## Split by source",
        "",
        city_report.markdown(manifest),
        "## The document's ten, published, other data",
        "",
        "| city | published accuracy | photos here |",
        "|---|---|---|",
    ]
    for name, share in result["published_other_data"]["cities"].items():
        lines.append(
            f"| {name} | {100 * share:.1f} % | {result['ten_cities_of_the_document'][name]} |"
        )
    lines += [
        "| overall | 61.0 % | |",
        "",
        "Cities with fewer than 30 photos here are listed and not scored.",
        "",
    ]
    return "\n".join(lines)


def _tuned(found: dict | None) -> list[str]:
    if found is None:
        return []
    lines = [
        "## With the top of the trunk learning",
        "",
        f"One random fold, {found['train_photos']} photos to learn from: eight epochs of the head, "
        "then eight of the last inverted residual block and the last convolution beside it, from "
        "kept maps, each photo as it is or flipped.",
        "",
        "| trunk | accuracy | mean of cities | photos | processor seconds |",
        "|---|---|---|---|---|",
    ]
    for name in ("frozen", "top block learns"):
        cell = found[name]
        lines.append(
            f"| {name} | {100 * cell['accuracy']:.1f} % | {100 * cell['mean_of_cities']:.1f} % | "
            f"{cell['photos']} | {cell['processor_seconds']} |"
        )
    return [*lines, ""]


def _elsewhere(splits: dict) -> list[str]:
    lines = []
    for split in ("random folds", "manifest folds"):
        for words, end in (("the cities alone", ""), ("other places as well", TAUGHT)):
            cell = splits[split + end]
            other = cell["elsewhere"]
            shares = [
                f"{100 * share:.1f} %"
                for share in (
                    other["others_called_elsewhere"],
                    other["own_called_elsewhere"],
                    other["accuracy_where_answered"],
                    cell["accuracy"],
                )
            ]
            lines.append(f"| {split} | {words} | {other['auroc']:.2f} | {' | '.join(shares)} |")
    return lines


if __name__ == "__main__":
    if "--page" in sys.argv:  # write the page again from the figures
        write_page(files.read_json(RESULTS / "s3.json"))
    else:
        main()
