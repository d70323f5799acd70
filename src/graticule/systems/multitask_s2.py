"""S4: one network tells S2 cells at several partitionings and the scene; decoded by f*.

Settings of a recipe: see :class:`Settings`.

``routing: hard`` or ``soft`` makes it the ISNs of Müller-Budack et al. 2018 instead: a scene
network, and a network of cells for each scene, which trains on the photos that show it with
``min_share`` or more; the likeliest scene's network answers, or all by their share.

Bundle: see :class:`graticule.systems.networks.Networks`; ``partitions/NAME.parquet``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationInfo, field_validator

from graticule.belief import Belief, Labels
from graticule.calibration import Calibration
from graticule.cells.adaptive import LEVELS, S2Cells, adaptive
from graticule.cells.partition import Partition
from graticule.errors import PartitionError, RecipeError
from graticule.photos.scene_names import Labelled
from graticule.systems import s2_report
from graticule.systems.bundle import Bundle
from graticule.systems.networks import Networks
from graticule.systems.plan import FloatArray, IntArray, Job, Outcome, Plan, Rows, Task, Trained
from graticule.systems.s2_decoding import (
    Trainees,
    ancestors,
    evidence,
    f_star,
    of_shares,
    routed_shares,
)
from graticule.systems.scene_labels import Vocabulary, read_scenes
from graticule.systems.scene_routed import membership
from graticule.systems.settings import Part, SystemSettings
from graticule.systems.system import Pixels, Prediction, System

Float32Array = npt.NDArray[np.float32]

#: A photo trains the networks of all scenes it shows with this probability (ISN).
MIN_SHARE = 0.3

NETWORK = "multitask"
HELPER = "helper"
SCENES = "scenes"
#: The networks of the scenes, by their spec.
ROUTED = "cells"


class CellSettings(Part):
    """One partitioning into S2 cells.

    Attributes:
        name: of the partition and its task.
        max: photos of a cell, more are split.
        min: a cell with fewer is dropped.
    """

    name: str = Field(min_length=1)
    max: int = Field(ge=1)
    min: int = Field(ge=1)


#: ISN's three partitionings (Müller-Budack et al. 2018), in photos a cell at 4.7 M photos.
CELLS = (
    CellSettings(name="coarse", max=5000, min=50),
    CellSettings(name="middle", max=2000, min=50),
    CellSettings(name="fine", max=1000, min=50),
)
_Level = Annotated[int, Field(ge=0, le=30)]


class Settings(SystemSettings):
    """What S4 and the ISNs are made of.

    Attributes:
        cells: the partitionings from coarse to fine.
        levels: of S2, the coarsest and the finest.
        decode: ``f*`` (every fine cell times its ancestors) or the name of one partitioning.
        scenes: a vocabulary of `graticule.photos.scene_names` (``groups``: indoor, natural, urban)
            or ``none``.
        helper: train a network on the labelled photos first, to label the others.
        helper_min_p: labels that it, or an earlier one, is less sure of are left out.
        label_share: share of people's labels that is used.
        batch_share: share of an epoch that photos with such a label make up; None: as they are.
        routing: ``none``; ``hard``: the likeliest scene's network answers; ``soft``: all by their
            share.
        min_share: a photo trains the networks of all scenes it shows with this probability.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = (NETWORK, HELPER, ROUTED)

    cells: tuple[CellSettings, ...] = Field(CELLS, min_length=1)
    levels: tuple[_Level, _Level] = LEVELS
    decode: str = "f*"
    scenes: Literal[Vocabulary, "none"] = "groups"
    helper: bool = True
    helper_min_p: float = Field(0.0, ge=0, le=1)
    label_share: float = Field(1.0, ge=0, le=1)
    batch_share: float | None = Field(None, gt=0, lt=1)
    routing: Literal["none", "hard", "soft"] = "none"
    min_share: float = Field(MIN_SHARE, ge=0, le=1)

    @field_validator("cells")
    @classmethod
    def _apart(cls, cells: tuple[CellSettings, ...]) -> tuple[CellSettings, ...]:
        names = [one.name for one in cells]
        if len({*names, SCENES}) <= len(names):
            raise ValueError(f"names {', '.join(names)}: each once, and none {SCENES}")
        return cells

    @field_validator("decode")
    @classmethod
    def _one_of_them(cls, decode: str, info: ValidationInfo) -> str:
        names = [one.name for one in info.data.get("cells", ())]
        if names and decode != "f*" and decode not in names:
            raise ValueError(f"f* or one of {', '.join(names)}")
        return decode

    @field_validator("routing")
    @classmethod
    def _by_scenes(cls, routing: str, info: ValidationInfo) -> str:
        if routing != "none" and info.data.get("scenes") == "none":
            raise ValueError("routing needs scenes, and settings.scenes is none")
        return routing


