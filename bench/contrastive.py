"""Contrastive training on captions, on the development photos: results/contrastive.{json,md}.

How fast captions are made, beside the obvious loop; how well held-out photos are placed zero-shot,
by caption; and whether the geocell head of S2 gains from vectors that were pretrained on captions.
Everything is learned on a fold's training photos alone. A trunk of ../shared/weights, frozen.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common.real_photos import FEATURES, FOLDS, RESULTS, Photos, machine, need_shared, recipe, trunk
from common.s2_steps import ladder, table
from graticule import atlas, files, metrics, sphere
from graticule.atlas.captions import sentence
from graticule.atlas.wordings import WORDINGS
from graticule.evaluation.bootstrap import Estimate, Resampler, paired_means
from graticule.systems import prompts, semantic_cells, zero_shot
from graticule.systems.plan import Outcome, Rows
from graticule.training import pretrain
from graticule.training.contrastive import Pretrained
from graticule.training.run import run_jobs
from graticule.training.trainer import Result

TRUNK = "mobilenetv2"
#: Passes over India's photos, and over the world's, of which there are more.
EPOCHS, WORLD_EPOCHS = 12, 4
#: The geocell head of S2, steps A and D: one network, so that nothing else differs.
HEAD = [
    "settings.attributes=[]",
    "settings.groups=null",
    "settings.top={k: 1, merge_km: 0}",
    "settings.refine={how: mean}",
    "batch_size=128",
    "stop={patience: 0, keep: last}",
    "phases=[{epochs: 15, learn: head, learning_rate: 0.001, schedule: cosine}]",
]
#: The whole chain of S2's ladder, by the recipe of `bench/s2.py`.
CHAIN = [
    "loss.kind=haversine",
    "batch_size=128",
    "stop={patience: 0, keep: last}",
    "phases=[{epochs: 15, learn: head, learning_rate: 0.001, schedule: cosine}]",
]
#: What can be measured by itself: the result keeps the parts of earlier calls.
PARTS = ("speed", "random", "landmarks", "world")
#: What the head sees → whether the pretrained vectors stand beside the trunk's.
WAYS: dict[str, bool | None] = {
    "trunk": None,
    "captions": False,
    "trunk and captions": True,
}


def main() -> None:
    """Measure and write, part by part."""
    need_shared()
    began = time.monotonic()
    _cached_cells()
    photos = Photos()
    latlon = photos.manifest.latlon
    located = np.isfinite(latlon).all(axis=1)
    india = located.copy()
    india[located] = atlas.countries(latlon[located]) == "IN"
    cluster = photos.sights()
    wanted = sys.argv[1:] or list(PARTS)
    kept = RESULTS / "contrastive.json"
    result: dict[str, Any] = files.read_json(kept) if kept.is_file() else {"india": {}}
    result |= {"trunk": TRUNK, "epochs": [EPOCHS, WORLD_EPOCHS], "machine": machine()}
    if "speed" in wanted:
        result["speed"] = speed()
        write(result, began)
    splits = {
        "random": ("India, random", photos.random_folds(india, 0)),
        "landmarks": ("India, landmarks apart", photos.folds_apart(cluster, india)),
    }
    for key, (name, fold) in splits.items():
        if key in wanted:
            # A fold takes a minute or more: what is done is written.
            for found in judge_india(photos, fold, cluster):
                result["india"][name] = found
                write(result, began)
    if "world" in wanted:
        for found in judge_world(photos):
            result["world"] = found
            write(result, began)


def write(result: dict[str, Any], began: float) -> None:
    """What is there so far."""
    result["seconds_of_last_call"] = round(time.monotonic() - began)
    files.write_json(RESULTS / "contrastive.json", result)
    with files.atomic(RESULTS / "contrastive.md") as handle:
        handle.write(markdown(result))


def speed(n: int = 100_000, few: int = 300) -> dict[str, Any]:
    """Captions a second of processor time, with every optional sentence, and by the plain loop."""
    points = atlas.sample_land(n, 0)
    for language in WORDINGS:
        atlas.captions(points[:few], language=language)  # reads the data
    found: dict[str, Any] = {"places": n}
    for language in WORDINGS:
        rates = []
        for _ in range(3):
            begin = time.process_time()
            atlas.captions(points, language=language).draw(keep=1)
            rates.append(n / (time.process_time() - begin))
        found[language] = round(float(np.median(rates)))
    made = atlas.captions(points)
    begin = time.process_time()
    made.draw(epoch=1)
    found["another_epoch"] = round(n / (time.process_time() - begin))
    begin = time.process_time()
    own = [one_by_one(point) for point in points[:few]]
    found["loop"] = round(few / (time.process_time() - begin))
    assert own == made.draw(keep=1)[:few].tolist(), "the loop and the columns differ"
    found["ratio"] = round(found["en"] / found["loop"], 1)
    return found


def one_by_one(point: np.ndarray) -> str:
    """The caption of one photo, as a loop over photos would make it."""
    words = WORDINGS["en"]
    name, more = atlas.names(point)[0], atlas.attributes(point)
    text = sentence(words, name.town, name.region_name, name.country_name)
    if more.climate[0]:
        text += " " + words.climate.format(climate=atlas.climate_name(str(more.climate[0])))
    if more.road_side[0]:
        text += " " + words.road_side[str(more.road_side[0])]
    if more.scripts[0]:
        text += " " + words.script.format(script=words.scripts[more.scripts[0][0]])
    return text


def judge_india(photos: Photos, fold: np.ndarray, cluster: np.ndarray) -> Iterator[dict[str, Any]]:
    """Zero-shot states and the geocell head, over one fold, over two … over all five."""
    partitions = prompts.places("IN", ("regions", "cities"), 30)
    places = photos.manifest.latlon
    said: list[dict[str, np.ndarray]] = []
    points: dict[str, list[np.ndarray]] = {way: [] for way in WAYS}
    chains: dict[str, list[np.ndarray]] = {way: [] for way in WAYS}
    cells: dict[str, list[int]] = {way: [] for way in WAYS}
    order: list[np.ndarray] = []
    for number in np.unique(fold[fold >= 0]):
        start = time.monotonic()
        rows = photos.rows((fold >= 0) & (fold != number), fold == number, int(number))
        test = np.flatnonzero(rows.test)
        with tempfile.TemporaryDirectory() as folder:
            result, encoder = train(photos, rows, Path(folder), "IN")
            beliefs = ask(result, encoder, photos, test, partitions)
            said.append(states(beliefs, places, rows, test))
            for way, beside in WAYS.items():
                at = Path(folder) / way
                points[way].append(head(photos, rows, at, encoder, beside)(test))
                outcome = chain(photos, rows, at / "chain", encoder, beside)
                chains[way].append(outcome.points(test))
                cells[way].append(len(outcome.partitions[outcome.point_task]))
        order.append(test)
        print(f"fold {number}: {time.monotonic() - start:.0f} s", flush=True)
        found = _india(order, said, points, cluster, places, partitions)
        yield found | {"chain": _chains(order, chains, cells, cluster, places)}


def _india(
    order: list[np.ndarray],
    said: list[dict[str, np.ndarray]],
    points: dict[str, list[np.ndarray]],
    cluster: np.ndarray,
    places: np.ndarray,
    partitions: Any,
) -> dict[str, Any]:
    """What the folds so far say."""
    all_rows = np.concatenate(order)
    resampler = Resampler.over(cluster[all_rows], replicates=500)
    whole = {key: np.concatenate([one[key] for one in said]) for key in said[0]}
    km = {way: sphere.haversine(np.concatenate(p), places[all_rows]) for way, p in points.items()}
    base = metrics.geoscores(km["trunk"])
    heads = {}
    for way, away in km.items():
        score = metrics.geoscores(away)
        heads[way] = {
            "median_km": round(float(np.median(away)), 1),
            "within_percent": metrics.within(away, (25, 200, 750)).round(1).tolist(),
            "geoscore": round(float(score.mean()), 1),
        }
        if way != "trunk":
            gap = paired_means(score, base, resampler)
            heads[way] |= {
                "difference": round(gap.estimate.value, 1),
                "interval": [round(gap.estimate.low, 1), round(gap.estimate.high, 1)],
                "p": round(gap.p_value, 4),
            }
    return {
        "photos": len(all_rows),
        "folds": len(order),
        "clusters": resampler.n_clusters,
        "states_asked": len(partitions["regions"]),
        "towns_asked": len(partitions["cities"]),
        "zero_shot": shares(whole, resampler),
        "head": heads,
    }


def _chains(
    order: list[np.ndarray],
    points: dict[str, list[np.ndarray]],
    cells: dict[str, list[int]],
    cluster: np.ndarray,
    places: np.ndarray,
) -> dict[str, Any]:
    """The whole chain on each kind of vectors, in the columns of the ladder."""
    rows = np.concatenate(order)
    resampler = Resampler.over(cluster[rows], replicates=500)
    truth, away, found = atlas.names(places[rows]), {}, {}
    for way, parts in points.items():
        own = np.concatenate(parts)
        away[way] = sphere.haversine(own, places[rows])
        said = atlas.names(own)
        found[way] = {
            "cells": round(float(np.mean(cells[way])), 1),
            "median_km": round(float(np.median(away[way])), 1),
            "within_percent": metrics.within(away[way], (1, 25, 200, 750)).round(1).tolist(),
            "state_percent": _percent(np.asarray(said.region) == np.asarray(truth.region)),
            "town_percent": _percent(said.town.astype(str) == truth.town.astype(str)),
            "geoscore": round(float(metrics.geoscores(away[way]).mean()), 1),
        }
        if way != "trunk":
            scores = metrics.geoscores(away[way]), metrics.geoscores(away["trunk"])
            gap = paired_means(*scores, resampler)
            found[way] |= {
                "against": "trunk",
                "difference": round(gap.estimate.value, 1),
                "interval": [round(gap.estimate.low, 1), round(gap.estimate.high, 1)],
                "p": round(gap.p_value, 4),
            }
    return found


def _percent(right: np.ndarray) -> float:
    return round(100 * float(right.mean()), 1)


def shares(found: dict[str, np.ndarray], resampler: Resampler) -> dict[str, Any]:
    """Percentages of photos with their intervals; ``km`` by its median."""
    out: dict[str, Any] = {}
    for name, values in found.items():
        if name == "km":
            out["median_km"] = round(float(np.median(values)))
            continue
        share = values.astype(np.float64)
        samples = resampler.means(share)[:, 0]
        mean = Estimate.of(float(share.mean()), samples, resampler.n_clusters)
        out[name] = [round(100 * v, 1) for v in (mean.value, mean.low, mean.high)]
    return out


def train(photos: Photos, rows: Rows, folder: Path, region: str) -> tuple[Result, Pretrained]:
    """Pretrain on the captions of a fold's training photos."""
    epochs = EPOCHS if region else WORLD_EPOCHS
    phase = f"{{epochs: {epochs}, learn: head, learning_rate: 0.001, schedule: cosine}}"
    setup = recipe(
        "contrastive-small", trunk(TRUNK, f"phases=[{phase}]", f"settings.region={region}")
    )
    trainer = photos.trainer(setup, rows, folder)
    return pretrain.pretrain(trainer, setup)


