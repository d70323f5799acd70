"""A photo's semantic-segmentation map, coloured by class, through an encoder: S5's third feature.

The segmentation network is a plug-in: our own DeepLabV3 on MobileNetV2, or any of torchvision's by
``torchvision/NAME``. HRNet, the document's, comes in by a line here where its weights are had.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from graticule.encoders import weights
from graticule.encoders.deeplabv3 import DeepLabV3MobileNetV2, voc_palette
from graticule.encoders.spec import NORMALISATIONS
from graticule.errors import RecipeError

#: Name → the untrained network.
SEGMENTERS: dict[str, Callable[[], nn.Module]] = {"deeplabv3_mobilenetv2": DeepLabV3MobileNetV2}


class Segmented(nn.Module):
    """Segment, colour, encode.

    Takes input in [−1, 1] (normalise: half), as DeepLab does; gives the trunk's feature map of the
    coloured map.
    """

    palette: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, segmenter: nn.Module, trunk: nn.Module, num_features: int) -> None:
        super().__init__()
        self.segmenter, self.trunk, self.num_features = segmenter, trunk, num_features
        mean, std = NORMALISATIONS["imagenet"]
        self.register_buffer("palette", voc_palette().float() / 255, persistent=False)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def coloured(self, x: Tensor) -> Tensor:
        """The map of NCHW input in [−1, 1], its classes' colours in [0, 1], of the input's size."""
        found = self.segmenter(x)
        logits = found["out"] if isinstance(found, dict) else found
        colours = self.palette[logits.argmax(1)].permute(0, 3, 1, 2)
        return functional.interpolate(colours, size=x.shape[2:], mode="nearest")

    def forward(self, x: Tensor) -> Tensor:
        """The trunk's feature map of the coloured map."""
        seen = (self.coloured(x) - self.mean) / self.std
        features = getattr(self.trunk, "forward_features", self.trunk)
        return torch.as_tensor(features(seen))


def build_segmenter(name: str, file: str | None, base: Path | None) -> nn.Module:
    """A segmentation network with local weights, or random ones where ``file`` is None.

    Raises:
        RecipeError: there is no such network, or the weights do not fit it.
    """
    if name.startswith("torchvision/"):
        from torchvision.models import get_model, segmentation
        from torchvision.models import list_models as names

        wanted = name.removeprefix("torchvision/")
        if wanted not in names(module=segmentation):
            raise RecipeError(f"torchvision has no segmentation network {wanted!r}")
        network: nn.Module = get_model(wanted, weights=None, weights_backbone=None)
    elif name in SEGMENTERS:
        network = SEGMENTERS[name]()
    else:
        known = ", ".join(SEGMENTERS)
        raise RecipeError(f"no segmentation network {name!r}: {known}, or torchvision/NAME")
    if file is not None:
        weights.load_into(network, file, base=base)
    return network.eval()