class MultitaskS2(System):
    """One network for all tasks, or, as ISN, one for the scene and one for each scene's cells."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        settings = bundle.manifest.settings
        self.inputs = bundle.manifest.inputs
        self.point_task = bundle.manifest.point_task
        self._cells = [_s2(bundle, name) for name in settings["cells"]]
        self._ancestors = ancestors(self._cells)
        self._decode: str = settings["decode"]
        self._scenes = Labels(tuple(settings["scenes"])) if settings["scenes"] else None
        self._routing = str(settings.get("routing", "none"))
        self._answering: tuple[str, ...] = tuple(settings.get("answering", ()))
        wanted = [HELPER, *map(network_name, self._answering)] if self._answering else [NETWORK]
        self._networks = Networks(bundle, wanted)

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Run the networks; the finest belief is multiplied down the hierarchy where asked."""
        if self._answering:
            return self._routed(pixels)
        outputs, embedding = self._networks.run(NETWORK, pixels)
        scenes = Belief.from_logits(self._scenes, outputs[SCENES]) if self._scenes else None
        return Prediction(self._beliefs(outputs), embedding, scenes)

    def _beliefs(self, outputs: Mapping[str, Float32Array]) -> dict[str, Belief[Partition]]:
        beliefs: dict[str, Belief[Partition]] = {
            cells.name: Belief.from_logits(cells, outputs[cells.name]) for cells in self._cells
        }
        if self._decode == "f*":
            beliefs[self._cells[-1].name] = f_star(list(beliefs.values()), self._ancestors)
        return beliefs

    def _routed(self, pixels: Sequence[Pixels]) -> Prediction:
        vectors: dict[int, Float32Array] = {}
        said, embedding = self._networks.run(HELPER, pixels, vectors)
        labels = self._scenes or Labels(())
        scenes = Belief.from_logits(labels, said[SCENES])
        share = routed_shares(scenes.p, labels.ids, self._answering, self._routing)
        total = {cells.name: np.zeros((len(share), len(cells))) for cells in self._cells}
        for number, scene in enumerate(self._answering):
            rows = np.flatnonzero(share[:, number] > 0)
            if not len(rows):  # only photos of the scene pay for its network
                continue
            whole = len(rows) == len(share)
            some = list(pixels) if whole else [view[rows] for view in pixels]
            outputs, _ = self._networks.run(network_name(scene), some, vectors if whole else {})
            for name, belief in self._beliefs(outputs).items():
                total[name][rows] += share[rows, number, None] * belief.p
        spoke = tuple(self._answering[i] for i in share.argmax(axis=1))
        beliefs = {cells.name: of_shares(cells, total[cells.name]) for cells in self._cells}
        return Prediction(beliefs, embedding, scenes, spoke=spoke)


def _s2(bundle: Bundle, name: str) -> S2Cells:
    partition = bundle.partition(name)
    if not isinstance(partition, S2Cells):
        raise RecipeError(f"{bundle.path}: partition {name} is not of S2 cells")
    return partition


def network_name(scene: str) -> str:
    """What the network of a scene's cells is called."""
    return f"cells-{scene.replace('/', '-').replace(' ', '-')}"


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """The helper if it is wanted, then one network, or one for each scene."""
    wanted = Settings.of(settings)
    routing, decode = wanted.routing, wanted.decode
    found = None if wanted.scenes == "none" else read_scenes(rows, wanted.scenes)
    cells = _partitions(rows, wanted)
    names = [partition.name for partition in cells]
    places = _tasks(rows, cells)
    notes: list[str] = []
    scenes = _Scenes((), np.full(len(rows), -1, np.int64), np.zeros(len(rows), dtype=bool))
    if found:
        scenes = yield from _label(rows, found, wanted, routing != "none", notes)
    share = wanted.batch_share
    often = None if share is None else _often(scenes.by_hand, rows.train, share)
    answering: tuple[str, ...] = ()
    if routing == "none":
        told = {SCENES: Task(scenes.names, scenes.target)} if scenes.names else {}
        whole = Trainees(cells, [(yield Job(NETWORK, NETWORK, {**places, **told}, often=often))])
    else:
        networks = yield from _one_a_scene(rows, places, scenes, wanted.min_share, notes)
        answering = tuple(networks)
        shares = routed_shares(scenes.p, scenes.names, answering, routing)
        whole = Trainees(cells, list(networks.values()), shares)

    def said(of: IntArray, _calibration: Calibration) -> s2_report.Evidence:
        words = np.array([*scenes.names, ""])[scenes.target]
        return evidence(whole, rows, words, of)

    point = cells[-1].name if decode == "f*" else decode
    return Outcome(
        point,
        dict(zip(names, cells, strict=True)),
        {
            "cells": names,
            "decode": decode,
            "scenes": list(scenes.names),
            "routing": routing,
            "answering": list(answering),
        },
        tuple(notes),
        target=places[point].target,
        log_p=lambda of: whole.belief(decode, of).log_p,
        report=lambda of, fitted: s2_report.report(said(of, fitted)),
        evidence=said,
    )


