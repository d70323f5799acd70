"""What a system wants trained: jobs of photos and labels, in plain numpy.

A system's ``plan`` is a generator. It yields one :class:`Job` at a time, is sent the
:class:`Trained` network back (a router labels the photos that the next jobs train on), and returns
the :class:`Outcome`: what the bundle needs beside the networks. The trainer knows nothing else
about systems, so that a new system is one file.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from graticule.atlas import Captions
from graticule.calibration import Calibration
from graticule.cells.partition import Partition
from graticule.errors import RecipeError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """The manifest as a plan sees it.

    Attributes:
        columns: text by column, (n,), "" where unknown.
        latlon: float64 (n, 2), NaN where unknown.
        train: rows to learn from.
        validation: rows to stop and calibrate on.
        test: rows that nothing was fitted or chosen on.
        where: the manifest's name, for messages.
        seed: of what a plan draws at random.
    """

    columns: Mapping[str, npt.NDArray[np.str_]]
    latlon: FloatArray
    train: Mask
    validation: Mask
    test: Mask
    where: str = "the manifest"
    seed: int = 0

    def __len__(self) -> int:
        return len(self.train)

    def column(self, name: str) -> npt.NDArray[np.str_]:
        """A column as text, "" everywhere if there is none."""
        return self.columns.get(name, np.full(len(self), "", dtype=np.str_))

    @property
    def located(self) -> Mask:
        """Rows with coordinates."""
        return np.asarray(np.isfinite(self.latlon).all(axis=1))


@dataclass(frozen=True)
class Task:
    """One thing a network tells.

    Attributes:
        outcomes: their ids, in the order of the head's columns.
        target: int64 (n,) of all rows, −1 where the label is unknown, :data:`OUTSIDE` where it is
            known to be none of the outcomes: such photos teach to hold all outcomes alike.
        partition: the cells, where the outcomes are places.
        weight: of its loss.
        alike: int64 (outcomes,), the group of each outcome; None where they are not grouped.
        shared: share of each label that goes to the other outcomes of its group, alike.
        smooth_km: τ of labels smoothed by distance, nought for plain ones; None leaves that to the
            recipe's loss.
    """

    outcomes: tuple[str, ...]
    target: IntArray
    partition: Partition | None = None
    weight: float = 1.0
    alike: IntArray | None = None
    shared: float = 0.0
    smooth_km: float | None = None


@dataclass(frozen=True)
class CaptionTask:
    """What a network learns that tells which caption belongs to which photo.

    Attributes:
        captions: of all rows.
        shared: length of the vectors of both sides; an encoder with a text side of its own has its
            own.
        keep: probability of each optional sentence.
        levels: how often a batch is captioned by town, by region and by country.
        bytes: longest caption that the small text side reads.
    """

    captions: Captions
    shared: int = 256
    keep: float = 0.5
    levels: tuple[float, float, float] = (1.0, 0.0, 0.0)
    bytes: int = 256


@dataclass(frozen=True)
class Job:
    """One network to train.

    Attributes:
        name: of the network in the bundle: ``router``, ``countries-city``.
        spec: which entry of the recipe's ``networks`` it is trained by.
        tasks: by the name of the output.
        use: rows that may be used; all by default.
        keep: whether the bundle gets it; a baseline is trained for the report alone.
        weight: float64 (n,) what each row counts: in the loss under ``optimizer: lbfgs``, else in
            how often it is drawn; None counts all alike.
        often: float64 (n,) how often each row is drawn, against the others; None leaves that to
            ``weight`` and the recipe's ``sampling``.
        captions: learn image against caption; there are no ``tasks`` then.
    """

    name: str
    spec: str
    tasks: Mapping[str, Task]
    use: Mask | None = None
    keep: bool = True
    weight: FloatArray | None = None
    often: FloatArray | None = None
    captions: CaptionTask | None = None


class Trained(Protocol):
    """A trained network, as a plan asks it."""

    def log_p(self, task: str, rows: IntArray) -> npt.NDArray[np.float32]:
        """Log-probabilities of a task for rows of the manifest, float32 (k, outcomes)."""

    def vectors(self, rows: IntArray) -> npt.NDArray[np.float32]:
        """The encoder's vectors of rows, float32 (k, d); NaN for a photo that cannot be read."""

    def logit_scale(self) -> float:
        """Of a network that learned from captions: what cosines are multiplied by."""


@dataclass(frozen=True)
class Outcome:
    """What the bundle needs beside its networks.

    Attributes:
        point_task: the belief that points are decoded from; "" for a system without places.
        partitions: by task.
        settings: for the system.
        notes: lines for the model card: what was left out, and why.
        target: int64 (n,) the true cell of every row in the partition of ``point_task``.
        log_p: rows (k,) → float32 (k, cells) of ``point_task``, as the system will say it.
        points: rows (k,) → degrees (k, 2), where the system picks its points itself.
        point_km: width of the kernel that picks points, where the system has chosen one.
        calibration: what the system fitted on photos that it held out itself.
        save: writes the system's own files into the bundle's folder, before it is sealed.
        evidence: rows (k,) and the calibration → what the system said of each photo.
        report: the same rows → the system's tables as numbers and as Markdown.
        even_prior: whether abstention measures a belief against equal shares, not against what the
            model says on average: where the outcomes are a list that somebody chose.
    """

    point_task: str
    partitions: Mapping[str, Partition]
    settings: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    target: IntArray | None = None
    log_p: Callable[[IntArray], npt.NDArray[np.float32]] | None = None
    points: Callable[[IntArray], FloatArray] | None = None
    point_km: float | None = None
    calibration: Calibration | None = None
    save: Callable[[Path], None] | None = None
    report: Callable[[IntArray, Calibration], tuple[dict[str, Any], str]] | None = None
    evidence: Callable[[IntArray, Calibration], Any] | None = None
    even_prior: bool = False


