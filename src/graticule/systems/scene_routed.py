"""S1: a router tells four scenes apart, and a country classifier for each scene answers.

Lavinskyi and Skurat 2025. Routing is ``hard`` (the document: the likeliest scene's classifier
answers) or ``soft``: Σ p(scene) · p(country | scene).

Bundle: networks as `graticule.training.write` lays them out (settings ``encoders`` and
``networks``), ``partitions/countries.parquet``. Settings of a recipe: see :class:`Settings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from graticule.belief import Belief, Labels, mix, normalise
from graticule.calibration import Calibration
from graticule.cells.countries import countries
from graticule.cells.partition import Partition
from graticule.errors import RecipeError
from graticule.photos import scene_names
from graticule.scenes import S1_SCENES
from graticule.systems.bundle import Bundle
from graticule.systems.networks import Networks
from graticule.systems.plan import (
    IntArray,
    Job,
    Mask,
    Outcome,
    Plan,
    Rows,
    Task,
    Trained,
    country_codes,
)
from graticule.systems.scene_report import SceneEvidence, markdown, rank_of_truth, tables
from graticule.systems.settings import SystemSettings
from graticule.systems.system import Pixels, Prediction, System

Float32Array = npt.NDArray[np.float32]

TASK = "countries"
ROUTER = "router"
#: Probability of a country that a scene's classifier never saw.
FLOOR = 1e-5
#: A photo trains the classifiers of all scenes it shows with this probability.
MIN_SHARE = 0.3
BASELINE = "baseline"


class Settings(SystemSettings):
    """What S1 is made of.

    Attributes:
        scenes: that the router tells apart.
        routing: ``hard``: the likeliest scene's classifier answers (the document); ``soft``:
            Σ p(scene) · p(country | scene).
        min_share: a photo without a scene label trains the classifier of every scene to which the
            router gives this share.
        floor: probability of a country that a classifier never saw.
        baseline: train one classifier without scenes beside them, for the report: the network
            ``baseline`` of the recipe.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = (ROUTER, TASK, BASELINE)

    scenes: tuple[Literal["city", "nature", "coast", "industrial", "indoor"], ...] = S1_SCENES
    routing: Literal["hard", "soft"] = "hard"
    min_share: float = Field(MIN_SHARE, ge=0, le=1)
    floor: float = Field(FLOOR, gt=0, le=0.001, description="all countries' together are below 1")
    baseline: bool = False

    @field_validator("scenes")
    @classmethod
    def _two(cls, scenes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(scenes)) < max(2, len(scenes)):
            raise ValueError("two scenes or more to route between, each once")
        return scenes


class SceneRouted(System):
    """A router and one country classifier a scene."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        settings = bundle.manifest.settings
        self.inputs = bundle.manifest.inputs
        self.point_task = bundle.manifest.point_task
        self.routing: str = settings["routing"]
        self._scenes = Labels(tuple(settings["scenes"]))
        self._partition = bundle.partition(TASK)
        self._answering: tuple[str, ...] = tuple(settings["answering"])
        self._networks = Networks(bundle, [ROUTER, *map(network_name, self._answering)])
        self._unseen = {
            scene: self._partition.index(codes)
            for scene, codes in settings["unseen"].items()
            if codes
        }
        self._floor = float(settings["floor"])

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Route, and let the classifiers that are needed answer."""
        vectors: dict[int, Float32Array] = {}
        said, embedding = self._networks.run(ROUTER, pixels, vectors)
        scenes = Belief.from_logits(self._scenes, said["scenes"])
        share = answering_shares(scenes.p, self._scenes.ids, self._answering)
        if self.routing == "hard":
            log_p = np.empty((len(scenes), len(self._partition)), np.float32)
            chosen = share.argmax(axis=1)
            for number in np.unique(chosen):
                rows = np.flatnonzero(chosen == number)
                # Only photos of the scene pay for its classifier.
                some = [view[rows] for view in pixels]
                log_p[rows] = self._countries(self._answering[number], some, {})
            belief = Belief(self._partition, log_p)
        else:
            parts = [
                Belief(self._partition, self._countries(scene, pixels, vectors))
                for scene in self._answering
            ]
            belief = mix(parts, share)
        spoke = tuple(self._answering[i] for i in share.argmax(axis=1))
        return Prediction({TASK: belief}, embedding, scenes, spoke=spoke)

    def report(
        self, rows: Rows, batches: Iterable[tuple[IntArray, Sequence[Pixels]]]
    ) -> tuple[dict[str, Any], str] | None:
        """The router and the countries by scene, every way of routing; every network runs."""
        codes = country_codes(rows)
        truth = self._partition.index(codes)
        scene_true = scene_labels(rows, self._scenes.ids)
        if not ((truth >= 0) | (scene_true >= 0)).any():
            return None
        names = (ROUTER, *map(network_name, self._answering))
        said = {name: _Said({}, len(rows)) for name in names}
        for at, pixels in batches:
            vectors: dict[int, Float32Array] = {}
            for name in names:
                said[name].add(at, self._networks.run(name, pixels, vectors)[0])
        whole = _Routed(
            self._scenes.ids,
            self.routing,
            self._floor,
            self._answering,
            self.bundle.manifest.settings["unseen"],
            self._partition,
            said[ROUTER],
            {scene: said[network_name(scene)] for scene in self._answering},
            None,
        )
        read = said[ROUTER].rows("scenes")
        if not len(read):
            return None
        found = tables(whole.judge(rows, read, codes, truth, scene_true))
        return found, markdown(found)

    def _countries(
        self, scene: str, pixels: Sequence[Pixels], vectors: dict[int, Float32Array]
    ) -> Float32Array:
        said, _ = self._networks.run(network_name(scene), pixels, vectors)
        return with_floor(said[TASK], self._unseen.get(scene), self._floor)


