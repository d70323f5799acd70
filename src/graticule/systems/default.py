"""S6, the default system: one encoder, nested cells, what alike photos say, one point.

Countries are told first and their cities inside them: p(city) = p(country) · p(city | country). A
prior of where people travel and the votes of the training photos that look alike are weighed in.

Bundle: ``encoder.onnx`` (``pixels_0`` → ``embedding``), ``heads.onnx`` (``embedding`` → an output
for each task, log-weights), ``partitions/TASK.parquet``, and ``memory.safetensors`` where the
recipe keeps one. Settings of a bundle: ``tasks``, its partitions; ``scenes``, the columns of the
output ``scenes`` if it has one; ``decoding``, see
:class:`graticule.systems.nested_decoding.Decoding`, or none where the graph's outputs are the
beliefs.

Settings of a recipe: see :class:`graticule.systems.default_settings.Settings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from graticule.systems.choosing import (
    HeldOut,
    Parts,
    best_of,
    by_heads,
    combinations,
    fit,
    inner_folds,
)
from graticule.systems.default_settings import Settings
from graticule.systems.nested_decoding import Decoding, scene_evidence, within
from graticule.systems.nested_places import Places, nested_places
from graticule.systems.plan import Job, Mask, Outcome, Plan, Rows, Task, Trained
from graticule.systems.system import Pixels, Prediction, System

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

COUNTRIES, CITIES, SCENE = "countries", "cities", "scenes"
NETWORK = "places"
INNER = "inner"
MEMORY = "memory.safetensors"


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
                logits[COUNTRIES], logits[CITIES], embedding, logits.get("scenes")
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
        _load_scenes(bundle, wanted.get("scenes"), len(coarse)),
        float(wanted.get("scene_weight", 0.0)),
        float(wanted.get("temperature", 1.0)),
    )


def _load_scenes(bundle: Bundle, wanted: Any, countries: int) -> Float32Array | None:
    if wanted is None:
        return None
    table = np.array(wanted, dtype=np.float32)
    told = len(bundle.manifest.settings.get("scenes") or ())
    if table.shape != (told, countries):
        raise BundleError(f"{bundle.path}: scenes of {table.shape}, not ({told}, {countries})")
    return table


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
    """Inner models that choose the parts where there is a choice, then the one to keep."""
    asked = Settings.of(settings)
    places = nested_places(rows, city_photos=asked.city_photos, center=asked.center)
    world = _World(rows, places, asked)
    wanted = combinations(asked)
    parts, fitted, notes, temperature = wanted[0], None, [], 1.0
    if asked.choose is not None:
        inner = inner_folds(rows, asked.choose.by, world.sources)
        tried: list[tuple[Parts, HeldOut]] = []
        for number, some in enumerate(by_heads(wanted)):
            spoken: list[tuple[IntArray, Trained, Mask]] = []
            for fold in np.unique(inner[inner >= 0]).tolist():
                use = rows.train & (inner != fold)
                name = f"inner-{number}-{fold}"
                network = yield Job(
                    name, INNER, world.tasks(some), use | ~rows.train, False,
                    world.weight(some[0].balance),
                )  # fmt: skip
                spoken.append((np.flatnonzero(inner == fold), network, use))
            tried += zip(some, world.held_out(some, spoken), strict=True)
        best = best_of(tried, places.country, world.sources)
        parts, held = tried[best]
        widths = asked.choose.point_km or (asked.point_km,)
        temperature, held = tempered(held, places.country, places.homes)
        fitted = fit(held, places.cities, rows, places.country, world.clusters, widths)
        notes.append(
            f"Chosen on inner folds of {len(held.rows)} training photos from {len(tried)} "
            f"combinations: balance {dict(parts.balance)}, "
            + (f"labels smoothed over {parts.smooth_km:g} km, " if parts.smooth_km else "")
            + f"votes {parts.weight:g} at sharpness {parts.sharpness:g}, prior to the power "
            f"{parts.power:g}, scenes to the power {parts.scenes:g}, points by "
            f"{fitted.point_km:g} km."
        )
    tasks = world.tasks([parts], scenes=asked.scenes)
    network = yield Job(NETWORK, NETWORK, tasks, weight=world.weight(parts.balance))
    decoding = replace(world.decoding(parts, network, rows.train), temperature=temperature)

    def said(of: IntArray) -> Float32Array:
        return world.says(decoding, network, of)[1]

    width = fitted.point_km if fitted else asked.point_km

    def points(of: IntArray) -> FloatArray:
        over: Partition = places.cities
        belief = Belief(over, said(of))
        return calibration.pick_points(belief, width)

    def save(folder: Path) -> None:
        if decoding.memory is not None:
            decoding.memory.save(folder / MEMORY)

    return Outcome(
        CITIES,
        {COUNTRIES: places.countries, CITIES: places.cities},
        {
            "tasks": [COUNTRIES, CITIES],
            "scenes": list(tasks[SCENE].outcomes) if SCENE in tasks else [],
            "decoding": decoding.as_settings(),
        },
        tuple(notes),
        target=places.city,
        log_p=said,
        points=points,
        point_km=width,
        calibration=fitted,
        save=save,
    )


class _World:
    """The rows of a plan with their cells, and what every model over them has in common."""

    def __init__(self, rows: Rows, places: Places, settings: Settings) -> None:
        self.rows, self.places = rows, places
        self._prior = settings.prior.model_dump()
        self._dims = settings.memory.dims
        self._like: Memory | None = None
        self.sources = sources(rows)
        self.codes = np.array(["", *places.countries.ids])[places.country + 1]
        scenes = _scene_targets(rows)
        some = len(np.unique(scenes[rows.train & (scenes >= 0)])) > 1
        self._scenes = Task(SCENES, scenes) if some else None
        landmark, group = rows.column("landmark"), rows.column("group")
        city = np.char.add(np.char.add(self.sources, "|"), rows.column("city"))
        label = np.where(rows.column("city") != "", city, rows.column("path"))
        label = np.where(group != "", group, label)
        self.clusters = np.where(landmark != "", landmark, label)

    def tasks(self, some: Sequence[Parts], *, scenes: bool = False) -> dict[str, Task]:
        """What a network learns that is read by ``some``, all of one smoothing.

        Scenes are among it where they are asked for or count, and the manifest has them.
        """
        tau, places = some[0].smooth_km, self.places
        found = {
            COUNTRIES: Task(places.countries.ids, places.country, places.countries, smooth_km=tau),
            CITIES: Task(places.cities.ids, places.city, places.cities, smooth_km=tau),
        }
        if self._scenes is not None and (scenes or any(parts.scenes > 0 for parts in some)):
            found[SCENE] = self._scenes
        return found

    def weight(self, balance: Mapping[str, float]) -> FloatArray:
        """What each row counts, (n,)."""
        learned = self.rows.train & (self.places.country >= 0)
        out = np.ones(len(self.rows))
        out[learned] = row_weights(self.sources[learned], self.codes[learned], balance)
        return out

    def decoding(self, parts: Parts, network: Trained, use: Mask) -> Decoding:
        """How a network's outputs are read, with the photos it learned from as its memory."""
        kept = None
        learned = np.flatnonzero(use & (self.places.country >= 0))
        if parts.weight > 0:
            kept = _remember(network, self.places, learned, self.weight(parts.balance), self._dims)
        return self.reading(parts, kept, self.scene_table([parts], network, learned))

    def scene_table(
        self, some: Sequence[Parts], network: Trained, learned: IntArray
    ) -> Float32Array | None:
        """What a network's scenes say of countries, from the photos it learned from, or None."""
        if self._scenes is None or not any(parts.scenes > 0 for parts in some):
            return None
        sound = learned[np.isfinite(network.vectors(learned)).all(axis=1)]
        country, weight = self.places.country[sound], self.weight(some[0].balance)[sound]
        log_p = network.log_p(SCENE, sound)
        return scene_evidence(log_p, country, weight, len(self.places.countries))

    def reading(self, parts: Parts, kept: Memory | None, scenes: Float32Array | None) -> Decoding:
        """The same with a memory and a table of scenes at hand, or none."""
        prior = log_prior(self.places.countries.ids, {**self._prior, "power": parts.power})
        return Decoding(
            self.places.homes, prior, kept, parts.weight, parts.sharpness,
            scenes if parts.scenes > 0 else None, parts.scenes,
        )  # fmt: skip

    def says(
        self, decoding: Decoding, network: Trained, of: IntArray
    ) -> tuple[Float32Array, Float32Array]:
        """Log-probabilities of countries and fine cells for rows of the manifest."""
        country, city = network.log_p(COUNTRIES, of), network.log_p(CITIES, of)
        scenes = None if decoding.scenes is None else network.log_p(SCENE, of)
        return decoding(country, city, network.vectors(of), scenes)

    def held_out(
        self, some: Sequence[Parts], spoken: Sequence[tuple[IntArray, Trained, Mask]]
    ) -> list[HeldOut]:
        """What inner models of one balance say of the photos held out of each, read by ``some``."""
        found: list[list[tuple[IntArray, Float32Array, Float32Array]]] = [[] for _ in some]
        weight = self.weight(some[0].balance)
        for held, network, use in spoken:
            vectors = network.vectors(held)
            sound = (self.places.country[held] >= 0) & np.isfinite(vectors).all(axis=1)
            own = held[sound]
            if not len(own):
                continue
            learned = np.flatnonzero(use & (self.places.country >= 0))
            kept = _remember(network, self.places, learned, weight, self._dims, self._like)
            # The directions of one inner fold's photos serve the others: no label is in them.
            self._like = kept
            cosines = kept.cosines(vectors[sound])
            heads = network.log_p(COUNTRIES, own), network.log_p(CITIES, own)
            table = self.scene_table(some, network, learned)
            scenes = None if table is None else network.log_p(SCENE, own)
            votes: dict[float, FloatArray] = {}
            for parts, said in zip(some, found, strict=True):
                if parts.sharpness not in votes:
                    votes[parts.sharpness] = kept.counted(
                        cosines, len(self.places.homes), parts.sharpness
                    )
                reading = self.reading(parts, kept, table)
                said.append((own, *reading.weighed(*heads, votes[parts.sharpness], scenes)))
        return [
            HeldOut(*(np.concatenate(column) for column in zip(*said, strict=True)))
            for said in found
        ]


def tempered(held: HeldOut, country: IntArray, homes: IntArray) -> tuple[float, HeldOut]:
    """The temperature of countries that held-out photos ask for, and the same photos at it."""
    known = country[held.rows] >= 0
    found = calibration.fit_temperature(held.country[known], country[held.rows[known]])
    told = normalise(held.country / found)
    return found, HeldOut(held.rows, told, within(told, held.city, homes))


def _remember(
    network: Trained,
    places: Places,
    rows: IntArray,
    weight: FloatArray,
    dims: int,
    like: Memory | None = None,
) -> Memory:
    """The photos of ``rows``, in the finest cell that is known of each."""
    rest = places.cities.index([f"{code}:" for code in places.countries.ids])
    cell = np.where(places.city[rows] >= 0, places.city[rows], rest[places.country[rows]])
    return memory.build(network.vectors(rows), cell, weight[rows], dims, like)


def _scene_targets(rows: Rows) -> IntArray:
    labels = rows.column("scene")
    number = {name: i for i, name in enumerate(SCENES)}
    names = {str(label): number.get(scene_of(str(label)) or "", -1) for label in np.unique(labels)}
    return np.array([names[str(label)] for label in labels], dtype=np.int64)