def ask(
    result: Result, encoder: Pretrained, photos: Photos, test: np.ndarray, partitions: Any
) -> dict[str, Any]:
    """Beliefs of test photos over each level, by captions."""
    seen = encoder.vectors([photos.files[i] for i in test], FEATURES)
    language, words = prompts.wording({})
    beliefs: dict[str, Any] = {}
    above = over = None
    for name, partition in partitions.items():
        texts = prompts.captions(partition, words, language)
        assert result.tokenizer is not None
        with torch.inference_mode():
            blocks = [
                result.network.head.texts(torch.from_numpy(result.tokenizer(texts[at : at + 64])))
                for at in range(0, len(texts), 64)
            ]
        vectors = torch.cat(blocks).numpy()
        if above is not None:
            over = prompts.parents(partition, above.over)
        logits = result.logit_scale() * np.nan_to_num(seen) @ vectors.T
        above = beliefs[name] = zero_shot.inside(partition, logits, above, over)
    return beliefs


def states(
    beliefs: dict[str, Any], places: np.ndarray, rows: Rows, test: np.ndarray
) -> dict[str, np.ndarray]:
    """Whether each photo's state is told right, and what telling the commonest state would give."""
    states_ = beliefs["regions"].over
    own = states_.assign(places[test])
    learned = states_.assign(places[rows.train])
    best = beliefs["regions"].log_p.argmax(axis=1)
    top = np.argsort(-beliefs["regions"].log_p, axis=1)[:, :5]
    seen = np.unique(learned)
    among = seen[beliefs["regions"].log_p[:, seen].argmax(axis=1)]
    cities = beliefs["cities"]
    km = sphere.haversine(cities.over.centers[cities.log_p.argmax(axis=1)], places[test])
    return {
        "state": best == own,
        "state_top5": (top == own[:, None]).any(axis=1),
        "state_among_those_trained_on": among == own,
        "commonest_state": own == np.bincount(learned[learned >= 0]).argmax(),
        "state_was_trained_on": np.isin(own, seen),
        "km": km,
    }


