"""S2 on the development photos: results/s2.{json,md}, and a map of India's cells.

A ladder that adds one step at a time, on India's photos: at random, and with sights apart. Nearly
all of India's photos are of one fold of the manifest, so that the split by fold cannot be made.
A trunk of ../shared/weights, frozen, through the feature cache.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from common import s2_errors, s2_growth, s2_taught
from common.real_photos import FEATURES, FOLDS, RESULTS, Photos, machine, need_shared, recipe, trunk
from common.s2_steps import STEPS, WORLD, ladder, table
from graticule import atlas, files, metrics, sphere
from graticule.evaluation.bootstrap import Resampler, paired_means
from graticule.refine import prototypes
from graticule.systems import semantic_cells
from graticule.systems.plan import Outcome, Rows
from graticule.training.trainer import Trainer

TRUNK = "mobilenetv2"
#: Of the code that the kept points came from: raise it when that changes what they are.
VERSION = 3
KM = (1, 25, 200, 750)


def main() -> None:
    """Train, judge and write the parts that are named, or all; the others keep their figures."""
    need_shared()
    _cached_cells({})
    photos = Photos()
    located = np.isfinite(photos.manifest.latlon).all(axis=1)
    india = located.copy()
    india[located] = atlas.countries(photos.manifest.latlon[located]) == "IN"
    sight = photos.sights()
    steps = ladder()
    worlds = {name: steps["G prototypes"] | change for name, change in WORLD.items()}
    parts: dict[str, tuple[str, np.ndarray, dict[str, Any], str, str]] = {
        "random": ("India, random", photos.random_folds(india, 0), steps, "IN", ""),
        "apart": ("India, landmarks apart", photos.folds_apart(sight, india), steps, "IN", ""),
        "world": ("World, random", photos.random_folds(located, 0), worlds, "", "S2 cells"),
        "sources": (
            "World, manifest folds",
            np.where(located, photos.fold, -1),
            worlds,
            "",
            "S2 cells",
        ),
    }
    _write(
        {
            "trunk": TRUNK,
            "photos": int(india.sum()),
            "coordinates": len(np.unique(photos.manifest.latlon[india], axis=0)),
            "landmarks": len(np.unique(sight[india & (photos.columns["landmark"] != "")])),
            "in_other_folds": int((india & (photos.fold >= 0)).sum())
            - int(np.bincount(photos.fold[india & (photos.fold >= 0)]).max()),
            "machine": machine(),
        }
    )
    others = ["taught", "growth", "optics", "lookup", "map"]
    for argument in sys.argv[1:] or [*parts, *others]:
        # "apart:0,1" does two folds of a part alone, "growth:1000" one size.
        word, _, some = argument.partition(":")
        only = [int(n) for n in some.split(",")] if some else list(range(FOLDS))
        if word == "lookup":
            _write({"lookup": lookup()})
        elif word == "taught":
            fold = parts["apart"][1]
            _write({"taught": taught(photos, fold, only, sight, steps)})
        elif word == "growth":
            sizes = only if some else s2_growth.PHOTOS
            _write({"growth": [s2_growth.chain(n) for n in sizes]})
        elif word == "optics":
            sizes = only if some else s2_growth.CELLS
            _write({"optics": [s2_growth.second_optics(n) for n in sizes]})
        elif word == "map":
            _map(photos, india)
        elif word in parts:
            name, fold, own, region, against = parts[word]
            found, points, rows = judge(photos, fold, only, sight, own, region, against)
            _write({}, {name: found | {"folds": only}})
            if region:
                drawn = s2_errors.draw(
                    photos.manifest.latlon[rows], points, sight[rows], f"{name}: the whole chain"
                )
                with files.atomic(RESULTS / f"s2-errors-{word}.svg") as handle:
                    handle.write(drawn)
        else:
            sys.exit(f"{sys.argv[0]}: no part {word!r}; there are {', '.join([*parts, *others])}")


def _write(found: dict[str, Any], parts: dict[str, Any] | None = None) -> None:
    """Put what was found beside what other runs found."""
    path = RESULTS / "s2.json"
    result = files.read_json(path) if path.is_file() else {}
    whole = result | found | {"parts": result.get("parts", {}) | (parts or {})}
    files.write_json(path, whole)
    with files.atomic(RESULTS / "s2.md") as handle:
        handle.write(markdown(whole))


def judge(
    photos: Photos,
    fold: np.ndarray,
    only: list[int],
    cluster: np.ndarray,
    steps: dict[str, dict[str, Any]],
    region: str,
    against: str = "",
) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Every step over some folds, each against the one before it or against one.

    Returns:
        The figures; the points of the whole chain; the rows of the manifest they are of.
    """
    places, order = photos.manifest.latlon, np.argsort(fold, kind="stable")
    order = order[np.isin(fold[order], only)]
    found: dict[str, list[tuple[np.ndarray, int, list[float]]]] = {step: [] for step in steps}
    for number in np.unique(fold[order]).tolist():
        kept: dict[Any, Any] = {}
        for step, settings in steps.items():
            found[step].append(_fold(photos, fold, number, settings, region, kept))
            print(f"{region or 'world'} fold {number}, {step}", flush=True)
    points = {step: np.concatenate([p for p, _, _ in parts]) for step, parts in found.items()}
    cells = {s: round(float(np.mean([n for _, n, _ in parts])), 1) for s, parts in found.items()}
    resampler = Resampler.over(cluster[order], replicates=500)
    truth = _names(places[order])
    km = {step: sphere.haversine(p, places[order]) for step, p in points.items()}
    rows = {}
    first = against or next(iter(steps))
    before = first
    for step, away in km.items():
        said = _names(points[step])
        rows[step] = {
            "cells": cells[step],
            # Mean training loss of the first, the last but one and the last epoch.
            "losses": np.mean([own for _, _, own in found[step]], axis=0).round(4).tolist(),
            "median_km": round(float(np.median(away)), 1),
            "within_percent": metrics.within(away, KM).round(1).tolist(),
            "state_percent": round(100 * float((said[0] == truth[0]).mean()), 1),
            "town_percent": round(100 * float((said[1] == truth[1]).mean()), 1),
            "geoscore": round(float(metrics.geoscores(away).mean()), 1),
        }
        if step != first:
            base = before if step in STEPS else against or "G prototypes"
            gap = paired_means(metrics.geoscores(away), metrics.geoscores(km[base]), resampler)
            rows[step] |= {
                "against": base,
                "difference": round(gap.estimate.value, 1),
                "interval": [round(gap.estimate.low, 1), round(gap.estimate.high, 1)],
                "p": round(gap.p_value, 4),
            }
        before = step
    made = {"photos": len(order), "clusters": resampler.n_clusters, "steps": rows}
    return made, points["G prototypes" if "G prototypes" in points else before], order


