"""Fit a bundle's probabilities, radii and verdicts on photos that its training did not see."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import calibration as fitting
from graticule.belief import Belief
from graticule.calibration import Calibration
from graticule.cells.partition import Partition
from graticule.cells.places import cells_at
from graticule.errors import GraticuleError, PhotoError
from graticule.evaluation.truth import Truth
from graticule.locate.engine import BATCH, Engine
from graticule.photos.manifest import Manifest
from graticule.progress import track
from graticule.systems.bundle import Bundle
from graticule.verdicts.fit import fit_verdicts

#: Fewer located photos than this fit nothing that holds.
MIN_PHOTOS = 30
#: Share of photos that fall silent for want of evidence.
_SILENT = 0.05
#: Independent places behind a coverage that may be claimed.
CLAIM_PLACES = 400


@dataclass(frozen=True)
class Collected:
    """What a system said, untempered, of photos that could be read.

    Attributes:
        rows: int64 (m,), rows of the manifest.
        beliefs: by task, m photos each.
        points: degrees (m, 2) where the system picks its points itself.
    """

    rows: npt.NDArray[np.int64]
    beliefs: dict[str, Belief[Partition]]
    points: npt.NDArray[np.float64] | None = None


def collect(engine: Engine, manifest: Manifest) -> Collected:
    """Run a system over the photos of a manifest.

    Raises:
        GraticuleError: not one photo could be read.
    """
    paths = manifest.column("path").tolist()
    rows: list[int] = []
    parts: dict[str, list[Belief[Partition]]] = {}
    points: list[npt.NDArray[np.float64]] = []
    for batch in _batches(engine, manifest, paths):
        numbers, pixels = zip(*batch, strict=True)
        rows += numbers
        views = [np.stack(crops) for crops in zip(*pixels, strict=True)]
        prediction = engine.system.predict(views)
        for task, belief in prediction.beliefs.items():
            parts.setdefault(task, []).append(belief)
        if prediction.points is not None:
            points.append(prediction.points)
    if not rows:
        raise GraticuleError(f"{manifest.path}: not one of its {len(paths)} photos can be read")
    beliefs = {
        task: Belief(some[0].over, np.concatenate([b.log_p for b in some]))
        for task, some in parts.items()
    }
    own = np.concatenate(points) if points else None
    return Collected(np.array(rows, dtype=np.int64), beliefs, own)


def _batches(
    engine: Engine, manifest: Manifest, paths: list[str]
) -> Iterator[list[tuple[int, list[npt.NDArray[np.uint8]]]]]:
    batch: list[tuple[int, list[npt.NDArray[np.uint8]]]] = []
    for row, path in enumerate(track(paths, "running the model", len(paths))):
        try:
            image = engine.system.open(manifest.file(path)).image
        except PhotoError:
            continue
        batch.append((row, engine.system.crops(image)))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def calibrate(engine: Engine, manifest: Manifest, *, seed: int = 0) -> Calibration:
    """Temperatures, prior, radii, abstention and verdicts, from one pass over a manifest.

    Photos with a country and no coordinates fit the temperature of countries, and nothing else.

    Args:
        engine: the system, with whatever calibration it has: point kernel and limits of indoor
            and flat pictures are kept.
        manifest: photos that training did not see.
        seed: of the claims that are moved to fit verdicts.

    Raises:
        GraticuleError: fewer than 30 photos have coordinates.
    """
    found = collect(engine, manifest)
    truth = Truth.of(manifest).take(found.rows)
    located = np.flatnonzero(truth.located)
    if len(located) < MIN_PHOTOS:
        raise GraticuleError(
            f"{manifest.path}: {len(located)} photos with coordinates; radii need {MIN_PHOTOS}, "
            f"and {CLAIM_PLACES} independent places before their coverage may be claimed"
        )
    task = engine.system.point_task
    temperatures = _temperatures(found, truth, located)
    tempered = {
        name: Belief.from_logits(belief.over, belief.log_p, temperatures.get(name, 1.0))
        for name, belief in found.beliefs.items()
    }
    prior = {name: belief.p.mean(axis=0) for name, belief in tempered.items()}
    point = tempered[task][located]
    places = truth.latlon[located]
    clusters = truth.clusters()[located]
    alone = np.char.add("#", np.arange(len(located)).astype(str))
    clusters = np.where(clusters == "", alone, clusters)
    guesses = (
        fitting.pick_points(point, engine.calibration.point_km)
        if found.points is None
        else found.points[located]
    )
    masses = fitting.fit_radii(point, places, guesses, clusters)
    # The task that the decoder measures gains by: the first that has a prior.
    asked = next(iter(prior))
    gains = fitting.gain(tempered[asked], prior[asked])
    speaks = located[gains[located] >= np.quantile(gains, _SILENT)]
    return engine.calibration.model_copy(
        update={
            "calibrated": True,
            "temperatures": temperatures,
            "radius_mass": dict(masses),
            "prior": {name: np.round(p, 6).tolist() for name, p in prior.items()},
            "min_gain": float(np.quantile(gains, _SILENT)),
            "verdicts": _verdicts(
                {name: belief[speaks] for name, belief in tempered.items()},
                prior,
                truth.latlon[speaks],
                clusters[np.isin(located, speaks)],
                seed,
            ),
            "fitted_on": {
                "photos": len(found.rows),
                "with_coordinates": len(located),
                "independent_places": len(np.unique(clusters)),
                "manifest": manifest.path.name,
                "coverage_may_be_claimed": len(np.unique(clusters)) >= CLAIM_PLACES,
            },
        }
    )


def _temperatures(
    found: Collected, truth: Truth, located: npt.NDArray[np.int64]
) -> dict[str, float]:
    out: dict[str, float] = {}
    for task, belief in found.beliefs.items():
        cells = np.full(len(truth), -1, dtype=np.int64)
        if belief.over.kind == "countries":
            cells = belief.over.index(truth.countries())
        else:
            cells[located] = cells_at(belief.over, truth.latlon[located])
        if (cells >= 0).sum() >= MIN_PHOTOS:
            out[task] = fitting.fit_temperature(belief.log_p, cells)
    return out


def _verdicts(
    beliefs: Mapping[str, Belief[Partition]],
    priors: Mapping[str, npt.NDArray[np.float32]],
    places: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.str_],
    seed: int,
) -> dict[str, Any]:
    """Limits of verdicts; empty where the model knows too few of the places."""
    try:
        found = fit_verdicts(beliefs, priors, places, clusters, seed=seed)
    except GraticuleError:
        return {}
    return found.model_dump(mode="json")


def write(bundle: Bundle, fitted: Calibration, target: Path) -> Bundle:
    """Write a copy of a bundle with another calibration, sealed.

    Raises:
        GraticuleError: the target exists.
    """
    if target.exists():
        raise GraticuleError(f"{target}: exists; choose another -o for the calibrated bundle")
    shutil.copytree(bundle.path, target)
    (target / "system.json").unlink()
    fitted.save(target / "calibration.json")
    return Bundle.seal(target, bundle.manifest)
