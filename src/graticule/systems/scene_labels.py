"""Scenes and nothing else: the helper network that labels photos which have only a place.

Trained on the rows that have a scene (Places365, or any labelled folder), it labels the others, so
that both tables train one multitask network (S4). Settings of a recipe: see :class:`Settings`.

Bundle: see :class:`graticule.systems.networks.Networks`; no partitions. Settings: ``scenes``, the
names; ``vocabulary``; ``levels``, the coarser vocabularies its probabilities are summed into.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief, Labels
from graticule.calibration import Calibration
from graticule.errors import RecipeError
from graticule.photos.scene_names import Labelled, coarser, labelled
from graticule.systems.bundle import Bundle
from graticule.systems.networks import Networks
from graticule.systems.plan import IntArray, Job, Outcome, Plan, Rows, Task, Trained
from graticule.systems.settings import SystemSettings
from graticule.systems.system import Pixels, Prediction, System

NETWORK = "scenes"
TASK = "scenes"
#: Of :data:`graticule.photos.scene_names.VOCABULARIES`.
Vocabulary: TypeAlias = Literal["places365", "places16", "places3", "groups", "s1", "column"]


class SceneLabels(System):
    """One network that tells scenes; it locates nothing."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        settings = bundle.manifest.settings
        self.inputs = bundle.manifest.inputs
        self.point_task = ""
        self._networks = Networks(bundle, [NETWORK])
        self._scenes = Labels(tuple(settings["scenes"]))
        self._levels = {
            name: (tuple(level["names"]), np.array(level["of"], dtype=np.int64))
            for name, level in settings["levels"].items()
        }

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """The scene of each photo, and its group at every coarser level."""
        said, embedding = self._networks.run(NETWORK, pixels)
        scenes = Belief.from_logits(self._scenes, said[TASK])
        return Prediction({}, embedding, scenes, labels=summed(scenes, self._levels))


def summed(
    scenes: Belief[Labels], levels: Mapping[str, tuple[tuple[str, ...], IntArray]]
) -> dict[str, Belief[Labels]]:
    """Probabilities of scenes summed into coarser vocabularies, by their names.

    Scenes without a group are left out; the rest share their mass.
    """
    groups = {name: (Labels(names), of) for name, (names, of) in levels.items()}
    return {
        name: Belief(labels, scenes.grouped(of, labels).log_p)
        for name, (labels, of) in groups.items()
    }


class Settings(SystemSettings):
    """What is told apart.

    Attributes:
        scenes: ``places365``, ``places16``, ``places3`` (indoor, natural, urban; also ``groups``),
            ``s1`` (S1's four and indoor), or ``column``: the names of the manifest's own column.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = (NETWORK,)

    scenes: Vocabulary = "groups"


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """One network, on the photos that people labelled."""
    found = read_scenes(rows, Settings.of(settings).scenes)
    target = np.where(found.by_hand, found.target, -1)
    if not (target >= 0).any() and (found.target >= 0).any():
        raise RecipeError(
            f"{rows.where}: every scene has a scene_p, as a network's own labels have; leave it "
            "empty in the rows that a person labelled"
        )
    levels = coarser(found.vocabulary, rows.columns)
    network = yield Job(NETWORK, NETWORK, {TASK: Task(found.names, target)})
    unseen = sorted(set(range(len(found.names))) - set(target[rows.train].tolist()))
    notes = [f"It tells scenes and no places: {len(found.names)} of {found.vocabulary}."]
    if unseen:
        notes.append(f"No training photo shows {len(unseen)} of them, {found.names[unseen[0]]} …")

    def report(wanted: IntArray, _calibration: Calibration) -> tuple[dict[str, Any], str]:
        return _report(network, found.names, target, levels, wanted)

    return Outcome(
        "",
        {},
        {
            "vocabulary": found.vocabulary,
            "scenes": list(found.names),
            "levels": {
                name: {"names": list(names), "of": of.tolist()}
                for name, (names, of) in levels.items()
            },
        },
        tuple(notes),
        report=report,
    )


def read_scenes(rows: Rows, vocabulary: Vocabulary) -> Labelled:
    """The scenes of a manifest's rows.

    Raises:
        RecipeError: the manifest's own names are fewer than two.
        ManifestError: a name that no vocabulary knows.
    """
    found = labelled(rows.columns, vocabulary, rows.where)
    if len(found.names) < 2:
        raise RecipeError(
            f"{rows.where}: its column scene holds {len(found.names)} names; a network wants "
            "two or more to tell apart"
        )
    return found


def _report(
    network: Trained,
    names: tuple[str, ...],
    target: IntArray,
    levels: Mapping[str, tuple[tuple[str, ...], IntArray]],
    wanted: IntArray,
) -> tuple[dict[str, Any], str]:
    """Top-1 and top-5 accuracy at each level, and by scene."""
    wanted = wanted[target[wanted] >= 0]
    if not len(wanted):
        return {"photos": 0}, "None of these photos has a scene.\n"
    truth = target[wanted]
    scenes = Belief.from_logits(Labels(names), network.log_p(TASK, wanted))
    figures: dict[str, Any] = {"photos": len(wanted), "levels": {}, "scenes": {}}
    asked: list[tuple[str, npt.NDArray[np.float32], IntArray]] = [("scene", scenes.log_p, truth)]
    for name, belief in summed(scenes, levels).items():
        asked.append((name, belief.log_p, levels[name][1][truth]))
    lines = ["| level | of | top-1 % | top-5 % | photos |", "|---|---:|---:|---:|---:|"]
    for name, log_p, true in asked:
        known = true >= 0
        rank = np.full(len(true), -1, np.int64)
        rank[known] = (log_p[known] > log_p[known, true[known]][:, None]).sum(axis=1)
        top1, top5 = (100.0 * float((rank[known] < k).mean()) for k in (1, 5))
        figures["levels"][name] = {"of": log_p.shape[1], "top1": top1, "top5": top5}
        lines.append(
            f"| {name} | {log_p.shape[1]} | {top1:.1f} | {top5:.1f} | {int(known.sum())} |"
        )
    said = scenes.log_p.argmax(axis=1)
    lines += ["", "| scene | right % | photos |", "|---|---:|---:|"]
    for number in np.unique(truth):
        mine = truth == number
        right = 100.0 * float((said[mine] == number).mean())
        figures["scenes"][names[number]] = {"right": right, "photos": int(mine.sum())}
        lines.append(f"| {names[number]} | {right:.1f} | {int(mine.sum())} |")
    return figures, "\n".join(lines) + "\n"