@dataclass(frozen=True)
class _Scenes:
    """The scenes of a manifest's rows as training uses them.

    Attributes:
        names: of the vocabulary.
        target: int64 (n,), −1 where nobody says.
        by_hand: (n,) labels of people.
        p: float64 (n, names), the helper's; empty where there is none.
    """

    names: tuple[str, ...]
    target: IntArray
    by_hand: npt.NDArray[np.bool_]
    p: FloatArray = field(default_factory=lambda: np.empty((0, 0)))


def _label(
    rows: Rows, found: Labelled, wanted: Settings, always: bool, notes: list[str]
) -> Generator[Job, Trained, _Scenes]:
    """Train the helper on people's labels, and label the photos that have none."""
    target = _given(rows, found, wanted)
    by_hand = (target >= 0) & np.isnan(found.p)
    used = rows.train | rows.validation | rows.test
    open_ = np.flatnonzero((target < 0) & used)
    ask = always or (wanted.helper and len(open_) > 0)
    if not ask or not (target[rows.train] >= 0).any():
        if always:
            raise RecipeError(f"{rows.where}: no training photo has a scene to route by")
        return _Scenes(found.names, target, by_hand)
    # Labels of an earlier helper, in scene_p, teach nothing new.
    taught = np.where(by_hand, target, -1) if (by_hand & rows.train).any() else target
    job = Job(HELPER, HELPER, {SCENES: Task(found.names, taught)}, keep=always)
    helper = yield job
    p = np.zeros((len(rows), len(found.names)))
    p[used] = np.exp(helper.log_p(SCENES, np.flatnonzero(used)))
    sure = open_[p[open_].max(axis=1) >= wanted.helper_min_p] if len(open_) else open_
    if always or wanted.helper:
        target[sure] = p[sure].argmax(axis=1)
        notes.append(
            f"Scenes: {int(by_hand[rows.train].sum())} training photos are labelled, the helper "
            f"labelled {len(sure)} others."
        )
    return _Scenes(found.names, target, by_hand, p)


def _one_a_scene(
    rows: Rows,
    places: Mapping[str, Task],
    scenes: _Scenes,
    min_share: float,
    notes: list[str],
) -> Generator[Job, Trained, dict[str, Trained]]:
    """ISN: a network of cells for every scene that has photos."""
    networks: dict[str, Trained] = {}
    labels = np.where(scenes.by_hand, scenes.target, -1)
    shows = membership(labels, scenes.p, min_share)
    for number, scene in enumerate(scenes.names):
        use = shows[:, number]
        if not all((task.target[use & rows.train] >= 0).any() for task in places.values()):
            notes.append(f"No training photo with a place shows {scene}: the others answer.")
            continue
        networks[scene] = yield Job(network_name(scene), ROUTED, places, use)
    return networks


def _partitions(rows: Rows, wanted: Settings) -> list[S2Cells]:
    places = rows.latlon[rows.train & rows.located]
    if not len(places):
        raise PartitionError(f"{rows.where}: no photo has a place: fill lat and lon")
    found = []
    for number, one in enumerate(wanted.cells):
        try:
            found.append(adaptive(places, one.max, one.min, levels=wanted.levels, name=one.name))
        except PartitionError as error:
            where = f"τ_min and τ_max are settings.cells.{number}.min and .max of the recipe"
            raise RecipeError(f"{rows.where}: {one.name} cells: {error}; {where}") from error
    return found


def _tasks(rows: Rows, cells: Sequence[S2Cells]) -> dict[str, Task]:
    tasks = {}
    for partition in cells:
        target = np.full(len(rows), -1, np.int64)
        target[rows.located] = partition.assign(rows.latlon[rows.located])
        tasks[partition.name] = Task(partition.ids, target, partition)
    return tasks


def _given(rows: Rows, found: Labelled, wanted: Settings) -> IntArray:
    """The labels that are used: those a network was not sure of and a share are left out."""
    unsure = found.p < wanted.helper_min_p
    target = np.where(unsure, -1, found.target)
    if wanted.label_share < 1:
        hidden = np.array([_drawn(str(path)) >= wanted.label_share for path in rows.column("path")])
        target[hidden & rows.train] = -1
    return target


def _drawn(path: str) -> float:
    """A number in [0, 1) that depends on the photo's name alone, so that shares are nested."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:6]) / 2**48


def _often(
    by_hand: npt.NDArray[np.bool_], train: npt.NDArray[np.bool_], share: float
) -> FloatArray:
    """How often rows are drawn so that people's labels make up a share of an epoch."""
    many = max(1, int((by_hand & train).sum()))
    others = max(1, int((~by_hand & train).sum()))
    return np.where(by_hand, share / many, (1 - share) / others)
