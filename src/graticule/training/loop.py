"""The loop: Lightning runs the epochs of each phase; what they are is decided here."""

from __future__ import annotations

import csv
import io
import logging
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graticule import files, progress
from graticule.errors import DivergedError
from graticule.training.checkpoint import Checkpoint, Progress, save, save_weights
from graticule.training.loader import Batch, Batches
from graticule.training.losses import Loss
from graticule.training.network import Network
from graticule.training.out_of_memory import BatchAdvice
from graticule.training.recipe import NetworkSpec, PhaseSpec

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """What one network's training needs.

    Attributes:
        name: of the network, for messages and bars.
        folder: where checkpoint, log and best weights are kept.
        network: what learns.
        spec: how.
        losses: by task.
        weights: of the tasks' losses.
        train: batches to learn from.
        validation: batches to stop on.
        train_order: the rows of an epoch.
        validation_rows: rows to stop on; none stops never and keeps the last weights.
        seed: of every random choice.
        key: what a checkpoint must agree on.
        device: ``cpu``, ``cuda``, ``mps``.
        names: path of a row, to name the batch that broke.
        advice: where no memory is left.
    """

    name: str
    folder: Path
    network: Network
    spec: NetworkSpec
    losses: dict[str, Loss]
    weights: dict[str, float]
    train: Batches
    validation: Batches
    train_order: Callable[[int], IntArray]
    validation_rows: IntArray
    seed: int
    key: str
    device: str
    names: Callable[[int], str]
    advice: BatchAdvice


