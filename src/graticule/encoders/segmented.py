"""A photo's semantic-segmentation map, coloured by class, through an encoder: S5's third feature.

The segmentation network is a plug-in: our own DeepLabV3 on MobileNetV2, any of torchvision's by
``torchvision/NAME``, or any other as an ONNX file (`graticule.encoders.onnx_segmenter`), which is
how HRNet, the document's, comes in.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from graticule.encoders import weights
from graticule.encoders.deeplabv3 import DeepLabV3MobileNetV2, voc_palette
from graticule.encoders.encoder import Encoder, FromPixels
from graticule.encoders.onnx_segmenter import OnnxSegmenter, write_around
from graticule.encoders.published import fetching
from graticule.encoders.spec import EncoderSpec
from graticule.errors import RecipeError

#: Name → the untrained network, and the normalisation it was trained with.
SEGMENTERS: Final[dict[str, tuple[Callable[[], nn.Module], str]]] = {
    "deeplabv3_mobilenetv2": (DeepLabV3MobileNetV2, "half"),
}
#: What torchvision's segmentation networks take.
_TORCHVISION: Final = "torchvision/"


class Segmenter(FromPixels):
    """A segmentation network that takes pixels as they are; it never learns here."""

    def __init__(self, network: nn.Module, normalise: str) -> None:
        super().__init__(normalise)
        self.network = network.requires_grad_(False)

    def train(self, mode: bool = True) -> Segmenter:
        """Stay in evaluation mode, whatever the encoder behind it does."""
        super().train(False)
        return self

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (n, classes, h, w) of pixels uint8 (n, size, size, 3)."""
        found = self.network(self.normalised(pixels))
        return torch.as_tensor(found["out"] if isinstance(found, dict) else found)


class Segmented(Encoder):
    """Segment, colour, encode: the backbone sees the coloured map in the photo's place.

    The segmentation network has its own mean and spread, the map is normalised as the backbone's
    photos are.
    """

    palette: Tensor

    def __init__(
        self,
        segmenter: Segmenter | OnnxSegmenter,
        trunk: nn.Module,
        spec: EncoderSpec,
        features: int,
    ) -> None:
        super().__init__(trunk, spec, features)
        self.segmenter = segmenter
        file = Path(str(spec.segmentation))
        name = file.name if file.suffix == ".onnx" else spec.segmentation
        own = f"/{spec.segmentation_normalise}" if spec.segmentation_normalise else ""
        self.seen = f"{name}{own}>"
        self.register_buffer("palette", voc_palette().float(), persistent=False)

    def normalised(self, pixels: Tensor) -> Tensor:
        """The coloured map of pixels uint8 (n, size, size, 3), as the backbone takes it."""
        assert self.segmenter is not None
        return self.coloured(self.segmenter(pixels))

    def coloured(self, logits: Tensor) -> Tensor:
        """The map of logits (n, classes, h, w), its classes' colours normalised: float32 NCHW."""
        size = self.spec.preprocess.size
        colours = self.palette[logits.argmax(1)].permute(0, 3, 1, 2)
        full = functional.interpolate(colours, size=(size, size), mode="nearest")
        return super().normalised(full.permute(0, 2, 3, 1))

    def write(self, path: Path) -> None:
        """Export it, the segmentation network inside."""
        if isinstance(self.segmenter, OnnxSegmenter):
            write_around(self.segmenter, _Behind(self), path, self.spec.preprocess.size)
        else:
            super().write(path)


class _Behind(nn.Module):
    """What stands behind the segmentation network: logits → vectors."""

    def __init__(self, encoder: Segmented) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, logits: Tensor) -> Tensor:
        return self.encoder.pool(self.encoder.feature_map(self.encoder.coloured(logits)))


def check_weights(spec: EncoderSpec, *, download: bool, key: str = "encoder") -> None:
    """Refuse a segmentation network that would start at random unasked.

    Args:
        spec: the encoder behind it.
        download: whether published weights may be fetched.
        key: of the encoder in its recipe, for the message.

    Raises:
        RecipeError: it has no weights.
    """
    name = spec.segmentation
    if name is None or name.endswith(".onnx"):
        return
    if spec.segmentation_weights is not None or not spec.segmentation_pretrained:
        return
    published = name.startswith(_TORCHVISION)
    if published and download:
        return
    fetch = "add --download to fetch torchvision's, or " if published else ""
    raise RecipeError(
        f"segmentation network {name} has no weights; {fetch}--set {key}.segmentation_weights=FILE "
        f"for a local file (--set {key}.segmentation_pretrained=false starts at random, for tests)"
    )


def build_segmenter(
    spec: EncoderSpec, *, base: Path | None = None, download: bool = False
) -> Segmenter | OnnxSegmenter:
    """The segmentation network that a recipe's encoder sees through, with its weights.

    Args:
        spec: the encoder.
        base: where relative files are looked for first.
        download: allow published weights to be fetched; torch checks their SHA-256.

    Raises:
        RecipeError: there is no such network, it has no weights, or they do not fit it.
    """
    name, own = str(spec.segmentation), spec.segmentation_normalise
    if name.endswith(".onnx"):
        if spec.segmentation_weights is not None:
            raise RecipeError(f"{name}: an ONNX file holds its weights; no segmentation_weights")
        return OnnxSegmenter(_beside(name, base), own or "imagenet", spec.preprocess.size)
    local = spec.segmentation_weights
    if name.startswith(_TORCHVISION):
        published = download and local is None and spec.segmentation_pretrained
        network = _of_torchvision(name.removeprefix(_TORCHVISION), published=published)
        usual = "imagenet"
    elif name in SEGMENTERS:
        build, usual = SEGMENTERS[name]
        network = build()
    else:
        known = ", ".join(SEGMENTERS)
        raise RecipeError(
            f"no segmentation network {name!r}: {known}, torchvision/NAME, or an ONNX file"
        )
    if local is not None:
        weights.load_into(network, local, base=base)
    made = Segmenter(network, own or usual)
    made.eval()
    return made


def _of_torchvision(name: str, *, published: bool) -> nn.Module:
    from torchvision.models import get_model, list_models, segmentation

    if name not in list_models(module=segmentation):
        known = ", ".join(list_models(module=segmentation))
        raise RecipeError(f"torchvision has no segmentation network {name!r}; it has {known}")
    local = "--set encoder.segmentation_weights=FILE"
    start = "DEFAULT" if published else None
    with fetching(f"{_TORCHVISION}{name}", local) if published else nullcontext():
        network: nn.Module = get_model(name, weights=start, weights_backbone=None)
    return network


def _beside(name: str, base: Path | None) -> Path:
    """A file of the recipe, looked for beside the manifest first."""
    file = Path(name).expanduser()
    if base is not None and not file.is_absolute() and (base / file).is_file():
        return base / file
    return file
