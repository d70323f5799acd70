"""S4: one network tells S2 cells at several partitionings and the scene; decoded by f*.

Settings of a recipe: ``cells``, the partitionings from coarse to fine, each ``{name, max, min}``
in photos a cell; ``levels`` of S2; ``decode``: ``f*`` (every fine cell times its ancestors) or the
name of one partitioning; ``scenes``: ``groups`` (indoor, natural, urban), ``s1`` (S1's four and
indoor) or ``none``; ``helper``: train a network on the labelled photos first, to label the others.

Bundle: see :class:`graticule.systems.networks.Networks`; ``partitions/NAME.parquet``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief, Labels, down_hierarchy
from graticule.cells.adaptive import LEVELS, S2Cells, adaptive
from graticule.cells.partition import Partition
from graticule.errors import RecipeError
from graticule.scenes import GROUPS, SCENES, TO_GROUP, scene_of
from graticule.systems.bundle import Bundle
from graticule.systems.networks import Networks
from graticule.systems.plan import Job, Outcome, Plan, Rows, Task, Trained
from graticule.systems.system import Pixels, Prediction, System

IntArray = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]

#: ISN's three partitionings (Müller-Budack et al. 2018), in photos a cell at 4.7 M photos.
CELLS = (
    {"name": "coarse", "max": 5000, "min": 50},
    {"name": "middle", "max": 2000, "min": 50},
    {"name": "fine", "max": 1000, "min": 50},
)
#: Vocabulary of the scene task by the setting ``scenes``.
VOCABULARIES: Mapping[str, tuple[str, ...]] = {"groups": GROUPS, "s1": SCENES, "none": ()}

NETWORK = "multitask"
HELPER = "helper"


class MultitaskS2(System):
    """One network, several partitionings, one scene task."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        settings = bundle.manifest.settings
        self.inputs = bundle.manifest.inputs
        self.point_task = bundle.manifest.point_task
        self._networks = Networks(bundle, [NETWORK])
        self._cells = [_s2(bundle, name) for name in settings["cells"]]
        self._ancestors = ancestors(self._cells)
        self._decode: str = settings["decode"]
        self._scenes = Labels(tuple(settings["scenes"])) if settings["scenes"] else None

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Run the network; the finest belief is multiplied down the hierarchy where asked."""
        outputs, embedding = self._networks.run(NETWORK, pixels)
        beliefs: dict[str, Belief[Partition]] = {
            cells.name: Belief.from_logits(cells, outputs[cells.name]) for cells in self._cells
        }
        fine = self._cells[-1].name
        if self._decode == "f*":
            beliefs[fine] = f_star(list(beliefs.values()), self._ancestors)
        scenes = Belief.from_logits(self._scenes, outputs["scenes"]) if self._scenes else None
        return Prediction(beliefs, embedding, scenes)


def _s2(bundle: Bundle, name: str) -> S2Cells:
    partition = bundle.partition(name)
    if not isinstance(partition, S2Cells):
        raise RecipeError(f"{bundle.path}: partition {name} is not of S2 cells")
    return partition


def ancestors(cells: Sequence[S2Cells]) -> list[IntArray]:
    """For each partition but the last, the ancestor in it of every cell of the last."""
    return [cells[-1].ancestors(coarser) for coarser in cells[:-1]]


def f_star(beliefs: Sequence[Belief[Partition]], over: Sequence[IntArray]) -> Belief[Partition]:
    """The finest of beliefs from coarse to fine, times its ancestors."""
    return down_hierarchy(beliefs[-1], list(zip(beliefs[:-1], over, strict=True)))


def scene_targets(rows: Rows, vocabulary: Sequence[str]) -> IntArray:
    """The scene of each row in a vocabulary, int64 (n,); −1 where it has none of it."""
    number = {name: i for i, name in enumerate(vocabulary)}

    def index(label: str) -> int:
        scene = scene_of(label)
        if label in number:
            return number[label]
        if scene is None:
            return -1
        return number.get(scene, number.get(TO_GROUP[scene], -1))

    labels = rows.column("scene")
    names = {str(label): index(str(label)) for label in np.unique(labels)}
    return np.array([names[str(label)] for label in labels], dtype=np.int64)


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """The helper if it is wanted, then the multitask network."""
    wanted = settings.get("cells", CELLS)
    levels = tuple(settings.get("levels", LEVELS))
    decode = str(settings.get("decode", "f*"))
    vocabulary = VOCABULARIES.get(str(settings.get("scenes", "groups")))
    if vocabulary is None:
        raise RecipeError(f"settings.scenes {settings['scenes']!r}: {', '.join(VOCABULARIES)}")
    learned = rows.train & rows.located
    cells = [
        adaptive(
            rows.latlon[learned],
            int(item["max"]),
            int(item["min"]),
            levels=(int(levels[0]), int(levels[1])),
            name=str(item["name"]),
        )
        for item in wanted
    ]
    names = [partition.name for partition in cells]
    if decode != "f*" and decode not in names:
        raise RecipeError(f"settings.decode {decode!r}: f* or one of {', '.join(names)}")
    tasks: dict[str, Task] = {}
    targets: dict[str, IntArray] = {}
    for partition in cells:
        target = np.full(len(rows), -1, np.int64)
        target[rows.located] = partition.assign(rows.latlon[rows.located])
        targets[partition.name] = target
        tasks[partition.name] = Task(partition.ids, target, partition)
    notes = []
    scenes = scene_targets(rows, vocabulary)
    if vocabulary:
        if settings.get("helper", True) and (scenes[rows.train] >= 0).any():
            helper = yield Job(HELPER, HELPER, {"scenes": Task(vocabulary, scenes)})
            open_ = np.flatnonzero((scenes < 0) & (rows.train | rows.validation))
            known = int((scenes[rows.train] >= 0).sum())
            scenes = scenes.copy()
            if len(open_):
                scenes[open_] = helper.log_p("scenes", open_).argmax(axis=1)
            notes.append(
                f"Scenes: {known} training photos are labelled, the helper labelled {len(open_)}."
            )
        tasks["scenes"] = Task(vocabulary, scenes)
    network = yield Job(NETWORK, NETWORK, tasks)
    point = cells[-1].name if decode == "f*" else decode
    by_name = dict(zip(names, cells, strict=True))
    return Outcome(
        point,
        by_name,
        {"cells": names, "decode": decode, "scenes": list(vocabulary)},
        tuple(notes),
        target=targets[point],
        log_p=lambda wanted: decoded(network, cells, decode, wanted).log_p,
    )


def decoded(
    network: Trained, cells: Sequence[S2Cells], decode: str, rows: IntArray
) -> Belief[Partition]:
    """What a trained network says of rows of the manifest, decoded as asked."""
    chosen = cells if decode == "f*" else [part for part in cells if part.name == decode]
    beliefs: list[Belief[Partition]] = [
        Belief.from_logits(part, network.log_p(part.name, rows)) for part in chosen
    ]
    return f_star(beliefs, ancestors(chosen))
