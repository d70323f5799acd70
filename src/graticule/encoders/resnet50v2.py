"""ResNet50 v2, pre-activation (He et al. 2016b): whole, or cut after its third stage.

The layout of ``resnet50v2_stages123_imagenet.safetensors``. That file holds stages 1–3 only: the
whole network starts its fourth stage at random (``partial: true`` in a recipe).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

#: Blocks, width of the middle convolution, stride of the first block.
_STAGES = ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2))


class _Block(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int, *, first: bool) -> None:
        super().__init__()
        outputs = 4 * width
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.downsample = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if first else None

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(x))
        skip = x if self.downsample is None else self.downsample(y)
        y = functional.relu(self.bn2(self.conv1(y)))
        y = functional.relu(self.bn3(self.conv2(y)))
        out: Tensor = skip + self.conv3(y)
        return out


class ResNet50V2(nn.Module):
    """The trunk: NCHW input after ImageNet normalisation.

    Attributes:
        num_features: channels of the last map: 2048 at stride 32, 1024 at stride 16 without the
            fourth stage.
    """

    def __init__(self, stages: int = 4) -> None:
        super().__init__()
        self.input_bn = nn.BatchNorm2d(3)
        self.stem_conv = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.stem_bn = nn.BatchNorm2d(64)
        inputs = 64
        for number, (blocks, width, stride) in enumerate(_STAGES[:stages], 1):
            stage = nn.Sequential(
                *(
                    _Block(
                        inputs if first else 4 * width, width, stride if first else 1, first=first
                    )
                    for first in (True, *(False,) * (blocks - 1))
                )
            )
            self.add_module(f"stage{number}", stage)
            inputs = 4 * width
        self.stages = stages
        # Before a fourth stage, the third's closing norm is the first of the next block.
        self.add_module("final_bn" if stages == 3 else "head_bn", nn.BatchNorm2d(inputs))
        self.num_features = inputs

    def forward(self, x: Tensor) -> Tensor:
        """The last feature map, after batch norm and ReLU."""
        x = functional.relu(self.stem_bn(self.stem_conv(self.input_bn(x))))
        x = functional.max_pool2d(x, 3, 2, 1)
        for number in range(1, self.stages + 1):
            x = self.get_submodule(f"stage{number}")(x)
        norm = self.get_submodule("final_bn" if self.stages == 3 else "head_bn")
        return functional.relu(norm(x))

    def translate(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The file's names as this module's."""
        ends = {"mean": "running_mean", "var": "running_var"}
        out = {}
        for name, value in state.items():
            layer, _, end = name.rpartition(".")
            if layer == "final_bn" and self.stages == 4:
                layer = "stage4.0.bn1"
            out[f"{layer}.{ends.get(end, end)}"] = value
        return out


def resnet50v2() -> ResNet50V2:
    """All four stages, 2048 features."""
    return ResNet50V2(4)


def resnet50v2_stage3() -> ResNet50V2:
    """Cut after the third stage, 1024 features at stride 16."""
    return ResNet50V2(3)
