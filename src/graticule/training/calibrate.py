"""Probabilities, radii and novelty of a new bundle, fitted on the recipe's held-out rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graticule import calibration as fitting
from graticule import conformal
from graticule.belief import Belief
from graticule.calibration import Calibration
from graticule.cells.partition import Partition
from graticule.encoders.frozen import Frozen
from graticule.systems.plan import Outcome, Rows, country_codes
from graticule.training.trainer import Result

IntArray = npt.NDArray[np.int64]

#: Fewer held-out photos than this fit nothing that holds.
MIN_PHOTOS = 30
#: Training photos that novelty is told from: more change nothing.
_REFERENCE = 10_000


def calibrate(
    outcome: Outcome, rows: Rows, wanted: IntArray, results: Sequence[Result] = ()
) -> Calibration:
    """Temperature, radii, sets, abstention and novelty, on held-out rows with a known cell.

    A photo with a city and no coordinates lies at its city's centre; one with only a country lies
    nowhere, and fits what is said of countries alone. Too few (under 30) leave the model
    uncalibrated.

    Args:
        outcome: of the plan.
        rows: the manifest.
        wanted: the held-out rows.
        results: the networks, whose vectors tell what is unlike the training photos.
    """
    if outcome.calibration is not None:
        return outcome.calibration
    if outcome.target is None or outcome.log_p is None:
        return Calibration()
    known = wanted[outcome.target[wanted] >= 0]
    if len(known) < MIN_PHOTOS:
        return Calibration()
    partition = outcome.partitions[outcome.point_task]
    log_p, truth = outcome.log_p(known), outcome.target[known]
    temperature = fitting.fit_temperature(log_p, truth)
    belief = Belief.from_logits(partition, log_p, temperature)
    cells = len(partition)
    prior = np.full(cells, 1 / cells) if outcome.even_prior else belief.p.mean(axis=0)
    width = outcome.point_km or (25.0 if partition.kind == "cities" else 250.0)
    place = rows.latlon[known]
    if partition.kind == "cities":
        place = np.where(np.isfinite(place), place, partition.centers[truth])
    located = np.flatnonzero(np.isfinite(place).all(axis=1))
    plain = Calibration(
        calibrated=True,
        temperatures={outcome.point_task: temperature},
        point_km=width,
        prior={outcome.point_task: [float(x) for x in prior]},
        # Nineteen in twenty photos of the known places are answered.
        min_gain=float(np.quantile(fitting.gain(belief, prior), 0.05)),
        fitted_on={
            "photos": len(known),
            "with_coordinates": len(located),
            "held_out": "the recipe's validation rows",
        },
    )
    if len(located) < MIN_PHOTOS:
        return plain
    guesses = (
        fitting.pick_points(belief[located], width)
        if outcome.points is None
        else outcome.points(known[located])
    )
    countries, index = _countries(partition, belief, country_codes(rows)[known])
    named = np.flatnonzero(country_codes(rows)[known] != "") if countries is not None else located
    sources = rows.column("source")[known]
    network = _only(results)
    fitted = conformal.fit(
        conformal.Sample(
            np.empty((0, 0)) if network is None else network.vectors(known),
            _clusters(rows)[known],
            np.where(sources == "", "not stated", sources),
            np.full(len(known), "", dtype=np.str_),
            located,
            belief[located],
            guesses,
            place[located],
            named,
            None if countries is None else countries[named],
            index[named],
            None if network is None else network.vectors(_some(rows.train)),
        )
    )
    about = plain.fitted_on | fitted.pop("fitted_on")
    return plain.model_copy(update={**fitted, "fitted_on": about})


def _countries(
    partition: Partition, belief: Belief[Partition], codes: npt.NDArray[np.str_]
) -> tuple[Belief[Partition] | None, IntArray]:
    """The belief over countries where that is what the cells are, and the true one of each row."""
    if partition.kind != "countries":
        return None, np.full(len(codes), -1, dtype=np.int64)
    return belief, partition.index(codes)


def _only(results: Sequence[Result]) -> Result | None:
    """The network whose encoder's vectors the system hands on: the only one, of one encoder."""
    kept = [result for result in results if result.job.keep and result.tokenizer is None]
    return kept[0] if len(kept) == 1 and isinstance(kept[0].encoder, Frozen) else None


def _some(mask: npt.NDArray[np.bool_]) -> IntArray:
    rows = np.flatnonzero(mask)
    return rows[np.linspace(0, len(rows) - 1, min(_REFERENCE, len(rows))).astype(np.int64)]


def _clusters(rows: Rows) -> npt.NDArray[np.str_]:
    """What makes photos dependent: photographer, sequence, landmark, group; else each alone."""
    found = np.char.add("#", np.arange(len(rows)).astype(str)).astype(object)
    for name in ("group", "landmark", "sequence", "photographer"):
        column = rows.column(name)
        found = np.where(column != "", np.char.add(f"{name}:", column), found)
    return found.astype(np.str_)
