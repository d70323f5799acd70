"""How S2's chain grows: from a manifest to a bundle, and the second OPTICS beside its plain way."""

from __future__ import annotations

import csv
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graticule import atlas, sphere
from graticule.cells.semantic.groups import Grouping, group_cells
from graticule.systems import registry
from graticule.training import recipe as recipes
from graticule.training import run, write
from graticule.training.calibrate import calibrate

#: Width of the made-up vectors.
DIM = 256
PHOTOS = (1_000, 10_000, 100_000)
CELLS = (500, 2_000, 4_000)


class _MadeUp(dict):  # type: ignore[type-arg]
    """Vectors for whatever rows are asked for, in place of an encoder's run over pixels."""

    def __init__(self, vectors: np.ndarray) -> None:
        super().__init__()
        self._vectors = torch.from_numpy(vectors)

    def __contains__(self, _key: object) -> bool:
        return True

    def __getitem__(self, _key: object) -> torch.Tensor:
        return self._vectors


def _made_up(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Places about towns of India by their people, and vectors that tell them, with noise."""
    rng = np.random.default_rng(0)
    towns = atlas.towns()
    inside = np.flatnonzero(towns.country == "IN")
    people = np.maximum(towns.population[inside], 500).astype(float)
    town = rng.choice(inside, n, p=people / people.sum())
    places = sphere.offset(towns.latlon[town], rng.uniform(0, 360, n), rng.gamma(1.0, 3.0, n))
    basis = rng.normal(size=(3, DIM))
    vectors = (sphere.unit_vectors(places) * 20) @ basis + rng.normal(0, 3, (n, DIM))
    return places, vectors


def chain(n: int) -> dict[str, Any]:
    """Processor seconds of each part of ``graticule train s2-india`` on ``n`` made-up photos.

    Places are towns of India by their people; vectors tell the place with noise. The encoder's own
    run over the pixels is left out: it is so much a photo, and known.
    """
    places, vectors = _made_up(n)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "one.jpg").write_bytes(b"never read")
        with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as handle:
            out = csv.writer(handle)
            out.writerow(["path", "lat", "lon"])
            for i, (lat, lon) in enumerate(places):
                (folder / f"{i:06d}.jpg").symlink_to("one.jpg")
                out.writerow([f"{i:06d}.jpg", f"{lat:.5f}", f"{lon:.5f}"])
        recipe = recipes.load(
            "s2-india",
            [
                "encoder={name: tiny}",
                "batch_size=256",
                "stop={patience: 0, keep: last}",
                "phases=[{epochs: 2, learn: head, learning_rate: 0.001}]",
            ],
        )
        clock = [time.process_time()]
        spent: dict[str, float] = {}

        def lap(what: str) -> None:
            clock.append(time.process_time())
            spent[what] = round(spent.get(what, 0.0) + clock[-1] - clock[-2], 2)

        options = run.Options(device="cpu", workers=0)
        trainer, notes = run.prepare(recipe, folder / "manifest.csv", folder / "b", options)
        width = trainer._encoder(recipe.network("cells"), "cells")[0].dim
        vectors = vectors.astype(np.float32)
        trainer.kept.clear()
        object.__setattr__(trainer, "kept", _MadeUp(_fitted(vectors, width)))
        lap("manifest")
        plan = registry.find_plan(recipe.system)(trainer.rows, dict(recipe.settings))
        results = []
        try:
            job = next(plan)
            lap("cells and attributes")
            while True:
                results.append(trainer.run(job))
                lap("two epochs of the networks")
                job = plan.send(results[-1])
                lap("groups")
        except StopIteration as end:
            outcome = end.value
            lap("prototypes")
        calibration = calibrate(outcome, trainer.rows, np.flatnonzero(trainer.rows.validation))
        lap("calibration")
        facts = {"manifest_sha256": "", "train_photos": n, "validation_photos": 0}
        story = write.Story(recipe, write.provenance(facts, results, 0.0), tuple(notes), ())
        write.write_bundle(folder / "b", results, outcome, calibration, story)
        lap("bundle")
        size = sum(f.stat().st_size for f in (folder / "b").rglob("*") if f.is_file())
        cells = len(outcome.partitions["cells"])
    return {
        "photos": n,
        "cells": cells,
        "seconds": round(sum(spent.values()), 1),
        "parts": spent,
        "bundle_mb": round(size / 1e6, 1),
    }


def _fitted(vectors: np.ndarray, width: int) -> np.ndarray:
    """The vectors at the width of the encoder that stands in."""
    if width <= vectors.shape[1]:
        return np.ascontiguousarray(vectors[:, :width])
    return np.pad(vectors, ((0, 0), (0, width - vectors.shape[1])))


def second_optics(n: int) -> dict[str, Any]:
    """Group ``n`` cells, and the same by scikit-learn's OPTICS on the whole matrix of distances."""
    from sklearn.cluster import OPTICS

    rng = np.random.default_rng(0)
    centers = sphere.uniform(n, rng)
    looks = rng.normal(size=(n, DIM))

    def dense() -> None:
        unit = looks / np.linalg.norm(looks, axis=1, keepdims=True)
        km = sphere.distances(centers, centers)
        cosine = np.maximum(1 - unit @ unit.T, 0)
        whole = 0.5 * km / np.median(km) + 0.5 * cosine / np.median(cosine)
        np.fill_diagonal(whole, 0)
        OPTICS(min_samples=2, metric="precomputed", xi=0.05).fit(whole)

    found: dict[str, Any] = {"cells": n}
    for name, work in (
        ("ours", lambda: group_cells(centers, looks, Grouping(borders=False))),
        ("dense", dense),
    ):
        begin = time.process_time()
        work()
        found[f"{name}_seconds"] = round(time.process_time() - begin, 2)
        tracemalloc.start()
        if n <= CELLS[1]:
            work()
            found[f"{name}_mb"] = round(tracemalloc.get_traced_memory()[1] / 1e6, 1)
        tracemalloc.stop()
    return found
