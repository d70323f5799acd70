"""Train the jobs of a system's plan: build networks, keep vectors, run the loop."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from graticule.encoders import frozen, registry
from graticule.encoders.encoder import Encoder
from graticule.encoders.frozen import Frozen
from graticule.encoders.fused import Fused
from graticule.encoders.maps import KeptMaps, MapCache
from graticule.encoders.split import Split
from graticule.encoders.tokenizer import Tokenizer
from graticule.errors import RecipeError
from graticule.heads.head import Head
from graticule.photos.augment import find_augment
from graticule.systems.plan import OUTSIDE, Job, Rows
from graticule.training import contrastive, losses, probe, sampling
from graticule.training.checkpoint import Progress
from graticule.training.loader import (
    Batches,
    Kept,
    KeptLoader,
    KeptMapRows,
    KeptVectors,
    Labels,
    Loader,
    PhotoLoader,
    Photos,
)
from graticule.training.loop import Run, fit
from graticule.training.network import Network
from graticule.training.out_of_memory import BatchAdvice, watch_all_at_once
from graticule.training.recipe import NetworkSpec, Recipe
from graticule.training.start import Start, unfilled

IntArray = npt.NDArray[np.int64]


@dataclass
class Result:
    """One trained network.

    Attributes:
        job: what was asked for.
        spec: how it was trained.
        network: with its best weights; without an encoder where vectors were kept.
        encoder: the encoder as it is now.
        progress: of the loop.
        folder: its checkpoint, log and best weights.
        unread: photos that could not be decoded.
        given: whether its encoder started at that of a bundle, which no file of the recipe holds.
        tokenizer: of its text side, where it learned from captions.
    """

    job: Job
    spec: NetworkSpec
    network: Network
    encoder: Frozen | Fused
    progress: Progress
    folder: Path
    unread: int
    given: bool
    tokenizer: Tokenizer | None
    _logits: Callable[[IntArray], Mapping[str, npt.NDArray[np.float32]]] = field(repr=False)
    _vectors: Callable[[IntArray], npt.NDArray[np.float32]] = field(repr=False)

    def log_p(self, task: str, rows: IntArray) -> npt.NDArray[np.float32]:
        """Log-probabilities of a task for rows of the manifest, float32 (k, outcomes)."""
        return self._logits(rows)[task]

    def vectors(self, rows: IntArray) -> npt.NDArray[np.float32]:
        """The encoder's vectors of rows, float32 (k, d); NaN for a photo that cannot be read."""
        return self._vectors(rows)

    def logit_scale(self) -> float:
        """Of a network that learned from captions: what cosines are multiplied by."""
        return float(self.network.head.scale.detach())


