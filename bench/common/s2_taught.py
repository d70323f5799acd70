"""Places taught by 1, 5 and 10 photos: landmarks that the model has not seen."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from graticule import metrics, sphere
from graticule.belief import Belief
from graticule.calibration import tempered
from graticule.evaluation.bootstrap import Estimate, Resampler
from graticule.refine.geo_embedding import geo_embedding
from graticule.refine.prototypes import Prototypes
from graticule.refine.taught import Known, Place, Taught, fit
from graticule.systems.plan import Outcome, Rows, Trained
from graticule.systems.semantic_cells import PROTOTYPES
from graticule.training.calibrate import calibrate

SHOTS = (1, 5, 10)
#: Draws of the shots; fewest photos of a landmark that are left to ask about.
DRAWS, LEFT = 5, 10


def ask(
    rows: Rows, outcome: Outcome, network: Trained, landmark: np.ndarray, seed: int
) -> list[dict[str, Any]]:
    """Teach each left-out landmark of one fold and ask for its other photos, and for known ones.

    Args:
        rows: the fold: train, validation (known landmarks, unseen photos), test (new landmarks).
        outcome: of the plan.
        network: of its cells.
        landmark: name of each row.
        seed: of the draws.
    """
    told = list(outcome.settings["attributes"])

    def vectors(of: np.ndarray) -> np.ndarray:
        outputs = [np.exp(network.log_p(name, of)) for name in told]
        return geo_embedding(network.vectors(of), outputs, outcome.settings["scale"])

    assert outcome.log_p is not None
    assert outcome.points is not None
    assert outcome.target is not None
    assert outcome.save is not None
    # As `graticule teach` knows it: by the photos of the bundle, halved, and their prototypes.
    with tempfile.TemporaryDirectory() as folder:
        outcome.save(Path(folder))
        stored = Prototypes.load(Path(folder) / PROTOTYPES)
    known = fit(stored.photo_vectors.astype(np.float32), stored.photo_prototypes)
    calibration = calibrate(outcome, rows, np.flatnonzero(rows.validation))
    temperature = calibration.temperatures.get(outcome.point_task, 1.0)

    def best(of: np.ndarray) -> np.ndarray:
        """What the likeliest cell has, at its temperature, as `TaughtSystem` weighs it."""
        cells = outcome.partitions[outcome.point_task]
        return tempered(Belief(cells, outcome.log_p(of)), temperature).p.max(axis=1)

    others = np.flatnonzero(rows.validation & (outcome.target >= 0))
    rng = np.random.default_rng(seed)
    out: list[dict[str, Any]] = []
    tests = np.flatnonzero(rows.test)
    for name in np.unique(landmark[tests]):
        own = tests[landmark[tests] == name]
        if not name or len(own) < max(SHOTS) + LEFT:
            continue
        for draw in range(DRAWS):
            order = rng.permutation(own)
            for shots in SHOTS:
                # The same photos are asked about, whatever the shots.
                asked = order[max(SHOTS) :]
                out += _one(
                    rows, outcome, known, vectors, best, str(name), order[:shots], asked, others,
                    draw,
                )  # fmt: skip
    return out


def _one(
    rows: Rows,
    outcome: Outcome,
    known: Known,
    vectors: Any,
    best: Any,
    name: str,
    shown: np.ndarray,
    asked: np.ndarray,
    others: np.ndarray,
    draw: int,
) -> list[dict[str, Any]]:
    lat, lon = sphere.mean(rows.latlon[shown])
    place = Place(name, float(lat), float(lon), 2.0, tuple(str(i) for i in shown))
    taught = Taught(known).with_place(place, vectors(shown))
    found = []
    for kind, of in (("new", asked), ("known", others)):
        share = taught.shares(vectors(of))[:, 0]
        won = share > (1 - share) * best(of)
        before = outcome.points(of)  # type: ignore[misc]
        after = np.where(won[:, None], [[lat, lon]], before)
        truth = rows.latlon[of]
        found.append(
            {
                "landmark": name,
                "shots": len(shown),
                "draw": draw,
                "kind": kind,
                "named": won.tolist(),
                "before": sphere.haversine(before, truth).tolist(),
                "after": sphere.haversine(after, truth).tolist(),
            }
        )
    return found


def summary(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By shots: how many of a new landmark's photos are named and how near they are."""
    out = []
    for shots in SHOTS:
        new = [f for f in found if f["shots"] == shots and f["kind"] == "new"]
        known = [f for f in found if f["shots"] == shots and f["kind"] == "known"]
        after = np.concatenate([f["after"] for f in new])
        before = np.concatenate([f["before"] for f in new])
        named = np.concatenate([f["named"] for f in new])
        where = np.concatenate([np.full(len(f["named"]), f["landmark"]) for f in new])
        resampler = Resampler.over(where, replicates=500)
        sampled = resampler.means(named.astype(float))[:, 0]
        share = Estimate.of(float(named.mean()), sampled, resampler.n_clusters)
        false = np.concatenate([f["named"] for f in known])
        out.append(
            {
                "shots": shots,
                "landmarks": len(np.unique(where)),
                "asked": len(after),
                "named_percent": round(100 * float(named.mean()), 1),
                "interval": [round(100 * share.low, 1), round(100 * share.high, 1)],
                "median_km": round(float(np.median(after)), 1),
                "median_km_before": round(float(np.median(before)), 1),
                "within_percent": metrics.within(after, (1, 25, 200)).round(1).tolist(),
                "within_percent_before": metrics.within(before, (1, 25, 200)).round(1).tolist(),
                "known_asked": len(false),
                "known_called_so_percent": round(100 * float(false.mean()), 2),
            }
        )
    return out