#: Target of a photo that shows none of a task's outcomes.
OUTSIDE: Final = -2

Plan: TypeAlias = Generator[Job, Trained, Outcome]


def country_codes(rows: Rows) -> npt.NDArray[np.str_]:
    """The country of each row, "" where unknown: its column, else that of its coordinates."""
    from graticule import atlas

    codes = rows.column("country").copy().astype("<U2")
    open_ = (codes == "") & rows.located
    if open_.any():
        codes[open_] = atlas.countries(rows.latlon[open_])
    return codes


def city_places(
    rows: Rows, *, min_photos: int = 1, wanted: tuple[str, ...] = ()
) -> tuple[npt.NDArray[np.str_], dict[str, tuple[float, float]], dict[str, int]]:
    """Cities of the training rows, as ids ``CC:Name``, with where they are.

    A city lies at the mean of its photos that have coordinates, else where the atlas has a town of
    that name.

    Args:
        rows: the manifest.
        min_photos: cities with fewer training photos are left out.
        wanted: only these, by name or id; all by default.

    Returns:
        The id of each row ("" for none), id → (lat, lon) of the cities kept, and id → photos of
        those left out for having too few.

    Raises:
        RecipeError: a city is in no country and unknown to the atlas, or none is left.
    """
    from graticule import sphere

    ids, located = city_ids(rows), rows.located
    known, counts = np.unique(ids[rows.train & (ids != "")], return_counts=True)
    number = {str(k): int(v) for k, v in zip(known, counts, strict=True)}
    if wanted:
        number = {k: v for k, v in number.items() if asked_for(k, wanted)}
    few = {k: v for k, v in number.items() if v < min_photos}
    places: dict[str, tuple[float, float]] = {}
    for key in sorted(set(number) - set(few)):
        own = (ids == key) & located
        if own.any():
            lat, lon = sphere.mean(rows.latlon[own])
        else:
            code, _, name = key.partition(":")
            _, lat, lon = _town(name, code, rows.where)
        places[key] = (float(lat), float(lon))
    if len(places) < 2:
        known_as = {name for key in number for name in _names(key)}
        absent = [name for name in wanted if name not in known_as]
        raise RecipeError(
            f"{rows.where}: two cities or more are needed, with {min_photos} training photos each; "
            f"there is {', '.join(places) or 'none'}"
            + (f", and no photo of {', '.join(absent)} (settings.cities)" if absent else "")
            + "; fill the column city, or lower settings.min_photos"
        )
    return np.where(np.isin(ids, list(places)), ids, ""), places, few


def city_ids(rows: Rows) -> npt.NDArray[np.str_]:
    """The city of each row as an id ``CC:Name``, "" where none is named, (n,).

    Raises:
        RecipeError: a city is in no country and unknown to the atlas.
    """
    names, codes = rows.column("city"), country_codes(rows)
    ids = np.full(len(rows), "", dtype=object)
    for name, code in sorted({(str(n), str(c)) for n, c in zip(names, codes, strict=True) if n}):
        mine = (names == name) & (codes == code)
        country = code or _town(name, None, rows.where)[0]
        ids[mine] = f"{country}:{name.strip().title() if name.islower() else name.strip()}"
    return ids.astype(np.str_)


def asked_for(city: str, wanted: Sequence[str]) -> bool:
    """Whether a list of names or ids has the city ``CC:Name``; an empty list has every city."""
    return not wanted or not {*_names(city)}.isdisjoint(wanted)


def _names(city: str) -> tuple[str, str]:
    """What a city ``CC:Name`` may be called in a recipe."""
    return city, city.partition(":")[2]


def _town(name: str, country: str | None, where: str) -> tuple[str, float, float]:
    """Country and place of a town by its name.

    Raises:
        RecipeError: the atlas has none.
    """
    from graticule import atlas
    from graticule.cells.cities import TEN_CITIES

    for city, (lat, lon) in TEN_CITIES.items():
        code, _, known = city.partition(":")
        if known.casefold() == name.casefold() and country in {None, code}:
            return code, lat, lon
    found = atlas.find_town(name, country) or atlas.find_town(name.title(), country)
    if found is None:
        raise RecipeError(
            f"{where}: city {name!r} has no coordinates and the atlas has no such town"
            + (f" in {country}" if country else "")
            + "; add lat and lon to its rows"
        )
    return str(found.country), float(found.lat), float(found.lon)
