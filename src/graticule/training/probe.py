"""Heads on kept vectors by L-BFGS: all rows at once, no learning rate, the same answer every time.

With the encoder frozen and a linear head the loss is convex: L-BFGS finds in a minute what epochs
of small steps only approach, and rows can weigh what they should instead of being drawn for it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from graticule import sphere
from graticule.errors import GraticuleError
from graticule.heads.head import Head
from graticule.refine.memory import principal
from graticule.systems.plan import Task
from graticule.training.checkpoint import Progress
from graticule.training.losses import own_spec, smoothed_labels
from graticule.training.recipe import LossSpec

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Iterations between two looks at the validation rows.
_LOOK = 10


@dataclass(frozen=True)
class Lesson:
    """What a head learns from.

    Attributes:
        vectors: float32 (n, d) of all rows of the manifest.
        learn: rows to learn from.
        held_out: rows whose loss is noted; nothing is chosen by it.
        tasks: by the name of the output.
        latlon: (n, 2) degrees, NaN where unknown, for labels smoothed by distance.
        weight: (n,) of the rows; None: all alike.
    """

    vectors: Tensor
    learn: IntArray
    held_out: IntArray
    tasks: Mapping[str, Task]
    latlon: FloatArray
    weight: FloatArray | None = None


def fit_head(
    head: Head,
    lesson: Lesson,
    loss: LossSpec,
    *,
    l2: float,
    iterations: int,
    components: int = 0,
) -> Progress:
    """Minimise Σ tasks' weighted mean cross-entropy + ``l2`` · Σ weight², in place.

    Args:
        head: linear, or with hidden layers (then the minimum is a local one).
        lesson: see :class:`Lesson`.
        loss: kind of the labels.
        l2: penalty on weights; biases are free.
        iterations: at most.
        components: principal directions that a linear head learns along; 0: all directions.

    Returns:
        Losses by iteration, as the loop reports epochs.

    Raises:
        GraticuleError: the loss is no number.
    """
    if components and not len(head.body) - 1 and components < lesson.vectors.shape[1]:
        return _along(head, lesson, loss, l2=l2, iterations=iterations, components=components)
    x, parts = _data(lesson, lesson.learn, loss)
    seen, held = _data(lesson, lesson.held_out, loss)
    decayed = [p for name, p in head.named_parameters() if name.endswith("weight")]
    optimizer = torch.optim.LBFGS(
        head.parameters(), max_iter=_LOOK, history_size=10, line_search_fn="strong_wolfe"
    )
    now, began = Progress(), time.monotonic()
    head.train()

    def closure() -> Tensor:
        optimizer.zero_grad()
        total = _loss(head, x, parts, lesson.tasks)
        total = total + l2 * torch.stack([p.square().sum() for p in decayed]).sum()
        total.backward()
        return total

    while now.total < iterations:
        value = float(optimizer.step(closure).detach())
        if not math.isfinite(value):
            raise GraticuleError(
                "the loss is no number under lbfgs: some vector is not finite, or weight_decay is "
                "too small; raise it, or set head.standardise=true"
            )
        now.total = min(now.total + _LOOK, iterations)
        row = {"epoch": now.total, "phase": 0, "train_loss": value}
        row["seconds"] = time.monotonic() - began
        if len(lesson.held_out):
            with torch.no_grad():
                row["val_loss"] = float(_loss(head, seen, held, lesson.tasks))
                row["val_accuracy"] = _accuracy(head, seen, held, next(iter(lesson.tasks)))
        now.history.append(row)
        if len(now.history) > 1 and now.history[-2]["train_loss"] - value < 1e-6 * abs(value):
            break
    now.best_epoch, now.done = len(now.history) - 1, True
    now.best = now.history[-1].get("val_loss", math.inf) if now.history else math.inf
    head.eval()
    return now


def _along(
    head: Head, lesson: Lesson, loss: LossSpec, *, l2: float, iterations: int, components: int
) -> Progress:
    """Fit a head on the principal components, then write it in the vectors' own directions."""
    seen = (lesson.vectors - head.mean) * head.scale
    own = seen[torch.from_numpy(lesson.learn)]
    own = own[~torch.isnan(own[:, 0])]
    middle = own.mean(0)
    basis = torch.from_numpy(principal((own - middle).numpy(), components))
    components = basis.shape[1]
    small = Head(components, {name: len(t.outcomes) for name, t in lesson.tasks.items()})
    turned = replace(lesson, vectors=(seen - middle) @ basis)
    now = fit_head(small, turned, loss, l2=l2, iterations=iterations)
    with torch.no_grad():
        for name, layer in head.out.items():
            fitted: nn.Linear = small.out[name]
            weight = fitted.weight @ basis.T
            layer.weight.copy_(weight)
            layer.bias.copy_(fitted.bias - weight @ middle)
    head.eval()
    return now


@dataclass(frozen=True)
class _Part:
    """Rows of one task: where they stand in the data, their labels (soft), and their weights."""

    rows: Tensor
    labels: Tensor
    weight: Tensor


def _data(lesson: Lesson, rows: IntArray, loss: LossSpec) -> tuple[Tensor, dict[str, _Part]]:
    sound = rows[~torch.isnan(lesson.vectors[torch.from_numpy(rows), 0]).numpy()]
    parts = {}
    for name, task in lesson.tasks.items():
        known = np.flatnonzero(task.target[sound] >= 0)
        own = sound[known]
        weight = np.ones(len(own)) if lesson.weight is None else lesson.weight[own]
        parts[name] = _Part(
            torch.from_numpy(known),
            torch.from_numpy(_labels(task, own, lesson.latlon, loss).astype(np.float32)),
            torch.from_numpy((weight / max(weight.sum(), 1e-12)).astype(np.float32)),
        )
    return lesson.vectors[torch.from_numpy(sound)], parts


def _labels(task: Task, rows: IntArray, latlon: FloatArray, loss: LossSpec) -> FloatArray:
    """Soft labels (n, outcomes) of rows whose outcome is known."""
    true = task.target[rows]
    k = len(task.outcomes)
    loss = own_spec(loss, task)
    labels = np.zeros((len(rows), k))
    labels[np.arange(len(rows)), true] = 1.0
    if loss.kind == "haversine" and task.partition is not None and len(rows):
        centers = task.partition.centers
        place = latlon[rows]
        # A photo without coordinates is taken to lie at its cell's centre.
        place = np.where(np.isfinite(place), place, centers[true])
        labels = smoothed_labels(sphere.distances(place, centers), true, loss.tau_km)
    return labels * (1 - loss.label_smoothing) + loss.label_smoothing / k


def _loss(head: Head, x: Tensor, parts: Mapping[str, _Part], tasks: Mapping[str, Task]) -> Tensor:
    logits = head(x)
    return torch.stack(
        [
            task.weight * _cross_entropy(logits[name], parts[name])
            for name, task in tasks.items()
            if len(parts[name].rows)
        ]
    ).sum()


def _cross_entropy(logits: Tensor, part: _Part) -> Tensor:
    log_p = torch.log_softmax(logits[part.rows], dim=1)
    return -((part.labels * log_p).sum(1) * part.weight).sum()


def _accuracy(head: Head, x: Tensor, parts: Mapping[str, _Part], task: str) -> float:
    part = parts[task]
    if not len(part.rows):
        return 0.0
    said = head(x)[task][part.rows].argmax(1)
    return float((said == part.labels.argmax(1)).float().mean())
