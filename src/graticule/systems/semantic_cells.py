"""S2: semantic geocells of a region, geo-embeddings, hypotheses, prototypes.

Settings of a recipe: see :class:`graticule.systems.semantic_settings.Settings`.

A photo's place is used in training only: what the attributes of a new photo are is told from it.

Bundle: see :class:`graticule.systems.networks.Networks`; ``partitions/cells.parquet``,
``partitions/groups.parquet``, ``prototypes.safetensors`` or ``offsets.safetensors``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief, Labels, down_hierarchy
from graticule.cells.partition import Partition
from graticule.cells.semantic.groups import Grouping, group_cells, group_partition
from graticule.refine import offset
from graticule.refine.geo_embedding import geo_embedding, spread
from graticule.refine.hypotheses import Hypotheses, Picked, top_cells
from graticule.refine.offset import Offsets
from graticule.refine.prototypes import Prototypes, Refiner, build
from graticule.systems.bundle import Bundle
from graticule.systems.networks import Networks
from graticule.systems.place_labels import place_labels
from graticule.systems.plan import Job, Outcome, Plan, Rows, Task
from graticule.systems.region_cells import region_cells
from graticule.systems.semantic_settings import RefineSettings, Settings
from graticule.systems.system import Pixels, Prediction, System

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

CELLS, GROUPS = "cells", "groups"
PROTOTYPES, OFFSETS = "prototypes.safetensors", "offsets.safetensors"
#: The network whose vectors make the groups, where their labels are learned from afterwards.
BEFORE = "cells-before"


@dataclass(frozen=True)
class Chain:
    """What is done with a network's outputs, in training and in the bundle alike.

    Attributes:
        cells: the partition.
        over: int64 (cells,), the group of each cell; None without groups.
        groups: their partition.
        scale: of the attributes in the geo-embedding.
        k: likeliest cells looked into.
        merge_km: cells nearer than this are one hypothesis.
        refiner: picks the point.
    """

    cells: Partition
    over: IntArray | None
    groups: Partition | None
    scale: float
    k: int
    merge_km: float
    refiner: Refiner

    def belief(self, cells: npt.ArrayLike, groups: npt.ArrayLike | None) -> Belief[Partition]:
        """The cells' log-probabilities times those of their groups."""
        fine = Belief.from_logits(self.cells, cells)
        if self.groups is None or self.over is None or groups is None:
            return fine
        return down_hierarchy(fine, [(Belief.from_logits(self.groups, groups), self.over)])

    def vectors(self, seen: Float32Array, told: Sequence[npt.ArrayLike]) -> Float32Array:
        """Geo-embeddings, from vectors and the attributes' log-probabilities."""
        return geo_embedding(seen, [np.exp(np.asarray(p)) for p in told], self.scale)

    def pick(self, belief: Belief[Partition], vectors: Float32Array) -> Picked:
        """Where each photo was taken, and the hypotheses that it was chosen among.

        Only the cells of one hypothesis are looked into for its point. Where nothing is merged
        there are none, and the point lies in any of the K cells.
        """
        top = top_cells(belief, self.k, self.merge_km)
        if not self.merge_km:
            return Picked(self.refiner.points(top.cells, top.p, vectors))
        numbers = np.arange(top.hypothesis.max(initial=0) + 1)
        points = np.stack(
            [self.refiner.points(top.cells, top.of(h), vectors) for h in numbers.tolist()], axis=1
        )
        there = (top.hypothesis[:, :, None] == numbers).any(axis=1)
        of_each = np.where(there[:, :, None], points, np.nan)
        return Picked(points[:, 0], Hypotheses(top.cells, top.hypothesis, of_each))


