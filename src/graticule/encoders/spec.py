"""What a recipe says about an encoder: which network, which start, which pixels."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from graticule.photos.preprocess import Preprocess

#: Name → mean and standard deviation of pixel values scaled to [0, 1], red, green, blue.
NORMALISATIONS: Final[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
}


class EncoderSpec(BaseModel):
    """An encoder as a recipe names it.

    Attributes:
        name: a family of `graticule.encoders.registry`, any timm name, ``torchvision/NAME``,
            ``clip``, or ``bundled`` / ``bundle:FOLDER`` for the frozen encoder of a bundle.
        weights: a local file of weights, ``.safetensors`` or a weights-only ``.pth``; of ``clip``,
            a folder.
        sha256: the file's checksum, if it must be one and no other; of published weights, that of
            their tensors (`graticule.encoders.published`).
        pretrained: start from the library's published weights, fetched only with ``--download``.
        partial: let the file leave out layers; they start at random. Without it, that is an error.
        pooling: how the last feature map becomes a vector; ``projection``: by its own last
            layer, which of a CLIP makes the embedding that it shares with text.
        normalise: mean and standard deviation; ``auto`` takes those of the augmentation.
        preprocess: resize and crop where nothing is random.
        segmentation: encode the photo's semantic-segmentation map instead, by this network: a name
            of `graticule.encoders.segmented`, ``torchvision/NAME``, or an ONNX file. What stands
            above is the map's encoder: its pixels are the map's colours.
        segmentation_weights: its local weights; an ONNX file holds its own.
        segmentation_pretrained: without local weights, start from the library's published ones,
            fetched only with ``--download``; false starts at random, for tests.
        segmentation_normalise: mean and standard deviation of the pixels that it takes; its own by
            default, ImageNet's of an ONNX file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    weights: str | None = None
    sha256: str | None = None
    pretrained: bool = False
    partial: bool = False
    pooling: Literal["avg", "max", "sqrt", "root", "gem", "flatten", "token", "projection"] = "avg"
    normalise: Literal["auto", "imagenet", "half", "unit", "clip"] = "auto"
    preprocess: Preprocess = Field(default_factory=lambda: Preprocess(resize="squash"))
    segmentation: str | None = None
    segmentation_weights: str | None = None
    segmentation_pretrained: bool = True
    segmentation_normalise: Literal["imagenet", "half", "unit", "clip"] | None = None

    @model_serializer(mode="wrap")
    def _written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out later keys where they are not set: checkpoints and contests are keyed by it."""
        found: dict[str, Any] = write(self)
        for name in ("segmentation_pretrained", "segmentation_normalise"):
            if found.get(name) == type(self).model_fields[name].default:
                found.pop(name, None)
        return found