def fit(run: Run, *, resume: bool = False) -> Progress:
    """Train a network through all its phases; its best weights are in it afterwards.

    Args:
        run: what and how.
        resume: continue from the folder's checkpoint, if there is one.

    Raises:
        DivergedError: a loss that is no number.
        GraticuleError: no memory left, a full disk, or a checkpoint of something else.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    state = run.folder / "checkpoint.safetensors"
    held = Checkpoint(state, run.key) if resume and state.is_file() else None
    now = held.progress if held else Progress()
    if held:
        run.network.load_state_dict(held.weights())
    while not now.done and now.phase < len(run.spec.phases):
        _phase(run, now, held, state)
        held = None
        if not now.done:
            now.phase, now.epoch, now.waited = now.phase + 1, 0, 0
    now.done = True
    best = run.folder / "best.safetensors"
    if run.spec.stop.keep == "best" and best.is_file() and len(run.validation_rows):
        from safetensors.torch import load_file

        run.network.load_state_dict(load_file(best))
    run.network.eval()
    return now


def _phase(run: Run, now: Progress, held: Checkpoint | None, state: Path) -> None:
    phase = run.spec.phases[now.phase]
    run.network.learn(phase.learn)
    left = phase.epochs - now.epoch
    if left <= 0:
        return
    learner = Learner(run, phase, now, held, state)
    quiet = logging.getLogger("lightning.pytorch")
    before, quiet.level = quiet.level, logging.ERROR
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Lightning's advice on workers and loggers
            trainer = lightning.Trainer(
                max_epochs=left,
                accelerator="gpu" if run.device == "cuda" else run.device,
                devices=1,
                precision="bf16-mixed" if _bf16(run.device) else "32-true",
                accumulate_grad_batches=run.spec.accumulate,
                gradient_clip_val=run.spec.clip or None,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
                limit_val_batches=0,
                reload_dataloaders_every_n_epochs=1,
                barebones=False,
            )
            with run.advice.watch(run.spec.batch_size):
                trainer.fit(learner)
    finally:
        quiet.level = before


def _bf16(device: str) -> bool:
    return device == "cuda" and torch.cuda.is_bf16_supported()


def _seed(number: int, device: str) -> None:
    """Seed what draws on this device: `torch.manual_seed` takes milliseconds where CUDA is not."""
    if device == "cpu":
        torch.default_generator.manual_seed(number)
    else:
        torch.manual_seed(number)


class Learner(lightning.LightningModule):
    """One phase of one network, as Lightning runs it."""

    def __init__(
        self, run: Run, phase: PhaseSpec, now: Progress, held: Checkpoint | None, state: Path
    ) -> None:
        super().__init__()
        self.network = run.network
        self.work = run
        self.phase = phase
        self.now = now
        self.held = held
        self.state_path = state
        self._sums = _Sums()
        self._began = time.monotonic()
        self._bar: Any = None

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimizer over what learns in this phase, with its memory if resumed."""
        spec, phase = self.work.spec, self.phase
        groups: Any = self.network.groups(phase.learning_rate, phase.backbone_rate)
        decay = spec.weight_decay
        # One pass over the memory of a wide head instead of ten.
        fused = self.work.device in {"cpu", "cuda"}
        if spec.optimizer == "sgd":
            made: torch.optim.Optimizer = torch.optim.SGD(
                groups, momentum=spec.momentum, weight_decay=decay, fused=fused
            )
        elif spec.optimizer == "adamw":
            made = torch.optim.AdamW(groups, betas=spec.betas, weight_decay=decay, fused=fused)
        else:
            made = torch.optim.Adam(groups, betas=spec.betas, weight_decay=decay, fused=fused)
        if self.held is not None:
            self.held.fill(made)
        return made

    def train_dataloader(self) -> Batches:
        """The epoch's batches: an order that depends on the seed and the epoch alone."""
        self.work.train.set(self.work.train_order(self.now.total), self.now.total)
        return self.work.train

    def on_train_epoch_start(self) -> None:
        """Set the rate of the epoch."""
        self._sums, self._began = _Sums(), time.monotonic()
        self.network.train()
        optimizer = self.optimizers(use_pl_optimizer=False)
        rows = self.now.history[len(self.now.history) - self.now.epoch :]
        stalled = epochs_stalled([row["train_loss"] for row in rows])
        falls = self.phase.schedule == "plateau" and stalled and stalled % self.phase.patience == 0
        for group in optimizer.param_groups:
            if self.phase.schedule == "cosine":
                share = self.now.epoch / self.phase.epochs
                group["lr"] = group["base"] * 0.5 * (1 + math.cos(math.pi * share))
            elif falls:
                group["lr"] = group["lr"] * 0.1
        self._bar = progress.bar(
            f"{self.work.name} epoch {self.now.total + 1}", len(self.work.train)
        )
        self._moving = self._bar.__enter__()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """The weighted sum of the tasks' losses."""
        # Dropout's mask, too, is a function of where we are, not of how we came here.
        _seed((self.work.seed * 1_000_003 + self.now.total) * 1_000_003 + index, self.work.device)
        logits = self.network(batch.x)
        loss = self._loss(logits, batch, self.phase.tasks)
        if not bool(torch.isfinite(loss)):
            self._stop_at(batch, index)
        self._sums.add(float(loss.detach()), logits, batch)
        self._moving.advance(1)
        return loss

    def _loss(self, logits: Any, batch: Batch, factors: Mapping[str, float]) -> Tensor:
        return total_loss(self.work.losses, self.work.weights, logits, batch, factors)

    def _stop_at(self, batch: Batch, index: int) -> None:
        names = [self.work.names(int(row)) for row in batch.rows[:3]]
        kept = (
            f"the checkpoint of epoch {self.now.total} is kept in {self.work.folder}"
            if self.state_path.is_file()
            else "there was no checkpoint yet"
        )
        raise DivergedError(
            f"{self.work.name}: the loss is no number in epoch {self.now.total + 1}, batch "
            f"{index + 1} ({', '.join(names)} …); {kept}. Lower phases.{self.now.phase}."
            "learning_rate, or set clip=1"
        )

    def on_train_epoch_end(self) -> None:
        """Validate, note, keep the best, write the checkpoint, and stop if it is time."""
        self._bar.__exit__(None, None, None)
        run, now = self.work, self.now
        row = {
            "epoch": now.total + 1,
            "phase": now.phase,
            "learning_rate": float(self.trainer.optimizers[0].param_groups[0]["lr"]),
            "train_loss": self._sums.loss,
            "train_accuracy": self._sums.accuracy,
            "seconds": time.monotonic() - self._began,
            "photos_per_second": self._sums.photos / max(time.monotonic() - self._began, 1e-9),
        }
        if len(run.validation_rows):
            found = self._validate()
            row |= {"val_loss": found.loss, "val_accuracy": found.accuracy}
            cost = found.loss if run.spec.stop.watch == "loss" else -found.accuracy
            if cost < now.best:
                now.best, now.best_epoch, now.waited = cost, now.total, 0
                save_weights(run.folder / "best.safetensors", self.network)
            else:
                now.waited += 1
        now.history.append(row)
        now.epoch, now.total = now.epoch + 1, now.total + 1
        patience = run.spec.stop.patience
        last = now.phase == len(run.spec.phases) - 1
        if patience and now.waited >= patience:
            # A phase that has nothing more to give makes room for the next one.
            now.done = last
            now.epoch = self.phase.epochs
            self.trainer.should_stop = True
        spent = sum(float(row["seconds"]) for row in now.history) / 60
        if run.spec.stop.minutes and spent > run.spec.stop.minutes:
            now.done = True
            self.trainer.should_stop = True
        save(self.state_path, self.network, self.trainer.optimizers[0], now, run.key)
        _write_log(run.folder / "log.csv", now.history)

    @torch.inference_mode()
    def _validate(self) -> _Sums:
        run = self.work
        self.network.eval()
        sums = _Sums()
        run.validation.set(run.validation_rows, 0)
        for batch in run.validation:
            moved = batch.to(self.device)
            logits = self.network(moved.x)
            # All tasks count, whatever the phase leaves out: losses of phases are compared.
            sums.add(float(self._loss(logits, moved, {})), logits, moved)
        self.network.train()
        if not math.isfinite(sums.loss):
            raise DivergedError(
                f"{run.name}: the validation loss is no number after epoch {self.now.total + 1}; "
                f"lower phases.{self.now.phase}.learning_rate, or set clip=1"
            )
        return sums