class SemanticCells(System):
    """One network over cells and attributes, one over groups, prototypes."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        settings = bundle.manifest.settings
        self.inputs = bundle.manifest.inputs
        self.point_task = bundle.manifest.point_task
        self._told: dict[str, Labels] = {
            name: Labels(tuple(outcomes)) for name, outcomes in settings["attributes"].items()
        }
        self._grouped = bool(settings["grouped"])
        self._networks = Networks(bundle, [CELLS, GROUPS] if self._grouped else [CELLS])
        cells = bundle.partition(CELLS)
        groups = bundle.partition(GROUPS) if self._grouped else None
        stored = Prototypes.load(bundle.file(PROTOTYPES)) if bundle.has(PROTOTYPES) else None
        shifts = Offsets.load(bundle.file(OFFSETS)) if bundle.has(OFFSETS) else None
        self._chain = Chain(
            cells,
            None if groups is None else np.array(settings["over"], dtype=np.int64),
            groups,
            float(settings["scale"]),
            int(settings["k"]),
            float(settings["merge_km"]),
            Refiner(stored, cells.centers, **settings["refine"], offsets=shifts),
        )

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Cells, groups and attributes from the picture; the point from the prototypes."""
        outputs, seen = self._networks.run(CELLS, pixels)
        groups = self._networks.run(GROUPS, pixels)[0][GROUPS] if self._grouped else None
        belief = self._chain.belief(outputs[CELLS], groups)
        vectors = self._chain.vectors(seen, [outputs[name] for name in self._told])
        picked = self._chain.pick(belief, vectors)
        beliefs = {CELLS: belief}
        if groups is not None and self._chain.groups is not None:
            beliefs[GROUPS] = Belief.from_logits(self._chain.groups, groups)
        return Prediction(
            beliefs,
            vectors,
            labels={
                name: Belief.from_logits(labels, outputs[name])
                for name, labels in self._told.items()
            },
            points=picked.points,
            hypotheses=picked.hypotheses,
        )

    def pick(self, belief: Belief[Partition], embedding: Float32Array) -> Picked:
        """From the likeliest cells that the evidence leaves, as without evidence."""
        return self._chain.pick(belief, embedding)


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """Cells with attributes; then the groups that their photos make, if they are wanted."""
    wanted = Settings.of(settings)
    partition, notes = region_cells(rows, wanted.region, wanted.boundaries, wanted.cells)
    target = np.full(len(rows), -1, np.int64)
    target[rows.located] = partition.assign(rows.latlon[rows.located])
    told, left_out = place_labels(rows, target >= 0, wanted.attributes)
    notes += left_out
    labels = {
        name: Task(outcomes, values, weight=wanted.attribute_loss)
        for name, (outcomes, values) in told.items()
    }
    again = wanted.groups is not None and wanted.groups.label_mass > 0
    first = BEFORE if again else CELLS
    cells = Task(partition.ids, target, partition)
    network = yield Job(first, CELLS, {CELLS: cells, **labels}, keep=not again)

    learned = np.flatnonzero(rows.train & (target >= 0))
    seen = network.vectors(learned)
    scale = wanted.fuse * spread(seen) if told else 0.0
    over, groups, group_network = None, None, None
    if wanted.groups is not None:
        over = _group(partition, learned, target, seen, told, scale, wanted.groups.grouping)
        if over.max() < 1:
            notes.append("All cells make one group, which tells nothing: left out.")
            over = None
        else:
            groups = group_partition(partition, over, GROUPS)
            aims = np.where(target >= 0, over[np.maximum(target, 0)], -1)
            task = Task(groups.ids, aims, groups)
            group_network = yield Job(GROUPS, GROUPS, {GROUPS: task})
            notes.append(f"{len(partition)} cells make {len(groups)} groups.")
    if again:
        if over is not None and wanted.groups is not None:
            cells = replace(cells, alike=over, shared=wanted.groups.label_mass)
        network = yield Job(CELLS, CELLS, {CELLS: cells, **labels})

    def vectors(of: IntArray) -> Float32Array:
        outputs = [np.exp(network.log_p(name, of)) for name in told]
        return geo_embedding(network.vectors(of), outputs, scale)

    stored, shifts = _refinement(wanted.refine, partition, vectors, rows, learned, target, notes)
    refine = wanted.refine.model_dump(exclude={"min_samples"})
    refiner = Refiner(stored, partition.centers, **refine, offsets=shifts)
    chain = Chain(partition, over, groups, scale, wanted.top.k, wanted.top.merge_km, refiner)

    def belief(of: IntArray) -> Belief[Partition]:
        coarse = None if group_network is None else group_network.log_p(GROUPS, of)
        return chain.belief(network.log_p(CELLS, of), coarse)

    def points(of: IntArray) -> FloatArray:
        found = chain.pick(belief(of), vectors(of)).points
        assert found is not None  # a chain always picks
        return found

    def save(folder: Path) -> None:
        if stored is not None:
            stored.save(folder / PROTOTYPES)
        if shifts is not None:
            shifts.save(folder / OFFSETS)

    return Outcome(
        CELLS,
        {CELLS: partition} if groups is None else {CELLS: partition, GROUPS: groups},
        {
            "attributes": {name: list(outcomes) for name, (outcomes, _) in told.items()},
            "grouped": groups is not None,
            "over": [] if over is None else over.tolist(),
            "scale": scale,
            "k": wanted.top.k,
            "merge_km": wanted.top.merge_km,
            "refine": refine,
        },
        tuple(notes),
        target=target,
        log_p=lambda of: belief(of).log_p,
        points=points,
        save=save,
    )


def _refinement(
    wanted: RefineSettings,
    partition: Partition,
    vectors: Callable[[IntArray], Float32Array],
    rows: Rows,
    learned: IntArray,
    target: IntArray,
    notes: list[str],
) -> tuple[Prototypes | None, Offsets | None]:
    """What the refiner needs, learned from the training photos."""
    how, places, own = wanted.how, rows.latlon[learned], target[learned]
    if how == "mean":
        return None, None
    if how == "offset":
        shifts = offset.fit(vectors(learned), places, own, partition.centers)
        notes.append(
            f"Offsets learned with ridge {shifts.ridge:g}."
            if np.isfinite(shifts.ridge)
            else "No offset helps photos that are left out: points are the means of cells."
        )
        return None, shifts
    stored = build(vectors(learned), places, own, min_samples=wanted.min_samples)
    notes.append(f"{len(stored.cells)} prototypes of {len(stored.photo_places)} photos.")
    return stored, None


def _group(
    partition: Partition,
    learned: IntArray,
    target: IntArray,
    seen: Float32Array,
    told: Mapping[str, tuple[tuple[str, ...], IntArray]],
    scale: float,
    how: Grouping,
) -> IntArray:
    """The group of each cell, by the mean geo-embedding of its training photos.

    Here the attributes are those of the places, which are known of these photos.
    """
    blocks = []
    for outcomes, values in told.values():
        own = values[learned]
        block = np.zeros((len(learned), len(outcomes)))
        block[np.flatnonzero(own >= 0), own[own >= 0]] = 1.0
        blocks.append(block)
    vectors = geo_embedding(seen, blocks, scale).astype(np.float64)
    sound = np.isfinite(vectors).all(axis=1)
    vectors = vectors - vectors[sound].mean(axis=0)  # the cosine is of what sets photos apart
    own = target[learned][sound]
    sums = np.zeros((len(partition), vectors.shape[1]))
    np.add.at(sums, own, vectors[sound])
    counts = np.bincount(own, minlength=len(partition))[:, None]
    return group_cells(partition.centers, sums / np.maximum(counts, 1), how)