def head(photos: Photos, rows: Rows, folder: Path, encoder: Pretrained, beside: bool | None) -> Any:
    """The geocell head over the trunk's vectors, the pretrained ones, or both."""
    setup = recipe("s2-india", trunk(TRUNK, *HEAD))
    if beside is not None:
        setup = setup.model_copy(update=dict(pretrain.changes(beside=beside)))
    trainer = photos.trainer(setup, rows, folder)
    pretrain.lend(trainer, encoder)
    _, outcome = run_jobs(trainer)
    assert outcome.points is not None
    return outcome.points


def chain(
    photos: Photos, rows: Rows, folder: Path, encoder: Pretrained, beside: bool | None
) -> Outcome:
    """The whole chain of S2's ladder over the trunk's vectors, the pretrained ones, or both."""
    setup = recipe("s2-india", trunk(TRUNK, *CHAIN))
    own = {k: v for k, v in ladder()["G prototypes"].items() if k != "loss"}
    setup = setup.model_copy(update={"settings": setup.settings | own})
    if beside is not None:
        setup = setup.model_copy(update=dict(pretrain.changes(beside=beside)))
    trainer = photos.trainer(setup, rows, folder)
    pretrain.lend(trainer, encoder)
    _, outcome = run_jobs(trainer)
    return outcome


