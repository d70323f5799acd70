"""Multinomial logistic regression on embeddings, by L-BFGS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from graticule.refine.memory import principal

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Linear:
    """A linear head: logits = x · weight + bias, weight (d, k)."""

    weight: Float32Array
    bias: Float32Array

    def __call__(self, x: Float32Array) -> Float32Array:
        """Logits (n, k)."""
        return np.asarray(x @ self.weight + self.bias)


def fit_linear(
    x: Float32Array,
    targets: IntArray,
    classes: int,
    weights: npt.ArrayLike,
    *,
    l2: float,
    iterations: int,
    components: int = 0,
) -> Linear:
    """Minimise the weighted mean cross-entropy + ``l2`` · Σ weight².

    Args:
        x: (n, d), rows of length one.
        targets: (n,) classes.
        classes: how many there are; one without a row ends up unlikely, not impossible.
        weights: (n,) of the rows.
        l2: penalty; the bias is free.
        iterations: of L-BFGS, at most.
        components: principal directions of the rows to learn along; 0: all directions.
    """
    if 0 < components < min(x.shape):
        middle = x.mean(axis=0)
        basis = principal(x - middle, components)
        small = fit_linear(
            (x - middle) @ basis, targets, classes, weights, l2=l2, iterations=iterations
        )
        weight = basis @ small.weight
        return Linear(weight, small.bias - middle @ weight)
    data, truth = torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(targets)
    share = torch.as_tensor(np.asarray(weights), dtype=torch.float32)
    share = share / share.sum()
    matrix = torch.zeros(x.shape[1], classes, requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [matrix, bias], max_iter=iterations, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        log_p = torch.log_softmax(data @ matrix + bias, 1)
        nll = -log_p.gather(1, truth[:, None])[:, 0]
        loss = (nll * share).sum() + l2 * matrix.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return Linear(matrix.detach().numpy(), bias.detach().numpy())
