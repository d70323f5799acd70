"""Losses over the outcomes of one task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from graticule import sphere
from graticule.cells.partition import Partition
from graticule.errors import RecipeError
from graticule.systems.plan import OUTSIDE, Task
from graticule.training.recipe import LossSpec

#: Logits (n, k), targets (n,) with −1 for unknown, places (n, 2) with NaN for unknown → a number.
Loss: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]


def class_weights(target: npt.NDArray[np.int64], outcomes: int) -> npt.NDArray[np.float32]:
    """1 / (share of each class), scaled so that the mean over the photos is one; float32 (k,).

    A class without a photo has weight nought.
    """
    counts = np.bincount(target[target >= 0], minlength=outcomes).astype(np.float64)
    present = counts > 0
    weights = np.zeros(outcomes)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights.astype(np.float32)


def smoothed_labels(
    km: npt.NDArray[np.float64], true: npt.NDArray[np.int64], tau_km: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Targets by distance: y_i ∝ exp(−(d(g_i, x) − d(g_true, x)) / τ) (PIGEON, Haas et al. 2023).

    Args:
        km: (n, k) distance from each photo to each cell.
        true: (n,) the photo's cell.
        tau_km: τ, one for all or (n,).

    Returns:
        (n, k), rows sum to one.
    """
    gap = km - km[np.arange(len(true)), true][:, None]
    # The nearest centre is not always the true cell's: subtracting the least keeps exp in range,
    # and the normalisation below cancels it.
    gap = gap - gap.min(axis=1, keepdims=True)
    weight = np.exp(
        -gap / np.broadcast_to(np.asarray(tau_km, dtype=np.float64), len(true))[:, None]
    )
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def shared_labels(
    labels: npt.NDArray[np.float64], alike: npt.NDArray[np.int64], share: float
) -> npt.NDArray[np.float64]:
    """Labels with a share of each outcome's mass given to the others of its group (S2's step C).

    Args:
        labels: (n, k), rows sum to one.
        alike: (k,) the group of each outcome.
        share: of the mass that is given; an outcome alone in its group keeps its own.

    Returns:
        (n, k), rows sum to one.
    """
    size = np.bincount(alike)
    grouped = np.zeros((len(labels), len(size)))
    np.add.at(grouped.T, alike, labels.T)
    several = size[alike] > 1
    received = (grouped[:, alike] - labels) / np.maximum(size[alike] - 1, 1)
    return np.asarray(np.where(several, (1 - share) * labels + share * received, labels))


def own_spec(spec: LossSpec, task: Task) -> LossSpec:
    """The recipe's loss, with the labels smoothed as the task says where it does."""
    if task.smooth_km is None:
        return spec
    kind = "haversine" if task.smooth_km > 0 else "cross_entropy"
    tau = {"tau_km": task.smooth_km} if task.smooth_km > 0 else {}
    return spec.model_copy(update={"kind": kind, **tau})


def build(spec: LossSpec, task: Task, learned: npt.NDArray[np.bool_]) -> Loss:
    """The loss of a task; photos whose label is unknown do not count.

    Photos that show none of the outcomes (`OUTSIDE`) are taught that all are alike.

    Args:
        spec: what the recipe says.
        task: outcomes, targets and partition.
        learned: (n,) the training rows, for class weights.

    Raises:
        RecipeError: haversine labels for outcomes that are not places.
    """
    spec = own_spec(spec, task)
    inner = _inside(spec, task, learned)
    return _with_outside(inner, spec.outside) if (task.target == OUTSIDE).any() else inner


def _inside(spec: LossSpec, task: Task, learned: npt.NDArray[np.bool_]) -> Loss:
    if spec.kind == "haversine":
        if task.partition is None:
            # Scenes and the like have no distance: they keep the plain loss.
            return _cross_entropy(None, spec.label_smoothing)
        if not np.isfinite(task.partition.centers).all():
            raise RecipeError(f"{task.partition.name}: a cell without a centre cannot be smoothed")
        return _haversine(task, task.partition, spec)
    if task.alike is not None and task.shared:
        if spec.kind != "cross_entropy":
            raise RecipeError(f"loss {spec.kind} with shared labels: use haversine, cross_entropy")
        return _shared(task, task.alike, spec.label_smoothing)
    weights = None
    if spec.kind == "inverse_frequency":
        weights = torch.from_numpy(class_weights(task.target[learned], len(task.outcomes)))
    return _cross_entropy(weights, spec.label_smoothing)


def _with_outside(inner: Loss, weight: float) -> Loss:
    """The mean over known photos and those outside, the latter against equal shares."""

    def loss(logits: Tensor, target: Tensor, places: Tensor) -> Tensor:
        known, outside = target >= 0, target == OUTSIDE
        found = inner(logits, target.clamp_min(-1), places)
        if not bool(outside.any()):
            return found
        apart = -torch.log_softmax(logits[outside], dim=1).mean(1).sum()
        return (found * known.sum() + weight * apart) / (known.sum() + outside.sum())

    return loss


def _cross_entropy(weights: Tensor | None, smoothing: float) -> Loss:
    def loss(logits: Tensor, target: Tensor, _places: Tensor) -> Tensor:
        if not bool((target >= 0).any()):
            return logits.sum() * 0.0
        each = functional.cross_entropy(
            logits,
            target,
            weight=None if weights is None else weights.to(logits),
            ignore_index=-1,
            label_smoothing=smoothing,
            reduction="sum",
        )
        # The mean over photos, not over weights: else inverse frequency cancels in small batches.
        return each / (target >= 0).sum()

    return loss


def _shared(task: Task, alike: npt.NDArray[np.int64], smoothing: float) -> Loss:
    k = len(task.outcomes)
    plain = (1 - smoothing) * np.eye(k) + smoothing / k
    table = torch.from_numpy(shared_labels(plain, alike, task.shared))

    def loss(logits: Tensor, target: Tensor, _places: Tensor) -> Tensor:
        known = target >= 0
        if not bool(known.any()):
            return logits.sum() * 0.0
        wanted = table[target[known].cpu()].to(logits)
        return -(wanted * torch.log_softmax(logits[known], dim=1)).sum(1).mean()

    return loss


def _haversine(task: Task, partition: Partition, spec: LossSpec) -> Loss:
    centers = partition.centers
    tau = np.full(len(partition), spec.tau_km)
    if spec.scale_tau and np.isfinite(partition.areas_km2).all():
        width = np.sqrt(partition.areas_km2)
        tau = spec.tau_km * width / np.median(width)
    # Photos without coordinates are taken to lie at their cell's centre.
    between = sphere.distances(centers, centers)
    table = smoothed_labels(between, np.arange(len(partition)), tau)

    def loss(logits: Tensor, target: Tensor, places: Tensor) -> Tensor:
        known = (target >= 0).cpu().numpy()
        if not known.any():
            return logits.sum() * 0.0
        true = target.cpu().numpy()[known]
        labels = table[true]
        where = places.cpu().numpy()[known]
        located = np.isfinite(where).all(axis=1)
        if located.any():
            km = sphere.distances(where[located], centers)
            labels[located] = smoothed_labels(km, true[located], tau[true[located]])
        if task.alike is not None and task.shared:
            labels = shared_labels(labels, task.alike, task.shared)
        wanted = torch.from_numpy(labels).to(logits)
        log_p = torch.log_softmax(logits[torch.from_numpy(known).to(logits.device)], dim=1)
        return -(wanted * log_p).sum(1).mean()

    return loss