@dataclass(frozen=True)
class Trainer:
    """What the jobs of one run have in common.

    Attributes:
        recipe: how.
        rows: the manifest.
        files: the photos.
        folder: of the run.
        features: of the feature cache.
        key: hash of manifest and split; checkpoints must agree on it.
        device: ``cpu``, ``cuda``, ``mps``.
        workers: processes that decode.
        resume: continue from checkpoints.
        download: allow published weights to be fetched.
        base: where relative weights are looked for.
        init: the networks of an earlier bundle to start from, or none.
        encoders: those that never learn, by what the recipe says of them.
        kept: vectors of the rows, by encoder and view; shared by the networks that ask alike.
        maps: kept maps of the rows, likewise.
        grid: whether the recipe is a row of a grid, which is told how to change all of them.
    """

    recipe: Recipe
    rows: Rows
    files: list[Path]
    folder: Path
    features: Path
    key: str
    device: str = "cpu"
    workers: int = 0
    resume: bool = False
    download: bool = False
    base: Path | None = None
    init: Start = field(default_factory=Start)
    encoders: dict[str, Frozen] = field(default_factory=dict)
    kept: dict[tuple[str, str, str, int], torch.Tensor] = field(default_factory=dict)
    maps: dict[tuple[str, str, str, int], KeptMapRows] = field(default_factory=dict)
    grid: bool = False

    def run(self, job: Job) -> Result:
        """Train one network."""
        spec = self.recipe.network(job.spec)
        self._check(job, spec)
        advice = BatchAdvice(
            job.name, spec, job.spec, self.recipe.networks.get(job.spec, {}), self.grid
        )
        seed = self.recipe.seed
        torch.manual_seed(_number(seed, job.name))
        given = {}
        if not spec.fuse and not frozen.is_bundle(spec.encoder.name):
            given = self.init.encoder(job.name)
        encoder, module = self._encoders(spec, job, given)
        towers = None
        if job.captions is not None:
            towers = contrastive.build(job.captions, spec, encoder, module, self.base)
            network: Network = towers.network
        else:
            network = Network(None if spec.cached else module, _head(job, spec, encoder.dim))
        self.init.fill(network, job.name, encoder.weights)
        use = job.use if job.use is not None else np.ones(len(self.rows), dtype=bool)
        targets = _targets(job)
        # A photo that shows none of the outcomes teaches, too, unless the loss leaves it out.
        least = OUTSIDE if spec.loss.outside else 0
        known = np.any([(t >= 0) | (t == least) for t in targets.values()], axis=0)
        learn = np.flatnonzero(self.rows.train & use & known)
        held_out = np.flatnonzero(self.rows.validation & use & known)
        labels = Labels(targets, self.rows.latlon)
        often = job.weight if job.often is None else job.often
        vectors = self._vectors(encoder, advice, learn) if spec.cached else None
        kept: Sequence[Kept] | None = vectors
        if spec.mapped:
            kept = self._maps(network.cut(spec.phases), advice, learn)
        if spec.frozen and spec.head.standardise:
            sound = torch.from_numpy(self._as_is(encoder, advice, vectors, learn))
            network.head.standardise(sound[~torch.isnan(sound[:, 0])])
        train: Batches = self._loader(spec, labels, kept, learning=True)
        validation: Batches = self._loader(spec, labels, kept, learning=False)
        if towers is not None and job.captions is not None:
            pieces, task = towers.tokenizer, job.captions
            train = contrastive.CaptionLoader(train, task, pieces, seed, learning=True)
            validation = contrastive.CaptionLoader(validation, task, pieces, seed, learning=False)
        run = Run(
            name=job.name,
            folder=self.folder / job.name,
            network=network,
            spec=spec,
            losses={contrastive.TASK: contrastive.loss}
            if towers
            else {
                n: losses.build(spec.loss, t, self.rows.train & use) for n, t in job.tasks.items()
            },
            weights={contrastive.TASK: 1.0}
            if towers
            else {n: t.weight for n, t in job.tasks.items()},
            train=train,
            validation=validation,
            train_order=lambda epoch: sampling.order(
                self.rows, learn, spec.sampling, seed=seed, epoch=epoch, often=often
            ),
            validation_rows=held_out,
            seed=_number(seed, job.name) % 1_000_003,
            key=self._key(job, spec, encoder),
            device=self.device,
            names=lambda row: str(self.rows.column("path")[row]),
            advice=advice,
        )
        if spec.optimizer == "lbfgs" and vectors is not None:
            lesson = probe.Lesson(
                vectors[0].values, learn, held_out, job.tasks, self.rows.latlon, job.weight
            )
            iterations = sum(phase.epochs for phase in spec.phases)
            with watch_all_at_once(job.name, len(learn)):
                progress = probe.fit_head(
                    network.head,
                    lesson,
                    spec.loss,
                    l2=spec.weight_decay,
                    iterations=iterations,
                    components=spec.head.components,
                )
        else:
            progress = fit(run, resume=self.resume)
        network.to("cpu").eval()
        final: Frozen | Fused = encoder
        if not spec.cached and module is not None:
            final = frozen.from_module(module, spec.start)
        return Result(
            job=job,
            spec=spec,
            network=network,
            encoder=final,
            progress=progress,
            folder=run.folder,
            unread=run.train.bad,
            given=bool(given),
            tokenizer=towers.tokenizer if towers else None,
            _logits=lambda rows: self._predict(network, run, rows),
            _vectors=lambda rows: (
                self._from_maps(network, run, kept[0], rows)
                if kept is not None and spec.mapped
                else self._as_is(final, advice, vectors, rows)
            ),
        )

    def _check(self, job: Job, spec: NetworkSpec) -> None:
        if job.captions is not None and not (self.rows.train & job.captions.captions.known).any():
            raise RecipeError(
                f"{self.rows.where}: no training photo has a caption: fill lat and lon, or country "
                "and city"
            )
        if job.captions is not None and spec.optimizer == "lbfgs":
            raise RecipeError(
                f"recipe {self.recipe.name}: captions are learned in batches; optimizer: adam"
            )
        sampling.check(self.rows, self.recipe)
        unknown = {name for phase in spec.phases for name in phase.tasks} - set(job.tasks)
        if unknown:
            raise RecipeError(
                f"recipe {self.recipe.name}: phases.tasks names {min(unknown)!r}; network "
                f"{job.name} has {', '.join(job.tasks)}"
            )
        for number, phase in enumerate(spec.phases):
            if job.tasks and not any(
                t.weight * phase.tasks.get(n, 1.0) for n, t in job.tasks.items()
            ):
                raise RecipeError(
                    f"recipe {self.recipe.name}: phases.{number}.tasks leaves out every task of "
                    f"network {job.name}"
                )
        for name, task in job.tasks.items():
            use = self.rows.train if job.use is None else self.rows.train & job.use
            if not (task.target[use] >= 0).any():
                raise RecipeError(
                    f"{self.rows.where}: no training photo for network {job.name} has a label for "
                    f"{name}; fill the column it is read from (docs/train.md, by system)"
                )
            if len(task.outcomes) < 2:
                raise RecipeError(
                    f"{self.rows.where}: all training photos of network {job.name} have one label "
                    f"for {name} ({', '.join(task.outcomes)}), and nothing to tell it from; "
                    "add photos of another"
                )

    def _encoders(
        self, spec: NetworkSpec, job: Job, given: Mapping[str, torch.Tensor]
    ) -> tuple[Frozen | Fused, Encoder | None]:
        """One encoder, or several side by side."""
        own = self.recipe.networks.get(job.spec, {})
        network = f"networks.{job.spec}."
        # An encoder with a name of its own has nothing of the common one (see Recipe.network).
        apart = network if "name" in own.get("encoder", {}) else ""
        if not spec.fuse:
            return self._encoder(spec, job.name, f"{apart}encoder" if apart else "", given)
        apart_too = network if "fuse" in own else ""
        places = [f"{apart}encoder", *(f"{apart_too}fuse.{n}" for n in range(len(spec.fuse)))]
        parts = [
            self._encoder(spec.model_copy(update={"encoder": one, "fuse": ()}), job.name, at)[0]
            for one, at in zip((spec.encoder, *spec.fuse), places, strict=True)
        ]
        return Fused(tuple(parts), spec.fuse_unit), None

    def _encoder(
        self,
        spec: NetworkSpec,
        name: str,
        at: str = "",
        given: Mapping[str, torch.Tensor] | None = None,
    ) -> tuple[Frozen, Encoder | None]:
        """The starting encoder; one that never learns is shared by the networks that use it.

        Args:
            spec: of the network.
            name: of the network.
            at: where it stands in the recipe, "" where ``--weights`` reaches it.
            given: the weights that it has in ``init``, if any.
        """
        begin = spec.start
        key = begin.model_dump_json() + (f" of {name} in --init" if given else "")
        if spec.frozen and key in self.encoders:
            return self.encoders[key], self.encoders[key].module
        if frozen.is_bundle(begin.name):
            self.encoders[key] = frozen.from_bundle(begin.name)
            return self.encoders[key], None
        # An encoder that starts at random starts alike in every run of the recipe's seed.
        torch.manual_seed(_number(self.recipe.seed, "" if spec.frozen else name))
        wanted = unfilled(begin) if given else begin
        module = registry.build(wanted, base=self.base, download=self.download, key=at)
        if given:
            self.init.fill_encoder(module, given, name)
        made = frozen.from_module(module, begin, self.device)
        if spec.frozen:
            self.encoders[key] = made
        return made, module

    def _vectors(
        self, encoder: Frozen | Fused, advice: BatchAdvice, learn: IntArray
    ) -> list[KeptVectors]:
        """Vectors of all photos as they are; of other views, only of those that learn."""
        found = []
        for view, rows in self._views(advice.spec, learn):
            key = (encoder.label, encoder.weights, view, hash(rows.tobytes()))
            if key not in self.kept:
                all_rows = np.full((len(self.rows), encoder.dim), np.nan, np.float32)
                photos, batch = [self.files[i] for i in rows], _photos_at_once(advice.spec)
                with advice.watch(batch):
                    all_rows[rows] = encoder.vectors(photos, self.features, view=view, batch=batch)
                self.kept[key] = torch.from_numpy(all_rows)
            found.append(KeptVectors(self.kept[key]))
        return found

    def _maps(self, split: Split, advice: BatchAdvice, learn: IntArray) -> list[KeptMapRows]:
        """Maps of all photos as they are; of other views, only of those that learn."""
        split.encoder.to(self.device).eval()
        spec = advice.spec
        batch = _photos_at_once(spec)

        @torch.inference_mode()
        def encode(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            maps = split.lower(torch.from_numpy(pixels).to(self.device)).float().cpu()
            return np.asarray(maps.numpy())

        found = []
        for view, rows in self._views(spec, learn):
            key = (split.label + spec.map_precision, split.weights, view, hash(rows.tobytes()))
            if key not in self.maps:
                preprocess = split.encoder.spec.preprocess
                cache = MapCache(
                    self.features,
                    split.label,
                    split.weights,
                    preprocess,
                    view,
                    spec.map_precision,
                )
                at = np.full(len(self.rows), -1, np.int64)
                at[rows] = np.arange(len(rows))
                with advice.watch(batch):
                    kept: KeptMaps = cache.maps([self.files[i] for i in rows], encode, batch=batch)
                self.maps[key] = KeptMapRows(kept, at)
            found.append(self.maps[key])
        return found

    def _views(self, spec: NetworkSpec, learn: IntArray) -> list[tuple[str, IntArray]]:
        """Each view, and the rows that are needed in it."""
        used = np.flatnonzero(self.rows.train | self.rows.validation | self.rows.test)
        return [("", used), *((view, learn) for view in spec.views if view)]

    def _loader(
        self,
        spec: NetworkSpec,
        labels: Labels,
        kept: Sequence[Kept] | None,
        *,
        learning: bool,
    ) -> Loader:
        if kept is not None:
            judged = 4 * spec.batch_size if spec.mapped else 1024
            return KeptLoader(
                kept if learning else kept[:1],
                labels,
                spec.batch_size if learning else judged,
                self.recipe.seed,
            )
        augment = find_augment(spec.augment) if learning else None
        photos = Photos(self.files, spec.start.preprocess, augment, self.recipe.seed)
        return PhotoLoader(photos, labels, spec.batch_size, self.workers)

    def _key(self, job: Job, spec: NetworkSpec, encoder: Frozen | Fused) -> str:
        outcomes = {name: list(task.outcomes) for name, task in job.tasks.items()}
        what = [
            self.key,
            self.recipe.seed,
            # How many photos fit is the machine's: a run that found no memory goes on with fewer.
            spec.model_dump(mode="json", exclude={"batch_size", "accumulate"}),
            self.recipe.settings,
            outcomes if job.captions is None else contrastive.fingerprint(job.captions),
            # What learns has other weights by now; its start is fixed by the recipe, the seed and
            # the bundle that it started from.
            encoder.weights if spec.frozen else encoder.label,
            self.init.key,
        ]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()

    def _as_is(
        self,
        encoder: Frozen | Fused,
        advice: BatchAdvice,
        kept: list[KeptVectors] | None,
        rows: IntArray,
    ) -> npt.NDArray[np.float32]:
        """Vectors of rows: those that were kept, else from the encoder as it is now."""
        if kept is not None:
            return np.asarray(kept[0].values[torch.from_numpy(rows)].numpy())
        batch = _photos_at_once(advice.spec)
        with advice.watch(batch):
            return encoder.vectors([self.files[i] for i in rows], self.features, batch=batch)

    @torch.inference_mode()
    def _from_maps(
        self, network: Network, run: Run, kept: Kept, rows: IntArray
    ) -> npt.NDArray[np.float32]:
        """Vectors of rows by the upper part as it is now, NaN for a photo that was not read."""
        run.validation.set(rows, 0)
        with run.advice.watch(run.spec.batch_size):
            found = np.concatenate([network.vectors(batch.x).numpy() for batch in run.validation])
        found[kept.unread[rows]] = np.nan
        return np.asarray(found)

    @torch.inference_mode()
    def _predict(
        self, network: Network, run: Run, rows: IntArray
    ) -> Mapping[str, npt.NDArray[np.float32]]:
        run.validation.set(rows, 0)
        found: dict[str, list[npt.NDArray[np.float32]]] = {}
        with run.advice.watch(run.spec.batch_size):
            for batch in run.validation:
                for task, logits in network(batch.x).items():
                    log_p = torch.log_softmax(logits.float(), dim=1)
                    found.setdefault(task, []).append(log_p.numpy())
        return {task: np.concatenate(parts) for task, parts in found.items()}


def _head(job: Job, spec: NetworkSpec, dim: int) -> Head:
    """The head over a job's tasks."""
    outcomes = {name: len(task.outcomes) for name, task in job.tasks.items()}
    return Head(dim, outcomes, spec.head.hidden, spec.head.dropout)


def _photos_at_once(spec: NetworkSpec) -> int:
    """Photos that an encoder takes at a time where nothing learns: a smaller batch is obeyed."""
    return min(32, spec.batch_size)


def _targets(job: Job) -> dict[str, IntArray]:
    """What is to be told of every row, −1 where unknown; of captions, which row's it is."""
    if job.captions is None:
        return {name: task.target for name, task in job.tasks.items()}
    known = job.captions.captions.known
    return {contrastive.TASK: np.where(known, np.arange(len(known)), -1)}


def _number(seed: int, name: str) -> int:
    """A seed of its own for each network."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:6])