def epochs_stalled(losses: Sequence[float]) -> int:
    """Epochs at the end in which the training loss was not a hundredth below its best before."""
    stalled, best = 0, math.inf
    for loss in losses:
        stalled += 1
        if best == math.inf or loss < best - 0.01 * abs(best):
            stalled, best = 0, loss
    return stalled


def total_loss(
    losses: Mapping[str, Loss],
    weights: Mapping[str, float],
    logits: Mapping[str, Tensor],
    batch: Batch,
    factors: Mapping[str, float],
) -> Tensor:
    """The sum of the tasks' losses, each a mean over the photos whose label is known.

    Args:
        losses: by task.
        weights: of the tasks.
        logits: (n, outcomes) by task.
        batch: targets, −1 where unknown.
        factors: further weights of some tasks, for a phase of a curriculum.
    """
    used = {task: weight * factors.get(task, 1.0) for task, weight in weights.items()}
    each = [
        weight * losses[task](logits[task].float(), batch.targets[task], batch.places)
        for task, weight in used.items()
        if weight  # what is left out has no gradient at all: not even weight decay moves its head
    ]
    return torch.stack(each).sum()


class _Sums:
    """Running loss and accuracy of the first task."""

    def __init__(self) -> None:
        self.photos = 0
        self._loss = 0.0
        self._right = 0
        self._known = 0

    def add(self, loss: float, logits: Any, batch: Batch) -> None:
        n = len(batch.rows)
        self.photos += n
        self._loss += loss * n
        task = next(iter(logits))
        known = batch.targets[task] >= 0
        self._known += int(known.sum())
        self._right += int((logits[task].detach().argmax(1) == batch.targets[task])[known].sum())

    @property
    def loss(self) -> float:
        return self._loss / max(1, self.photos)

    @property
    def accuracy(self) -> float:
        return self._right / max(1, self._known)


def _write_log(path: Path, history: list[dict[str, float]]) -> None:
    names = list(dict.fromkeys(name for row in history for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    with files.atomic(path) as handle:
        handle.write(text.getvalue())
