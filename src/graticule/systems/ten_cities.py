"""S3: which of a list of cities, and "elsewhere" for a photo of none of them (Paruchuri).

Bundle and settings are those of `graticule.systems.default`, with one task, ``cities``. Settings of
a recipe: see :class:`Settings`.

Photos of the manifest that are known to show none of the cities teach the head to hold all cities
alike for such photos (`loss.outside`); the document has none. A photo is then "elsewhere" if the
belief is too near to equal shares: measured against what the model says on average instead, a sure
answer of a frequent city would count for little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from graticule.belief import Belief
from graticule.calibration import Calibration, gain
from graticule.cells.cities import RADIUS_KM, cities
from graticule.cells.partition import Partition
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
from graticule.systems.system import Pixels

TASK = "cities"
#: Photos of each city that the document judges.
REPORT_PHOTOS = 500


class TenCities(Default):
    """One encoder, one head over cities. "Elsewhere" is the answer that abstains."""

    def report(
        self, rows: Rows, batches: Iterable[tuple[IntArray, Sequence[Pixels]]]
    ) -> tuple[dict[str, Any], str] | None:
        """Accuracy a city, confusion and elsewhere for photos with a city; else None."""
        asked = Settings.of(self.bundle.manifest.recipe.get("settings", {}))
        partition = self.bundle.partition(TASK)
        every = city_ids(rows)
        # With a list, its cities that the bundle lacks were in no training photo, or in too few.
        lacking = ~np.isin(every, partition.ids) & np.array(
            [bool(asked.cities) and asked_for(name, asked.cities) for name in every.tolist()]
        )
        truth = Truth.of(rows, every, partition, np.where(lacking, every, ""))
        if not (truth.target >= 0).any():
            return None
        log_p = np.full((len(rows), len(partition)), np.nan, np.float32)
        for at, pixels in batches:
            log_p[at] = self.predict(pixels).beliefs[TASK].log_p
        read = np.flatnonzero(np.isfinite(log_p).all(axis=1))
        found = tables(
            evidence(truth, read, lambda of: log_p[of], self.calibration, asked.report_photos)
        )
        return found, markdown(found)


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
    truth = Truth.of(rows, ids, partition, never_shown(rows, wanted))
    target, apart = truth.target, truth.apart
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

    def log_p(of: IntArray) -> npt.NDArray[np.float32]:
        return network.log_p(TASK, of)

    def judge(of: IntArray, calibration: Calibration) -> CityEvidence:
        return evidence(truth, of, log_p, calibration, asked.report_photos)

    def report(of: IntArray, calibration: Calibration) -> tuple[dict[str, Any], str]:
        found = tables(judge(of, calibration))
        return found, markdown(found)

    return Outcome(
        TASK,
        {TASK: partition},
        {"tasks": [TASK]},
        tuple(notes),
        target=target,
        log_p=log_p,
        evidence=judge,
        report=report,
        even_prior=True,
    )


@dataclass(frozen=True)
class Truth:
    """What is known of the photos of a manifest.

    Attributes:
        partition: the cities that the system tells.
        target: int64 (n,) the true one, −1 for none of them.
        apart: bool (n,), known to show none of the cities.
        never_shown: (n,) the city that is on the list and in no training photo, else "".
        seed: of the photos that are drawn.
    """

    partition: Partition
    target: IntArray
    apart: Mask
    never_shown: npt.NDArray[np.str_]
    seed: int

    @classmethod
    def of(
        cls,
        rows: Rows,
        ids: npt.NDArray[np.str_],
        partition: Partition,
        never_shown: npt.NDArray[np.str_],
    ) -> Truth:
        """Of rows whose cities are ``ids`` (n,); "", or a name not in the partition, for none."""
        target = partition.index(ids)
        apart = elsewhere(rows, np.where(target >= 0, ids, ""), partition.ids)
        return cls(partition, target, apart, never_shown, rows.seed)


def evidence(
    truth: Truth,
    of: IntArray,
    log_p: Callable[[IntArray], npt.NDArray[np.float32]],
    calibration: Calibration,
    most: int,
) -> CityEvidence:
    """What a system said of photos.

    Whether a photo whose city nobody knows is of these cities cannot be judged, and a city that no
    training photo shows is neither known nor elsewhere.

    Args:
        truth: of the manifest.
        of: int64 (k,) the rows to judge.
        log_p: rows → their log-probabilities.
        calibration: of the bundle.
        most: photos of a city, see :func:`drawn`.
    """
    partition, target, apart = truth.partition, truth.target, truth.apart
    never = truth.never_shown[of]
    names, counts = np.unique(never[never != ""], return_counts=True)
    judged = of[(target[of] >= 0) | (apart[of] & (never == ""))]
    judged = drawn(judged, target[judged], most, truth.seed)
    found = log_p(judged) if len(judged) else np.empty((0, len(partition)), np.float32)
    belief = calibration.temper(TASK, Belief(partition, found))
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
