"""MobileNetV2 1.0 with batch norm folded into its convolutions (Sandler et al. 2018).

The layout of ``mobilenetv2_imagenet.safetensors``: ``conv00`` … ``conv51`` in the order of the
network. Folded, it has half the layers to run and no statistics that training could spoil.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

from torch import Tensor, nn
from torch.nn import functional

#: Expansion, input channels, output channels and stride of each residual block.
Blocks: TypeAlias = list[tuple[int, int, int, int]]

#: Expansion, channels, blocks, stride of the first block.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class MobileNetV2(nn.Module):
    """The trunk: NCHW input, 1280 channels at stride 32, each value in [0, 6]."""

    num_features = 1280

    def __init__(self) -> None:
        super().__init__()
        blocks = plan()
        for number, (inputs, outputs, kernel, stride, groups) in enumerate(_convolutions(blocks)):
            self.add_module(
                f"conv{number:02d}",
                nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups),
            )
        self._plan = blocks

    def forward(self, x: Tensor) -> Tensor:
        """The last feature map, (n, 1280, h/32, w/32)."""
        layers = iter(self.children())
        x = run_blocks(layers, x, self._plan)
        return functional.relu6(next(layers)(x))


def run_blocks(layers: Iterator[nn.Module], x: Tensor, blocks: Blocks) -> Tensor:
    """The stem and the inverted residual blocks, taking their convolutions off ``layers``."""
    x = functional.relu6(next(layers)(x))
    for expansion, inputs, outputs, stride in blocks:
        y = functional.relu6(next(layers)(x)) if expansion != 1 else x
        y = functional.relu6(next(layers)(y))
        y = next(layers)(y)
        x = x + y if stride == 1 and inputs == outputs else y
    return x


def plan() -> Blocks:
    """Expansion, input channels, output channels and stride of each residual block."""
    blocks = [
        (expansion, channels, stride if number == 0 else 1)
        for expansion, channels, count, stride in _STAGES
        for number in range(count)
    ]
    widths = [32, *(channels for _, channels, _ in blocks)]
    return [
        (expansion, inputs, outputs, stride)
        for (expansion, _, stride), (inputs, outputs) in zip(blocks, pairwise(widths), strict=True)
    ]


def _convolutions(
    blocks: Blocks,
) -> list[tuple[int, int, int, int, int]]:
    """Input and output channels, kernel, stride and groups of the 52 convolutions."""
    out = [(3, 32, 3, 2, 1)]
    for expansion, inputs, outputs, stride in blocks:
        hidden = inputs * expansion
        if expansion != 1:
            out.append((inputs, hidden, 1, 1, 1))
        out += [(hidden, hidden, 3, stride, hidden), (hidden, outputs, 1, 1, 1)]
    return [*out, (320, 1280, 1, 1, 1)]
