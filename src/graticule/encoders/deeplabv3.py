"""DeepLabV3 on MobileNetV2, batch norm folded in (Chen et al. 2017; Sandler et al. 2018, 5.3).

The layout of ``deeplabv3_mobilenetv2_voc.safetensors``: ``conv00`` … ``conv54`` in the order of the
network: trunk at output stride 8, then the spatial pyramid's 1×1, its image pooling, the projection
of both, and the logits of Pascal VOC's 21 classes. Input in [−1, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from graticule.encoders.mobilenetv2 import plan, run_blocks

#: Inverted residual blocks without a sum: they change the width or the stride.
_FIRST_DILATED, _SECOND_DILATED = 7, 14


class DeepLabV3MobileNetV2(nn.Module):
    """Logits (n, 21, h/8, w/8) of NCHW input in [−1, 1]."""

    classes = 21

    def __init__(self) -> None:
        super().__init__()
        number = 0

        def add(
            inputs: int, outputs: int, kernel: int, stride: int, groups: int, spread: int
        ) -> None:
            nonlocal number
            self.add_module(
                f"conv{number:02d}",
                nn.Conv2d(
                    inputs,
                    outputs,
                    kernel,
                    stride,
                    padding=spread * (kernel // 2),
                    dilation=spread,
                    groups=groups,
                ),
            )
            number += 1

        self._plan = plan()
        add(3, 32, 3, 2, 1, 1)
        for block, (expansion, inputs, outputs, stride) in enumerate(self._plan):
            hidden = inputs * expansion
            # The trunk stops halving at stride 8; wider kernels see as far instead.
            spread = 1 if block < _FIRST_DILATED else 2 if block < _SECOND_DILATED else 4
            if expansion != 1:
                add(inputs, hidden, 1, 1, 1, 1)
            add(hidden, hidden, 3, stride if block < _FIRST_DILATED - 1 else 1, hidden, spread)
            add(hidden, outputs, 1, 1, 1, 1)
        for inputs, outputs in ((320, 256), (320, 256), (512, 256), (256, self.classes)):
            add(inputs, outputs, 1, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Class logits at an eighth of the input's size."""
        layers = iter(self.children())
        x = run_blocks(layers, x, self._plan)
        local = functional.relu(next(layers)(x))
        whole = functional.relu(next(layers)(x.mean((2, 3), keepdim=True)))
        joined = torch.cat([whole.expand(-1, -1, local.shape[2], local.shape[3]), local], dim=1)
        logits: Tensor = functional.relu(next(layers)(joined))
        return torch.as_tensor(next(layers)(logits))


def voc_palette(classes: int = 256) -> Tensor:
    """Pascal VOC's colour of each class, uint8 (classes, 3): its bits, spread over the channels."""
    colours = torch.zeros(classes, 3, dtype=torch.uint8)
    for label in range(classes):
        rest = label
        for bit in range(7, -1, -1):
            for channel in range(3):
                colours[label, channel] |= ((rest >> channel) & 1) << bit
            rest >>= 3
    return colours
