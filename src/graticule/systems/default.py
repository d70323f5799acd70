"""S6, the default system: one encoder, nested cells, what alike photos say, one point.

Countries are told first and their cities inside them: p(city) = p(country) · p(city | country). A
prior of where people travel and the votes of the training photos that look alike are mixed in, in
the same cells, so that countries are always the sums of their cities.

Bundle: ``encoder.onnx`` (``pixels_0`` → ``embedding``), ``heads.onnx`` (``embedding`` → an output
for each task, log-weights), ``partitions/TASK.parquet``, and ``memory.safetensors`` where the
recipe keeps one. Settings of a bundle: ``tasks``, its partitions; ``scenes``, the columns of the
output ``scenes`` if it has one; ``decoding``, see :class:`Decoding`, or none where the graph's
outputs are the beliefs.

Settings of a recipe: ``city_photos`` that a city needs; ``center`` of a country's rest
(``polygon``, ``people``, ``photos``); ``balance``: ``{source, country}``, powers by which photos of
one source and country, and then of one country, count less; ``prior``: ``{power, elsewhere,
arrivals}``; ``memory``: ``{weight, sharpness, dims}``; ``scenes``: tell scenes too; ``point_km``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import calibration
from graticule.belief import Belief, Labels, normalise
from graticule.cells.partition import Partition
from graticule.encoders.onnx import OnnxGraph
from graticule.errors import BundleError, RecipeError
from graticule.refine import memory
from graticule.refine.memory import Memory
from graticule.scenes import SCENES, scene_of
from graticule.systems.bundle import Bundle
from graticule.systems.nested_places import Places, nested_places
from graticule.systems.plan import Job, Mask, Outcome, Plan, Rows, Task
from graticule.systems.system import Pixels, Prediction, System

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

COUNTRIES, CITIES = "countries", "cities"
NETWORK = "places"
MEMORY = "memory.safetensors"


@dataclass(frozen=True)
class Decoding:
    """What is done with the heads' outputs, in training and in the bundle alike.

    Attributes:
        homes: int64 (cities,), the country of each fine cell.
        prior: float32 (countries,), added to their log-weights.
        memory: of training photos, or None.
        weight: of the memory's votes beside the heads, between 0 and 1.
        sharpness: see :meth:`graticule.refine.memory.Memory.votes`.
    """

    homes: IntArray
    prior: Float32Array
    memory: Memory | None = None
    weight: float = 0.0
    sharpness: float = 0.05

    def __call__(
        self, country: Float32Array, city: Float32Array, vectors: Float32Array
    ) -> tuple[Float32Array, Float32Array]:
        """Log-probabilities of countries and of fine cells, from the heads' log-weights."""
        fine = within(normalise(country + self.prior), city, self.homes)
        if self.memory is not None and self.weight > 0:
            votes = self.memory.votes(vectors, len(self.homes), self.sharpness)
            with np.errstate(divide="ignore"):
                theirs = np.log(self.weight) + np.log(votes)
            fine = normalise(np.logaddexp(np.log1p(-self.weight) + fine, theirs))
        return sums(fine, self.homes, country.shape[1]), fine


def within(country: Float32Array, city: Float32Array, homes: IntArray) -> Float32Array:
    """Log p(city) = log p(country) + log p(city | country), float32 (n, cities).

    Args:
        country: log-probabilities (n, countries).
        city: log-weights (n, cities), compared only inside one country.
        homes: country of each city (cities,).
    """
    total = _log_sums(city.astype(np.float64), homes, country.shape[1])
    return np.asarray(city - total[:, homes] + country[:, homes], dtype=np.float32)


def sums(fine: Float32Array, homes: IntArray, countries: int) -> Float32Array:
    """Log-probabilities of countries from those of their cells, float32 (n, countries)."""
    return normalise(np.maximum(_log_sums(fine.astype(np.float64), homes, countries), -80.0))