def network_name(scene: str) -> str:
    """What the network of a scene's country classifier is called."""
    return f"{TASK}-{scene}"


def answering_shares(
    scene_p: npt.ArrayLike, scenes: Sequence[str], answering: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Weight of each answering classifier, (n, answering), rows sum to one.

    A scene that no photo was there to train a classifier for leaves its weight to the others.
    """
    share = np.asarray(scene_p, dtype=np.float64)[:, [list(scenes).index(s) for s in answering]]
    share = np.maximum(share, 1e-12)
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def with_floor(
    log_p: Float32Array, unseen: npt.NDArray[np.int64] | None, floor: float
) -> Float32Array:
    """Log-probabilities with ``floor`` for countries the classifier never saw, (n, countries)."""
    if unseen is None or not len(unseen):
        return normalise(log_p)
    seen = np.setdiff1d(np.arange(log_p.shape[1]), unseen)
    out = np.full(log_p.shape, np.log(floor), dtype=np.float64)
    out[:, seen] = normalise(log_p[:, seen]) + np.log1p(-floor * len(unseen))
    return normalise(out)


def scene_labels(rows: Rows, scenes: Sequence[str]) -> npt.NDArray[np.int64]:
    """The scene of each row from its column, int64 (n,); −1 where it has none of these.

    Raises:
        ManifestError: a name that no list of scenes has.
    """
    scene_names.check(rows.column("scene"), rows.where)
    number = {scene: i for i, scene in enumerate(scenes)}
    names = {
        str(v): number.get(scene_names.scene(str(v)) or "", -1)
        for v in np.unique(rows.column("scene"))
    }
    return np.array([names[str(v)] for v in rows.column("scene")], dtype=np.int64)


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """The router, then a classifier for every scene that has photos."""
    wanted = Settings.of(settings)
    scenes, routing, floor = wanted.scenes, wanted.routing, wanted.floor
    labels = scene_labels(rows, scenes)
    router = yield Job(ROUTER, ROUTER, {"scenes": Task(scenes, labels)})

    codes = country_codes(rows)
    learned = rows.train & (codes != "")
    partition: Partition = countries(
        np.where(learned, codes, ""), np.where(learned[:, None], rows.latlon, np.nan), name=TASK
    )
    target = partition.index(codes)
    here = np.flatnonzero((codes != "") & (rows.train | rows.validation))
    scene_p = np.zeros((len(rows), len(scenes)))
    scene_p[here] = np.exp(router.log_p("scenes", here))
    members = membership(labels, scene_p, wanted.min_share)
    networks: dict[str, Trained] = {}
    notes: list[str] = []
    unseen: dict[str, list[str]] = {}
    for number, scene in enumerate(scenes):
        use: Mask = members[:, number]
        seen = np.unique(target[use & rows.train & (target >= 0)])
        if not len(seen):
            notes.append(
                f"No training photo shows the scene {scene}: it has no classifier, and the others "
                "answer in its place."
            )
            continue
        unseen[scene] = [partition.ids[i] for i in np.setdiff1d(np.arange(len(partition)), seen)]
        if unseen[scene]:
            notes.append(
                f"The classifier of {scene} saw {len(seen)} of {len(partition)} countries; the "
                f"others have probability {floor:g} in it."
            )
        networks[scene] = yield Job(
            network_name(scene), TASK, {TASK: Task(partition.ids, target, partition)}, use
        )
    answering = tuple(networks)
    baseline = None
    if wanted.baseline:
        baseline = yield Job(
            BASELINE, BASELINE, {TASK: Task(partition.ids, target, partition)}, keep=False
        )
    if not answering:
        raise RecipeError(f"{rows.where}: no photo has both a country and a scene to train on")

    whole = _Routed(
        scenes, routing, floor, answering, unseen, partition, router, networks, baseline
    )

    def evidence(of: IntArray, _calibration: Calibration) -> SceneEvidence:
        return whole.judge(rows, of, codes, target, labels)

    def report(of: IntArray, calibration: Calibration) -> tuple[dict[str, Any], str]:
        found = tables(evidence(of, calibration))
        return found, markdown(found)

    return Outcome(
        TASK,
        {TASK: partition},
        {
            "scenes": list(scenes),
            "routing": routing,
            "floor": floor,
            "answering": list(answering),
            "unseen": unseen,
        },
        tuple(notes),
        target=target,
        log_p=whole.log_p,
        evidence=evidence,
        report=report,
    )


class _Tells(Protocol):
    """A network, trained or of a bundle, as its tables ask it."""

    def log_p(self, task: str, rows: IntArray) -> Float32Array:
        """Log-probabilities of a task for rows, float32 (k, outcomes)."""


@dataclass(frozen=True)
class _Said:
    """What a bundle's network said of the photos of a manifest."""

    outputs: dict[str, Float32Array]
    photos: int

    def add(self, at: IntArray, found: Mapping[str, Float32Array]) -> None:
        """Keep the outputs for the rows ``at``."""
        for task, log_p in found.items():
            if task not in self.outputs:
                self.outputs[task] = np.full((self.photos, log_p.shape[1]), np.nan, np.float32)
            self.outputs[task][at] = normalise(log_p)

    def rows(self, task: str) -> IntArray:
        """Rows of which something was said."""
        found = self.outputs.get(task, np.empty((0, 0), np.float32))
        return np.flatnonzero(~np.isnan(found).any(axis=1))

    def log_p(self, task: str, rows: IntArray) -> Float32Array:
        """Log-probabilities of a task for rows, float32 (k, outcomes)."""
        return self.outputs[task][rows]


@dataclass(frozen=True)
class _Routed:
    """The trained networks as one system: what the bundle will say, before it is written."""

    scenes: tuple[str, ...]
    routing: str
    floor: float
    answering: tuple[str, ...]
    unseen: Mapping[str, list[str]]
    partition: Partition
    router: _Tells
    networks: Mapping[str, _Tells]
    baseline: _Tells | None

    def parts(self, wanted: IntArray) -> tuple[npt.NDArray[np.float64], list[Belief[Partition]]]:
        """Weights of the classifiers (k, answering), and what each says."""
        scene_p = np.exp(self.router.log_p("scenes", wanted))
        share = answering_shares(scene_p, self.scenes, self.answering)
        return share, [
            Belief(
                self.partition,
                with_floor(
                    self.networks[scene].log_p(TASK, wanted),
                    self.partition.index(self.unseen[scene]),
                    self.floor,
                ),
            )
            for scene in self.answering
        ]

    def log_p(self, wanted: IntArray) -> Float32Array:
        """Log-probabilities of the countries, float32 (k, countries)."""
        share, parts = self.parts(wanted)
        return mix(parts, chosen_only(share) if self.routing == "hard" else share).log_p

    def judge(
        self,
        rows: Rows,
        of: IntArray,
        codes: npt.NDArray[np.str_],
        target: IntArray,
        labels: IntArray,
    ) -> SceneEvidence:
        """What was said of the rows ``of``; codes, target and labels are of all rows, (n,)."""
        found = self.evidence(of, target[of], labels[of])
        # A photo without a country is there for the router alone.
        ranks = {mode: np.where(codes[of] != "", r, -1) for mode, r in found.ranks.items()}
        return replace(found, ranks=ranks, source=rows.column("source")[of])

    def evidence(self, wanted: IntArray, truth: IntArray, scene_true: IntArray) -> SceneEvidence:
        """Ranks of the true countries by every way of routing."""
        share, parts = self.parts(wanted)
        everyone = np.arange(len(wanted))
        single = np.stack([rank_of_truth(part.log_p, truth) for part in parts], axis=1)
        place = [self.answering.index(s) if s in self.answering else -1 for s in self.scenes]
        own = np.where(scene_true >= 0, np.array(place)[scene_true], -1)
        hard = single[everyone, share.argmax(axis=1)]
        soft = rank_of_truth(mix(parts, share).log_p, truth)
        ranks = {
            "hard": hard,
            "soft": soft,
            "oracle": np.where(own >= 0, single[everyone, own], -1),
            "hard, scene known": np.where(own >= 0, hard, -1),
            "soft, scene known": np.where(own >= 0, soft, -1),
            "best": single.min(axis=1),
        }
        if self.baseline is not None:
            ranks["baseline"] = rank_of_truth(self.baseline.log_p(TASK, wanted), truth)
        said = self.router.log_p("scenes", wanted).argmax(axis=1).astype(np.int64)
        return SceneEvidence(
            self.scenes, scene_true, said, ranks, np.full(len(wanted), "", dtype=np.str_)
        )


def chosen_only(share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """All weight on the likeliest classifier, (n, answering)."""
    return np.asarray(np.eye(share.shape[1])[share.argmax(axis=1)])


def membership(
    labels: npt.NDArray[np.int64], scene_p: npt.NDArray[np.float64], min_share: float
) -> Mask:
    """Which scenes' classifiers each photo trains, bool (n, scenes).

    Its label's, where it has one; else every scene's whose probability is ``min_share`` or more,
    and always the likeliest's.
    """
    out = scene_p >= min_share
    likeliest = scene_p.argmax(axis=1)
    out[np.arange(len(out)), likeliest] |= scene_p.max(axis=1) > 0
    known = labels >= 0
    out[known] = False
    out[np.flatnonzero(known), labels[known]] = True
    return out
