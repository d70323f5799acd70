"""Heads: a vector in, the logits of each task out."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """Linear, or a perceptron: shared hidden layers, then one linear layer a task.

    Attributes:
        tasks: the names of the outputs, in order.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        dim: int,
        tasks: Mapping[str, int],
        hidden: tuple[int, ...] = (),
        dropout: float = 0.0,
    ) -> None:
        """Build a head at random.

        Args:
            dim: length of the vector.
            tasks: name → number of outcomes.
            hidden: widths of hidden layers, each with ReLU.
            dropout: after each hidden layer, or before a linear head.
        """
        super().__init__()
        # Standardisation travels with the head: nobody has to remember it.
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        layers: list[nn.Module] = [] if hidden else [nn.Dropout(dropout)]
        width = dim
        for units in hidden:
            layers += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(dropout)]
            width = units
        self.body = nn.Sequential(*layers)
        self.out = nn.ModuleDict({name: nn.Linear(width, n) for name, n in tasks.items()})
        self.tasks = tuple(tasks)

    def standardise(self, vectors: Tensor) -> None:
        """Take mean and spread of training vectors (n, dim) as the input's own."""
        self.mean.copy_(vectors.mean(0))
        self.scale.copy_(1.0 / vectors.std(0).clamp_min(1e-4))

    def forward(self, vectors: Tensor) -> dict[str, Tensor]:
        """Logits (n, outcomes) by task, of vectors (n, dim)."""
        hidden = self.body((vectors - self.mean) * self.scale)
        return {name: layer(hidden) for name, layer in self.out.items()}


class LogProbabilities(nn.Module):
    """A head as it is exported: the log-probabilities of each task, in order."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head

    def forward(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """Log-probabilities (n, outcomes) of each task, of vectors (n, dim)."""
        return tuple(torch.log_softmax(x, dim=1) for x in self.head(vectors).values())