def _log_sums(values: FloatArray, groups: IntArray, n: int) -> FloatArray:
    order = np.argsort(groups, kind="stable")
    owned, starts = np.unique(groups[order], return_index=True)
    top = values.max(axis=1, keepdims=True)
    # Differences over 300 nats vanish: no two cells are that far apart in what they say.
    raised = np.exp(np.maximum(values[:, order] - top, -300.0))
    out = np.full((len(values), n), -np.inf)
    out[:, owned] = np.log(np.add.reduceat(raised, starts, axis=1)) + top
    return out


class Default(System):
    """One encoder and its heads."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.inputs = bundle.manifest.inputs
        self.point_task = bundle.manifest.point_task
        self._encoder = OnnxGraph(bundle.file("encoder.onnx"))
        self._heads = OnnxGraph(bundle.file("heads.onnx"))
        settings = bundle.manifest.settings
        self._tasks = {task: bundle.partition(task) for task in settings["tasks"]}
        self._scenes = Labels(tuple(settings["scenes"])) if settings.get("scenes") else None
        missing = set(self._tasks) - set(self._heads.outputs)
        if missing:
            raise BundleError(f"{bundle.path}: heads.onnx has no output {', '.join(missing)}")
        wanted = settings.get("decoding")
        self._decoding = None if wanted is None else _load_decoding(bundle, self._tasks, wanted)

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Encode once, then every head."""
        embedding = self._encoder(pixels_0=pixels[0])["embedding"]
        logits = dict(self._heads(embedding=embedding))
        if self._decoding is not None:
            logits[COUNTRIES], logits[CITIES] = self._decoding(
                logits[COUNTRIES], logits[CITIES], embedding
            )
        return Prediction(
            {
                task: Belief.from_logits(partition, logits[task])
                for task, partition in self._tasks.items()
            },
            embedding,
            Belief.from_logits(self._scenes, logits["scenes"]) if self._scenes else None,
        )


def _load_decoding(
    bundle: Bundle, tasks: Mapping[str, Partition], wanted: Mapping[str, Any]
) -> Decoding:
    if {COUNTRIES, CITIES} - set(tasks):
        raise BundleError(f"{bundle.path}: nested decoding needs countries and cities")
    coarse, fine = tasks[COUNTRIES], tasks[CITIES]
    prior = np.array(wanted.get("prior") or [0.0] * len(coarse), dtype=np.float32)
    if len(prior) != len(coarse):
        raise BundleError(f"{bundle.path}: the prior is of {len(prior)} countries, not these")
    return Decoding(
        coarse.index(list(fine.parents[COUNTRIES])),
        prior,
        Memory.load(bundle.file(MEMORY)) if bundle.has(MEMORY) else None,
        float(wanted.get("weight", 0.0)),
        float(wanted.get("sharpness", 0.05)),
    )


def row_weights(source: npt.ArrayLike, codes: npt.ArrayLike, by: Mapping[str, Any]) -> FloatArray:
    """What each row counts, float64 (n,), mean one.

    Args:
        source: (n,) where each row is from.
        codes: (n,) its country.
        by: ``source``: a row weighs (rows of its source and country) to minus this power, so that
            hundreds of photos of one place are not hundreds of pieces of evidence; ``country``: the
            same for a country's total after that.
    """
    keys = np.char.add(np.char.add(np.asarray(source).astype(str), "|"), np.asarray(codes))
    _, cell, count = np.unique(keys, return_inverse=True, return_counts=True)
    weight = count[cell].astype(np.float64) ** -float(by.get("source", 0.0))
    _, country = np.unique(codes, return_inverse=True)
    weight *= np.bincount(country, weight)[country] ** -float(by.get("country", 0.0))
    return np.asarray(weight / weight.mean())


def log_prior(codes: Sequence[str], prior: Mapping[str, Any]) -> Float32Array:
    """Power · log share of arrivals of each country, float32 (n,); nought without a power."""
    power = float(prior.get("power", 0.0))
    arrivals, elsewhere = prior.get("arrivals") or {}, float(prior.get("elsewhere", 1.0))
    shares = np.array([float(arrivals.get(code, elsewhere)) for code in codes])
    if not (shares > 0).all():
        raise RecipeError("settings.prior: arrivals and elsewhere are above nought")
    return np.asarray(power * np.log(shares / shares.sum()), dtype=np.float32)


