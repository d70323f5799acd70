"""S3: which of a list of cities, and "elsewhere" for a photo of none of them (Paruchuri).

Bundle and settings are those of `graticule.systems.default`, with one task, ``cities``. Settings of
a recipe: ``cities`` (names or ids; all of the manifest by default), ``min_photos``, ``radius_km``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graticule.belief import Belief
from graticule.calibration import Calibration, gain
from graticule.cells.cities import RADIUS_KM, cities
from graticule.systems.city_report import CityEvidence, markdown, tables
from graticule.systems.default import Default
from graticule.systems.plan import IntArray, Job, Outcome, Plan, Rows, Task, city_places

TASK = "cities"


class TenCities(Default):
    """One encoder, one head over cities. "Elsewhere" is the answer that abstains."""


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """One network over the cities that have enough training photos."""
    wanted = tuple(settings.get("cities", ()))
    ids, places, few = city_places(
        rows, min_photos=int(settings.get("min_photos", 1)), wanted=wanted
    )
    names = list(places)
    counts = np.array([int((rows.train & (ids == name)).sum()) for name in names])
    partition = cities(
        places, counts=counts, radius_km=float(settings.get("radius_km", RADIUS_KM)), name=TASK
    )
    target = partition.index(ids)
    task = Task(partition.ids, target, partition)
    network = yield Job(TASK, TASK, {TASK: task})
    notes = [f"Cities left out for too few photos: {_listed(few)}."] if few else []
    absent = [n for n in wanted if n not in names and n not in partition.names and n not in few]
    absent = [n for n in absent if n not in {k.partition(":")[2] for k in few}]
    if absent:
        notes.append(f"Cities without a training photo: {', '.join(absent)}.")

    def evidence(wanted: IntArray, calibration: Calibration) -> CityEvidence:
        belief = calibration.temper(TASK, Belief(partition, network.log_p(TASK, wanted)))
        prior = calibration.prior.get(TASK, np.full(len(partition), 1 / len(partition)))
        said, p = belief.top(1)
        over = gain(belief, prior)
        every = np.array([*partition.ids, ""])
        return CityEvidence(
            every[target[wanted]],
            every[said[:, 0]],
            p[:, 0].astype(np.float64),
            over,
            over >= calibration.min_gain,
            wanted,
        )

    def report(wanted: IntArray, calibration: Calibration) -> tuple[dict[str, Any], str]:
        found = tables(evidence(wanted, calibration))
        return found, markdown(found)

    return Outcome(
        TASK,
        {TASK: partition},
        {"tasks": [TASK]},
        tuple(notes),
        target=target,
        log_p=lambda wanted: network.log_p(TASK, wanted),
        evidence=evidence,
        report=report,
    )


def _listed(few: dict[str, int]) -> str:
    return ", ".join(f"{name} ({n})" for name, n in sorted(few.items()))
