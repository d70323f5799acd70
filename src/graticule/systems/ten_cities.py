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
    asked_for,
    city_ids,
    city_places,
    country_codes,
)
from graticule.systems.settings import SystemSettings

TASK = "cities"
#: Photos of each city that the document judges.
REPORT_PHOTOS = 500


class TenCities(Default):
    """One encoder, one head over cities. "Elsewhere" is the answer that abstains."""


class Settings(SystemSettings):
    """What S3 is asked for.

    Attributes:
        cities: names or ids ``CC:Name``; all of the manifest by default.
        min_photos: training photos that a city needs.
        radius_km: how far a city reaches.
        report_photos: photos of a city that the report judges, drawn with the seed (the document's
            500) where it has more; 0 takes all.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = (TASK,)

    cities: tuple[str, ...] = ()
    min_photos: int = Field(1, ge=1)
    radius_km: float = Field(RADIUS_KM, gt=0)
    report_photos: int = Field(REPORT_PHOTOS, ge=0)


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

    never = never_shown(rows, wanted)

    def evidence(of: IntArray, calibration: Calibration) -> CityEvidence:
        # Whether a photo whose city nobody knows is of these cities cannot be judged, and a city
        # that no training photo shows is neither known nor elsewhere.
        names, counts = np.unique(never[of][never[of] != ""], return_counts=True)
        judged = of[(target[of] >= 0) | (apart[of] & (never[of] == ""))]
        judged = drawn(judged, target[judged], asked.report_photos, rows.seed)
        log_p = np.empty((0, len(partition)), np.float32)
        if len(judged):
            log_p = network.log_p(TASK, judged)
        belief = calibration.temper(TASK, Belief(partition, log_p))
        said, p = belief.top(1)
        over = gain(belief, np.full(len(partition), 1 / len(partition)))
        every = np.array([*partition.ids, ""])
        return CityEvidence(
            every[target[judged]],
            every[said[:, 0]],
            p[:, 0].astype(np.float64),
            over,
            over >= calibration.min_gain,
            judged,
            never_shown={str(k): int(v) for k, v in zip(names, counts, strict=True)},
            unknown=int(((target[of] < 0) & ~apart[of]).sum()),
        )

    def report(of: IntArray, calibration: Calibration) -> tuple[dict[str, Any], str]:
        found = tables(evidence(of, calibration))
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


def never_shown(rows: Rows, wanted: Sequence[str]) -> npt.NDArray[np.str_]:
    """The id of each row's city where it is on the list and no training photo shows it, else "".

    Args:
        rows: the manifest.
        wanted: names or ids of the cities on the list; none stands for all of the manifest.
    """
    ids = city_ids(rows)
    shown = set(ids[rows.train].tolist())
    open_ = [name for name in set(ids.tolist()) - shown - {""} if asked_for(name, wanted)]
    return np.where(np.isin(ids, open_), ids, "").astype(np.str_)


def drawn(of: IntArray, city: IntArray, most: int, seed: int) -> IntArray:
    """Of the rows ``of``, at most so many of each city, drawn at random, in their order.

    Args:
        of: int64 (k,) rows of a manifest.
        city: int64 (k,) the city of each; rows of −1 all stay.
        most: photos of a city; 0 takes all.
        seed: same seed, same photos.
    """
    if not most:
        return of
    keep = city < 0
    for number in np.unique(city[city >= 0]):
        mine = np.flatnonzero(city == number)
        rng = np.random.default_rng([seed, int(number)])
        keep[rng.permutation(mine)[:most]] = True
    return of[keep]


def _listed(few: dict[str, int]) -> str:
    return ", ".join(f"{name} ({n})" for name, n in sorted(few.items()))
