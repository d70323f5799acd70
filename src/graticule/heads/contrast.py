"""Image against text: both brought into one space, in which a photo lies near its caption."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

#: CLIP's start of the temperature, and the most that its inverse may become.
START_SCALE, MOST_SCALE = 1 / 0.07, 100.0


class Contrast(nn.Module):
    """The projection of images, the text tower, and the scale of their cosines (CLIP).

    Attributes:
        text_side: numbers of texts → vectors.
        log_scale: logarithm of what cosines are multiplied by.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self, image_side: nn.Module, text_side: nn.Module, dim: int, scale: float = START_SCALE
    ) -> None:
        """Put two sides together.

        Args:
            image_side: vectors of the encoder (n, dim) → (n, shared).
            text_side: int64 (n, length) → (n, shared).
            dim: length of the encoder's vectors.
            scale: at the start.
        """
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("spread", torch.ones(dim))
        self.image_side, self.text_side = image_side, text_side
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def standardise(self, vectors: Tensor) -> None:
        """Take mean and spread of training vectors (n, dim) as the input's own."""
        self.mean.copy_(vectors.mean(0))
        self.spread.copy_(1.0 / vectors.std(0).clamp_min(1e-4))

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied by; never more than a hundred (Radford et al. 2021)."""
        return self.log_scale.exp().clamp(max=MOST_SCALE)

    def images(self, vectors: Tensor) -> Tensor:
        """Unit vectors of images, of the encoder's vectors."""
        out = self.image_side((vectors - self.mean) * self.spread)
        return nn.functional.normalize(out, dim=1)

    def texts(self, ids: Tensor) -> Tensor:
        """Unit vectors of texts."""
        return nn.functional.normalize(self.text_side(ids), dim=1)

    def forward(self, vectors: Tensor, ids: Tensor) -> Tensor:
        """Scaled cosines of images with texts, (images, texts)."""
        return self.scale * self.images(vectors) @ self.texts(ids).T


def projection(dim: int, shared: int, hidden: tuple[int, ...], dropout: float) -> nn.Module:
    """The image side over a frozen encoder: hidden layers with ReLU, then one linear layer."""
    layers: list[nn.Module] = [] if hidden else [nn.Dropout(dropout)]
    width = dim
    for units in hidden:
        layers += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(dropout)]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, shared))