def _cached_cells() -> None:
    """Build a fold's cells once, not once for each kind of vectors."""
    kept: dict[Any, Any] = {}
    build = semantic_cells.region_cells

    def cells(rows: Rows, *how: Any) -> Any:
        key = (rows.train.tobytes(), str(how))
        if key not in kept:
            kept.clear()
            kept[key] = build(rows, *how)
        made, notes = kept[key]
        return made, list(notes)

    semantic_cells.region_cells = cells  # type: ignore[assignment]


def judge_world(photos: Photos) -> Iterator[dict[str, Any]]:
    """Countries by caption, on the manifest's folds, over one, over two … over all."""
    partitions = prompts.places("", ("countries",), 1)
    lands = partitions["countries"]
    latlon = photos.manifest.latlon
    located = np.isfinite(latlon).all(axis=1)
    codes = photos.columns["country"].astype("<U2")
    open_ = (codes == "") & located
    codes[open_] = atlas.countries(latlon[open_])
    own = lands.index(codes)
    fold = np.where(own >= 0, photos.fold, -1)
    parts: list[dict[str, np.ndarray]] = []
    order: list[np.ndarray] = []
    for number in np.unique(fold[fold >= 0]):
        start = time.monotonic()
        rows = photos.rows((fold >= 0) & (fold != number), fold == number, int(number))
        test = np.flatnonzero(rows.test)
        with tempfile.TemporaryDirectory() as folder:
            result, encoder = train(photos, rows, Path(folder), "")
            log_p = ask(result, encoder, photos, test, partitions)["countries"].log_p
        learned = own[rows.train]
        top = np.argsort(-log_p, axis=1)[:, :5]
        parts.append(
            {
                "country": top[:, 0] == own[test],
                "country_top5": (top == own[test][:, None]).any(axis=1),
                "commonest_country": own[test] == np.bincount(learned).argmax(),
                "country_was_trained_on": np.isin(own[test], learned),
            }
        )
        order.append(test)
        print(f"world fold {number}: {time.monotonic() - start:.0f} s", flush=True)
        yield _world(photos, order, parts, lands)


def _world(
    photos: Photos, order: list[np.ndarray], parts: list[dict[str, np.ndarray]], lands: Any
) -> dict[str, Any]:
    """What the folds so far say."""
    rows_ = np.concatenate(order)
    group = photos.columns["group"]
    names = np.where(group == "", photos.columns["path"], group)[rows_]
    resampler = Resampler.over(names, replicates=500)
    whole = {key: np.concatenate([one[key] for one in parts]) for key in parts[0]}
    return {
        "photos": len(rows_),
        "folds": len(order),
        "clusters": resampler.n_clusters,
        "countries_asked": len(lands),
        "zero_shot": shares(whole, resampler),
    }


#: Keys of the results in words.
WORDS = {
    "state": "state",
    "state_top5": "state among the first five",
    "state_among_those_trained_on": "state, asked only among those trained on",
    "commonest_state": "always the commonest state in training",
    "state_was_trained_on": "(photos whose state was trained on)",
    "country": "country",
    "country_top5": "country among the first five",
    "commonest_country": "always the commonest country in training",
    "country_was_trained_on": "(photos whose country was trained on)",
}


