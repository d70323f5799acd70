"""An encoder as a torch module: uint8 pixels in, one vector a photo out."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from graticule.encoders.export import export
from graticule.encoders.spec import NORMALISATIONS, EncoderSpec
from graticule.errors import RecipeError

#: Feature map (n, c, h, w) → vector (n, d).
_POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "avg": lambda x: x.mean((2, 3)),
    "max": lambda x: x.amax((2, 3)),
    # Hellinger: a few bright channels must not drown the rest.
    "sqrt": lambda x: functional.normalize(x.clamp_min(0).mean((2, 3)).sqrt(), dim=1),
    # The mean of the roots: a channel that answers weakly all over counts like one bright spot.
    "root": lambda x: functional.normalize(x.clamp_min(1e-12).sqrt().mean((2, 3)), dim=1),
    "gem": lambda x: x.clamp_min(1e-6).pow(3).mean((2, 3)).pow(1 / 3),
    "flatten": lambda x: x.flatten(1),
}


class FromPixels(nn.Module):
    """A network that takes pixels as they are: normalisation is inside the graph."""

    mean: Tensor
    std: Tensor

    def __init__(self, normalise: str) -> None:
        super().__init__()
        mean, std = NORMALISATIONS[normalise]
        # In units of bytes, so that the graph takes uint8 as it is.
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255, persistent=False)

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pixels uint8 (n, size, size, 3) as a backbone takes them: float32 NCHW."""
        return (pixels.permute(0, 3, 1, 2).to(self.mean.dtype) - self.mean) / self.std


class Encoder(FromPixels):
    """Normalise, run the backbone, pool.

    Attributes:
        spec: what the recipe said.
        dim: length of the vector.
        segmenter: where the backbone sees a photo's map (`graticule.encoders.segmented`), what
            makes it.
        seen: the segmenter's part of labels, "" without one.
    """

    seen: str = ""

    def __init__(self, backbone: nn.Module, spec: EncoderSpec, features: int) -> None:
        super().__init__("imagenet" if spec.normalise == "auto" else spec.normalise)
        self.backbone = backbone
        self.segmenter: nn.Module | None = None
        self.spec = spec
        self.dim = self._measure() if spec.pooling == "flatten" else features

    def _measure(self) -> int:
        size = self.spec.preprocess.size
        was = self.training
        self.eval()
        with torch.no_grad():
            dim = self.pool(self.feature_map(torch.zeros(1, 3, size, size))).shape[1]
        self.train(was)
        return int(dim)

    def forward(self, pixels: Tensor) -> Tensor:
        """Vectors float32 (n, dim) of pixels uint8 (n, size, size, 3), RGB."""
        return self.pool(self.feature_map(self.normalised(pixels)))

    def feature_map(self, x: Tensor) -> Tensor:
        """The last feature map (n, c, h, w), or tokens (n, t, c), of normalised NCHW input.

        With pooling ``projection`` the network's own vector (n, d).
        """
        if self.spec.pooling == "projection":
            vectors: Tensor = self.backbone(x)
            return vectors
        for way in ("forward_features", "features"):
            found = getattr(self.backbone, way, None)
            if callable(found):
                out: Tensor = found(x)
                return out
        return self.backbone(x)

    def pool(self, x: Tensor) -> Tensor:
        """One vector a photo from a map (n, c, h, w) or tokens (n, t, c)."""
        how = self.spec.pooling
        if x.ndim == 2:
            return x
        if x.ndim == 3:
            return x[:, 0] if how == "token" else x.mean(1)
        if how == "token":
            raise RecipeError(f"encoder {self.spec.name} has no tokens: use pooling avg")
        return _POOLINGS[how](x)

    def write(self, path: Path) -> None:
        """Export it: ``pixels_0`` uint8 (n, size, size, 3) → ``embedding`` (n, dim)."""
        size = self.spec.preprocess.size
        example = torch.zeros(1, size, size, 3, dtype=torch.uint8)
        export(self, example, path, input_name="pixels_0", outputs=("embedding",))

    def layers(self) -> list[tuple[str, nn.Module]]:
        """The backbone's layers that hold parameters, from the input upwards, by name."""
        return [
            (name, module)
            for name, module in self.backbone.named_modules()
            if any(True for _ in module.parameters(recurse=False))
        ]

    def top_layers(self, share: float) -> list[str]:
        """Names of the upper ``share`` of :meth:`layers`, rounded up."""
        names = [name for name, _ in self.layers()]
        return names[len(names) - math.ceil(share * len(names)) :]
