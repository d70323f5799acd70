"""A small convolutional network for tests and first tries: it trains in seconds on one core."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn


class Tiny(nn.Sequential):
    """Four strided convolutions with batch norm, 64 features at stride 16."""

    num_features = 64

    def __init__(self) -> None:
        widths = (3, 16, 32, 48, 64)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layers += [
                nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        super().__init__(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """The last feature map, (n, 64, h/16, w/16)."""
        out: Tensor = super().forward(x)
        return out