def taught(
    photos: Photos,
    fold: np.ndarray,
    only: list[int],
    landmark: np.ndarray,
    ladder: dict[str, dict[str, Any]],
) -> list[dict[str, Any]]:
    """Landmarks that a fold left out, taught to the model of the others."""
    found: list[dict[str, Any]] = []
    settings = ladder["G prototypes"]
    for number in only:
        store = _store("taught", number, settings, "IN", fold).with_suffix(".json")
        if not store.is_file():
            rows, outcome, network = _outcome(photos, fold, number, settings, "IN", {})
            files.write_json(store, s2_taught.ask(rows, outcome, network, landmark, number))
            print(f"taught, fold {number}", flush=True)
        found += files.read_json(store)
    return s2_taught.summary(found)


def _names(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Region (in India: state) and nearest town of points."""
    found = atlas.names(points)
    return np.asarray(found.region), found.town.astype(str)


def _fold(
    photos: Photos,
    fold: np.ndarray,
    number: int,
    settings: dict[str, Any],
    region: str,
    kept: dict[Any, Any],
) -> tuple[np.ndarray, int, list[float]]:
    """Points of one fold's photos, number of cells, losses of three epochs; kept for a rerun."""
    store = _store("points", number, settings, region, fold)
    if not store.is_file():
        _, outcome, network = _outcome(photos, fold, number, settings, region, kept)
        points = outcome.points(np.flatnonzero(fold == number))  # type: ignore[misc]
        cells = len(outcome.partitions[outcome.point_task])
        rows = network.progress.history
        losses = [rows[at]["train_loss"] for at in (0, -2, -1)]
        with files.atomic(store, "wb") as handle:
            np.savez(handle, points=points, cells=cells, losses=losses)
    with np.load(store) as found:
        return found["points"], int(found["cells"]), found["losses"].tolist()


def _store(what: str, number: int, settings: dict[str, Any], region: str, fold: np.ndarray) -> Path:
    """Where the outcome of one fold is kept for another run."""
    folds = hashlib.sha256(np.ascontiguousarray(fold).tobytes()).hexdigest()
    said = json.dumps([VERSION, TRUNK, what, int(number), settings, region, folds])
    folder = FEATURES / "s2-runs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{hashlib.sha256(said.encode()).hexdigest()[:20]}.npz"


def _outcome(
    photos: Photos,
    fold: np.ndarray,
    number: int,
    settings: dict[str, Any],
    region: str,
    kept: dict[Any, Any],
) -> tuple[Rows, Outcome, Any]:
    """The rows of one fold, what its plan came to, and the network of its cells."""
    own = dict(settings)
    loss = own.pop("loss", "haversine")
    setup = recipe(
        "s2-india" if region else "s2-world",
        trunk(
            TRUNK,
            f"loss.kind={loss}",
            "batch_size=128",
            "stop={patience: 0, keep: last}",
            "phases=[{epochs: 15, learn: head, learning_rate: 0.001, schedule: cosine}]",
        ),
    )
    setup = setup.model_copy(update={"settings": setup.settings | own})
    rows = photos.rows((fold >= 0) & (fold != number), fold == number, int(number))
    with tempfile.TemporaryDirectory() as folder:
        trainer = photos.trainer(setup, rows, Path(folder), kept.setdefault("vectors", {}))
        outcome, network = _carry_out(trainer, kept)
        return rows, outcome, network


def _carry_out(trainer: Trainer, kept: dict[Any, Any]) -> tuple[Outcome, Any]:
    """The plan, with networks that an earlier step trained alike taken from it."""
    network = None
    plan = semantic_cells.plan(trainer.rows, dict(trainer.recipe.settings))
    try:
        job = next(plan)
        while True:
            tasks = [(n, t.outcomes, t.target.tobytes()) for n, t in job.tasks.items()]
            shared = [(t.shared, None if t.alike is None else t.alike.tobytes())
                      for t in job.tasks.values()]  # fmt: skip
            # A network that is learned before the groups is the one of a step without them.
            name = job.spec if job.name == "cells-before" else job.name
            key = (name, trainer.recipe.loss, str(tasks), str(shared), trainer.rows.train.tobytes())
            if key not in kept:
                kept[key] = trainer.run(job)
            if job.name == "cells":
                network = kept[key]
            job = plan.send(kept[key])
    except StopIteration as end:
        outcome: Outcome = end.value
    return outcome, network


def _cached_cells(kept: dict[Any, Any]) -> None:
    """Let the plan build each fold's cells and groups once, not once a step."""
    region_cells, group_partition = semantic_cells.region_cells, semantic_cells.group_partition

    def cells(rows: Rows, region: str, units: str, wanted: Any) -> Any:
        key = (rows.train.tobytes(), region, units, str(wanted))
        if key not in kept:
            kept[key] = region_cells(rows, region, units, wanted)
        made, notes = kept[key]
        return made, list(notes)

    def groups(of: Any, numbers: np.ndarray, name: str) -> Any:
        key = (id(of), numbers.tobytes())
        if key not in kept:
            kept[key] = group_partition(of, numbers, name)
        return kept[key]

    semantic_cells.region_cells = cells  # type: ignore[assignment]
    semantic_cells.group_partition = groups


@cache
def _drawn(number: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(number, dim)).astype(np.float32), sphere.uniform(number, rng)


def lookup() -> list[dict[str, Any]]:
    """Milliseconds a photo to refine, K = 5, by prototypes of ten made-up photos each."""
    out = []
    for number in (1_000, 10_000, 100_000):
        dim, a_cell = 256, 50
        vectors, places = _drawn(number, dim)
        cells = np.arange(number) // a_cell
        of = np.repeat(np.arange(number), 10)
        stored = prototypes.Prototypes(
            vectors, cells, vectors.astype(np.float16)[of], places[of], of
        )
        centers = places[::a_cell]
        refiner = prototypes.Refiner(stored, centers)
        rng = np.random.default_rng(1)
        top = rng.integers(0, len(centers), (500, 5))
        p = np.sort(rng.random((500, 5)))[:, ::-1]
        refiner.points(top[:5], p[:5], vectors[:5])
        begin = time.process_time()
        refiner.points(top, p, vectors[rng.integers(0, number, 500)])
        spent = 1000 * (time.process_time() - begin) / 500
        out.append({"prototypes": number, "cpu_milliseconds_a_photo": round(spent, 3)})
    return out


def _map(photos: Photos, india: np.ndarray) -> None:
    """The cells that all of India's photos make."""
    from graticule.systems.region_cells import region_cells
    from graticule.systems.semantic_settings import CellSettings

    rows = photos.rows(india, np.zeros_like(india), 0)
    wanted = CellSettings(**STEPS["A semantic cells"]["cells"])
    cells, _ = region_cells(rows, "IN", "districts", wanted)
    cells.plot(RESULTS / "s2-cells.svg")


def _converged(parts: dict[str, Any]) -> list[str]:
    """How much the loss still fell in the last epoch, at most over the steps."""
    falls = [
        1 - row["losses"][2] / row["losses"][1]
        for cell in parts.values()
        for row in cell["steps"].values()
        if "losses" in row
    ]
    if not falls:
        return []
    return [
        f"The rate falls to nought by a cosine; the last epoch lowers the training loss by "
        f"{100 * max(falls):.1f} % at most, in any step.",
        "",
    ]


def _vit() -> list[str]:
    """What `bench/scratch.py` recorded of the document's own encoder."""
    path = RESULTS / "scratch.json"
    own = files.read_json(path)["systems"].get("s2", {}) if path.is_file() else {}
    return [
        line
        for name, cell in own.items()
        for line in (
            f"The document's encoder, {cell['encoder']}, cannot be had trained where this ran. "
            f"Once, from random weights ({name}, `scratch.md`): {cell['photos']} photos, "
            f"{len(cell['history'])} epochs, training loss "
            f"{cell['history'][0]['train_loss']:.2f} → {cell['history'][-1]['train_loss']:.2f}. "
            "That it trains is all that this shows.",
            "",
        )
    ]


def _captions(part: str) -> dict[str, Any]:
    """The ladder's last step, measured by `bench/contrastive.py` over the same folds."""
    path = RESULTS / "contrastive.json"
    own = files.read_json(path)["india"].get(part, {}) if path.is_file() else {}
    found = own.get("chain", {}) if own.get("folds") == FOLDS else {}
    return {f"contrastive: {way}": row for way, row in found.items() if way != "trunk"}


def _folds(cell: dict[str, Any]) -> str:
    """Which folds were judged, where it is not all."""
    own = cell.get("folds", list(range(FOLDS)))
    if len(own) == FOLDS:
        return ""
    return f" (fold {', '.join(map(str, own))} of {FOLDS} alone)"


def _taught(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    lines = [
        "## Taught places: landmarks that were left out, from 1, 5 and 10 photos",
        "",
        "Landmarks apart; each left-out landmark with 20 photos or more is taught to the model of "
        "the others, as `graticule teach` does it (nothing is trained), five draws of the photos, "
        "and asked for with photos that were not shown. Before: the answer without teaching; the "
        "landmark is in no cell's photos. Called so: photos of landmarks the model knows, set "
        "aside from training, that were then taken for the taught one. Intervals over landmarks.",
        "",
        "| shots | landmarks | asked | named % | 95 % | median km | before | 1 | 25 | 200 km % "
        "| before | known photos called so % |",
        "|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|---|---:|",
    ]
    for r in rows:
        after = " | ".join(str(x) for x in r["within_percent"])
        before = " / ".join(str(x) for x in r["within_percent_before"])
        lines.append(
            f"| {r['shots']} | {r['landmarks']} | {r['asked']} | {r['named_percent']} | "
            f"{r['interval']} | {r['median_km']} | {r['median_km_before']} | {after} | {before} | "
            f"{r['known_called_so_percent']} |"
        )
    return [*lines, ""]


def _speed(result: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    if growth := result.get("growth"):
        parts = list(growth[0]["parts"])
        lines += [
            "## From a manifest to a bundle: processor seconds",
            "",
            f"Made-up places about India's towns, made-up vectors ({s2_growth.DIM} numbers), two "
            "epochs; the encoder's own run over the pixels is left out.",
            "",
            f"| photos | cells | {' | '.join(parts)} | all | bundle MB |",
            "|---:|---:|" + "---:|" * (len(parts) + 2),
        ]
        for r in growth:
            each = " | ".join(str(r["parts"].get(part, "")) for part in parts)
            lines.append(
                f"| {r['photos']:,} | {r['cells']:,} | {each} | {r['seconds']} | {r['bundle_mb']} |"
            )
        ratio = [round(b["seconds"] / a["seconds"], 1) for a, b in pairwise(growth)]
        lines += ["", f"Ten times the photos take {' and then '.join(map(str, ratio))} times.", ""]
    if optics := result.get("optics"):
        lines += [
            "## The second OPTICS beside scikit-learn's on the whole matrix",
            "",
            "| cells | ours s | MB | dense s | MB |",
            "|---:|---:|---:|---:|---:|",
            *(
                f"| {r['cells']:,} | {r['ours_seconds']} | {r.get('ours_mb', '')} | "
                f"{r['dense_seconds']} | {r.get('dense_mb', '')} |"
                for r in optics
            ),
            "",
        ]
    if found := result.get("lookup"):
        lines += [
            "## Lookup of prototypes, K = 5",
            "",
            "| prototypes | processor ms a photo |",
            "|---:|---:|",
            *(f"| {r['prototypes']:,} | {r['cpu_milliseconds_a_photo']} |" for r in found),
            "",
        ]
    return lines


def markdown(result: dict[str, Any]) -> str:
    """The tables in words."""
    lines = [
        "# S2, semantic geocells, on the development photos",
        "",
        f"Made by `bench/s2.py`. Trunk {result.get('trunk', TRUNK)} (ImageNet), frozen, one hidden "
        "layer of 256, 15 epochs. India: "
        f"{result['photos']} photos of {result['landmarks']} landmarks "
        f"at {result['coordinates']} distinct coordinates: below the scale of a landmark (OPTICS "
        "inside a cell, prototypes, 1 km) the figures show that the mechanics work, not how "
        "accurate they are. Landmarks within a kilometre of each other, and one under two names, "
        "are one. Each step of the ladder is compared with the one before it, each "
        "change below it with *G prototypes*; GeoScore, paired, intervals over whole landmarks. "
        f"All but {result['in_other_folds']} of India's photos that have a fold are in one fold of "
        "the manifest: no split by fold there.",
        "",
        "*B attributes* teaches climate and script: the road side is one in all of India, no photo "
        "has a month, and next to all show a landmark. *contrastive*: the chain on vectors that "
        "were pretrained on captions (`bench/contrastive.py`, the same folds), against the chain "
        "on the trunk's vectors in the same run.",
        "",
        *_converged(result["parts"]),
        *_vit(),
    ]
    for part, cell in result["parts"].items():
        lines += [
            f"## {part}: {cell['photos']} photos, {cell['clusters']} clusters{_folds(cell)}",
            "",
            *table(cell["steps"] | _captions(part)),
        ]
        told = {s: r for s, r in cell["steps"].items() if r.get("p", 1.0) < 0.05}
        helped = [s for s, r in told.items() if r["difference"] > 0]
        hurt = [s for s, r in told.items() if r["difference"] < 0]
        lines += [
            "",
            f"Better at p < 0.05, uncorrected: {', '.join(helped) or 'none'}; worse: "
            f"{', '.join(hurt) or 'none'}. Of the others these photos cannot tell.",
            "",
        ]
    lines += [*_taught(result.get("taught", [])), *_speed(result)]
    lines += [
        "## Pictures",
        "",
        "The cells that all of India's photos make: `s2-cells.svg`. What each landmark was taken "
        "for by the whole chain: `s2-errors-random.svg`, `s2-errors-apart.svg`.",
        "",
        f"{result.get('machine', '')}.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
