"""S3: which of a list of cities, and "elsewhere" for a photo of none of them (Paruchuri).

Bundle and settings are those of `graticule.systems.default`, with one task, ``cities``. Settings of
a recipe: see :class:`Settings`.

Photos of the manifest that are known to show none of the cities teach the head to hold all cities
alike for such photos (`loss.outside`); the document has none. A photo is then "elsewhere" if the
belief is too near to equal shares: measured against what the model says on average instead, a sure
answer of a frequent city would count for little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from graticule.belief import Belief
from graticule.calibration import Calibration, gain
from graticule.cells.cities import RADIUS_KM, cities
from graticule.systems.city_report import CityEvidence, markdown, tables
from graticule.systems.default import Default
from graticule.systems.plan import (
    OUTSIDE,
    IntArray,
    Job,
    Mask,
    Outcome,
    Plan,
    Rows,
    Task,
    city_places,
    country_codes,
)
from graticule.systems.settings import SystemSettings

TASK = "cities"


class TenCities(Default):
    """One encoder, one head over cities. "Elsewhere" is the answer that abstains."""


class Settings(SystemSettings):
    """What S3 is asked for.

    Attributes:
        cities: names or ids ``CC:Name``; all of the manifest by default.
        min_photos: training photos that a city needs.
        radius_km: how far a city reaches.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = (TASK,)

    cities: tuple[str, ...] = ()
    min_photos: int = Field(1, ge=1)
    radius_km: float = Field(RADIUS_KM, gt=0)


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """One network over the cities that have enough training photos."""
    asked = Settings.of(settings)
    wanted = asked.cities
    ids, places, few = city_places(rows, min_photos=asked.min_photos, wanted=wanted)
    names = list(places)
    counts = np.array([int((rows.train & (ids == name)).sum()) for name in names])
    partition = cities(places, counts=counts, radius_km=asked.radius_km, name=TASK)
    target = partition.index(ids)
    apart = elsewhere(rows, ids, names)
    task = Task(partition.ids, np.where(apart, OUTSIDE, target), partition)
    network = yield Job(TASK, TASK, {TASK: task})
    notes = [f"Cities left out for too few photos: {_listed(few)}."] if few else []
    if (apart & rows.train).any():
        notes.append(
            f"{int((apart & rows.train).sum())} training photos show none of the cities: they "
            "teach it to be unsure of such photos, unless loss.outside is 0."
        )
    absent = [n for n in wanted if n not in names and n not in partition.names and n not in few]
    absent = [n for n in absent if n not in {k.partition(":")[2] for k in few}]
    if absent:
        notes.append(f"Cities without a training photo: {', '.join(absent)}.")

    def evidence(wanted: IntArray, calibration: Calibration) -> CityEvidence:
        belief = calibration.temper(TASK, Belief(partition, network.log_p(TASK, wanted)))
        prior = np.full(len(partition), 1 / len(partition))
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
        even_prior=True,
    )


def elsewhere(rows: Rows, ids: npt.NDArray[np.str_], names: Sequence[str]) -> Mask:
    """Rows known to show none of the cities, bool (n,).

    Those of another city that is named, and those of a country in which none of the cities lies.

    Args:
        rows: the manifest.
        ids: (n,) the city of each row, "" for none of ``names``.
        names: ids of the cities, ``CC:Name``.
    """
    codes = country_codes(rows)
    homes = sorted({name.partition(":")[0] for name in names})
    abroad = (codes != "") & ~np.isin(codes, homes)
    return np.asarray((ids == "") & ((rows.column("city") != "") | abroad))


def _listed(few: dict[str, int]) -> str:
    return ", ".join(f"{name} ({n})" for name, n in sorted(few.items()))