def sources(rows: Rows) -> npt.NDArray[np.str_]:
    """Where each row is from: its column, else the first folder of its path."""
    named, paths = rows.column("source"), rows.column("path")
    folder = np.array([p.partition("/")[0] if "/" in p else "" for p in paths], dtype=np.str_)
    return np.where(named != "", named, folder)


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """One network: countries, cities inside them, scenes where wanted."""
    places = nested_places(
        rows,
        city_photos=int(settings.get("city_photos", 30)),
        center=str(settings.get("center", "polygon")),
    )
    codes = np.array(["", *places.countries.ids])[places.country + 1]
    learned = rows.train & (places.country >= 0)
    weight = np.ones(len(rows))
    weight[learned] = row_weights(
        sources(rows)[learned], codes[learned], settings.get("balance") or {}
    )
    tasks: dict[str, Task] = {
        COUNTRIES: Task(places.countries.ids, places.country, places.countries)
    }
    tasks[CITIES] = Task(places.cities.ids, places.city, places.cities)
    scenes = _scene_targets(rows) if settings.get("scenes", False) else None
    told: tuple[str, ...] = ()
    if scenes is not None and len(np.unique(scenes[rows.train & (scenes >= 0)])) > 1:
        told = SCENES
        tasks["scenes"] = Task(SCENES, scenes)
    network = yield Job(NETWORK, NETWORK, tasks, weight=weight)
    wanted = settings.get("memory") or {}
    decoding = Decoding(
        places.homes,
        log_prior(places.countries.ids, settings.get("prior") or {}),
        _remember(network, places, learned, weight, wanted),
        float(wanted.get("weight", 0.0)),
        float(wanted.get("sharpness", 0.05)),
    )

    def said(wanted: IntArray) -> tuple[Float32Array, Float32Array]:
        return decoding(
            network.log_p(COUNTRIES, wanted),
            network.log_p(CITIES, wanted),
            network.vectors(wanted),
        )

    width = float(settings.get("point_km", 250.0))

    def points(wanted: IntArray) -> FloatArray:
        return calibration.pick_points(Belief(places.cities, said(wanted)[1]), width)

    def save(folder: Path) -> None:
        if decoding.memory is not None:
            decoding.memory.save(folder / MEMORY)

    # Where only the country is known, the truth is somewhere in it: no fine cell is it.
    return Outcome(
        CITIES,
        {COUNTRIES: places.countries, CITIES: places.cities},
        {
            "tasks": [COUNTRIES, CITIES],
            "scenes": list(told),
            "decoding": {
                "prior": [round(float(x), 5) for x in decoding.prior],
                "weight": decoding.weight,
                "sharpness": decoding.sharpness,
            },
        },
        target=places.city,
        log_p=lambda wanted: said(wanted)[1],
        points=points,
        point_km=width,
        save=save,
    )


def _remember(
    network: Any, places: Places, learned: Mask, weight: FloatArray, wanted: Mapping[str, Any]
) -> Memory | None:
    """The training photos, in the finest cell that is known of each."""
    if float(wanted.get("weight", 0.0)) <= 0:
        return None
    if not 0 < float(wanted["weight"]) < 1:
        raise RecipeError(f"settings.memory.weight {wanted['weight']}: between 0 and 1")
    rows = np.flatnonzero(learned)
    rest = places.cities.index([f"{code}:" for code in places.countries.ids])
    cell = np.where(places.city[rows] >= 0, places.city[rows], rest[places.country[rows]])
    return memory.build(network.vectors(rows), cell, weight[rows], int(wanted.get("dims", 128)))


def _scene_targets(rows: Rows) -> IntArray:
    labels = rows.column("scene")
    number = {name: i for i, name in enumerate(SCENES)}
    names = {str(label): number.get(scene_of(str(label)) or "", -1) for label in np.unique(labels)}
    return np.array([names[str(label)] for label in labels], dtype=np.int64)