def markdown(result: dict[str, Any]) -> str:
    """The tables in words."""
    lines = [
        "# Contrastive training on captions, on the development photos",
        "",
        f"Made by `bench/contrastive.py`. Trunk {result['trunk']} (ImageNet), frozen; projection "
        f"and a small text tower over bytes by `contrastive-small`, {result['epochs'][0]} epochs "
        f"(the world: {result['epochs'][1]}), on the training photos of each fold. No "
        "CLIP was at hand: `contrastive` itself is tested with tiny random weights only.",
        "",
    ]
    if "speed" in result:
        fast = result["speed"]
        lines += [
            "## Captions",
            "",
            f"{fast['places']:,} places spread evenly over the land, processor time, all optional "
            "sentences.",
            "",
            "| what | captions a second |",
            "|---|---:|",
            f"| English | {fast['en']:,} |",
            f"| Hindi | {fast['hi']:,} |",
            f"| drawn again for another epoch | {fast['another_epoch']:,} |",
            f"| one photo after the other | {fast['loop']:,} |",
            "",
            f"English is {fast['ratio']} times as fast as the loop, with the same texts.",
            "",
        ]
    for name, part in result["india"].items():
        lines += [
            f"## {name}: {part['photos']} photos, {part['clusters']} clusters, {_folds(part)}",
            "",
            f"Zero-shot: {part['states_asked']} states and territories, then {part['towns_asked']} "
            f"towns; median {part['zero_shot']['median_km']:,} km."
            + (
                " The same landmarks are on both sides of a random split: this is recognition."
                if "random" in name
                else ""
            ),
            "",
            "| share of the photos | % | 95 % |",
            "|---|---:|---|",
            *_shares(part["zero_shot"]),
            "",
            "The geocell head (semantic cells, smoothed labels) on three kinds of vectors; "
            "GeoScore against *trunk*, paired, intervals over whole landmarks.",
            "",
            "| vectors | median km | 25 | 200 | 750 km | GeoScore | difference | 95 % | p |",
            "|---|---:|---:|---:|---:|---:|---:|---|---:|",
        ]
        for way, row in part["head"].items():
            paired = (
                f"{row['difference']} | [{row['interval'][0]}, {row['interval'][1]}] | {row['p']}"
                if "difference" in row
                else "| |"
            )
            within = " | ".join(f"{share:.1f}" for share in row["within_percent"])
            lines.append(
                f"| {way} | {row['median_km']:,} | {within} | {row['geoscore']:,.0f} | {paired} |"
            )
        lines += ["", verdict(part["head"]), "", *_chain_table(part.get("chain", {}))]
    if "world" in result:
        world = result["world"]
        lines += [
            f"## World, manifest folds: {world['photos']} photos, {world['clusters']} clusters, "
            f"{_folds(world)}",
            "",
            f"Zero-shot: {world['countries_asked']} countries and territories are asked for.",
            "",
            "| share of the photos | % | 95 % |",
            "|---|---:|---|",
            *_shares(world["zero_shot"]),
            "",
        ]
    lines += [f"{result['machine']}."]
    return "\n".join(lines) + "\n"


def _chain_table(found: dict[str, Any]) -> list[str]:
    if not found:
        return []
    return [
        "The whole chain of S2's ladder (`results/s2.md`, A to G) on the same vectors:",
        "",
        *table(found, of="vectors"),
        "",
    ]


def _folds(part: dict[str, Any]) -> str:
    return "all five folds" if part["folds"] == FOLDS else f"{part['folds']} of five folds"


def _shares(found: dict[str, Any]) -> list[str]:
    return [
        f"| {WORDS[key]} | {value[0]} | [{value[1]}, {value[2]}] |"
        for key, value in found.items()
        if key in WORDS
    ]


def verdict(heads: dict[str, Any]) -> str:
    """Whether pretraining helped, in a sentence."""
    says = []
    for way, row in heads.items():
        if "interval" in row:
            low, high = row["interval"]
            word = (
                "better" if low > 0 else "worse" if high < 0 else "not told apart by these photos"
            )
            says.append(f"*{way}*: {word}")
    return "Against the trunk's own vectors: " + "; ".join(says) + "."


if __name__ == "__main__":
    main()
