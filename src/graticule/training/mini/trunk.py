"""MobileNetV2 with the pooling of the bundled model: pixels → embedding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from graticule.encoders import weights
from graticule.encoders.mobilenetv2 import MobileNetV2
from graticule.encoders.spec import NORMALISATIONS

Float32Array = npt.NDArray[np.float32]

#: Length of the embedding.
DIM = MobileNetV2.num_features


class Trunk(nn.Module):
    """Normalise, run the trunk, pool.

    The embedding is the mean of the square roots of each channel over the map, of length one: a
    few strong answers must not drown the many weak ones.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, start: Path) -> None:
        super().__init__()
        self.backbone = MobileNetV2()
        weights.load_into(self.backbone, start)
        mean, std = NORMALISATIONS["imagenet"]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255)

    def forward(self, pixels: Tensor) -> Tensor:
        """float32 (n, DIM) of uint8 (n, size, size, 3), RGB."""
        x = (pixels.permute(0, 3, 1, 2).to(self.mean.dtype) - self.mean) / self.std
        return pool(self.backbone(x))


def pool(maps: Tensor) -> Tensor:
    """Feature maps (n, c, h, w), not negative → (n, c), rows of length one."""
    return functional.normalize(maps.sqrt().mean((2, 3)), dim=1)


def embed(trunk: nn.Module, batches: Iterator[npt.NDArray[np.uint8]]) -> Float32Array:
    """Embeddings of batches of pixels, in order."""
    trunk.eval()
    with torch.inference_mode():
        # torch wants arrays of its own to write to, even where it does not.
        out = [trunk(torch.from_numpy(pixels.copy())).numpy() for pixels in batches]
    return np.concatenate(out) if out else np.zeros((0, DIM), np.float32)
