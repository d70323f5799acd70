"""An encoder that only speaks: a network of torch, or the ONNX graph of a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.encoders.cache import Encode, FeatureCache, Float32Array
from graticule.errors import RecipeError
from graticule.photos.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graticule.encoders.spec import EncoderSpec


@dataclass(frozen=True)
class Frozen:
    """What the feature cache and the exporter need of an encoder that does not learn.

    Attributes:
        label: name, pooling and normalisation: part of the cache's key.
        weights: hash of the weights.
        preprocess: how photos become pixels.
        encode: uint8 (n, size, size, 3) → float32 (n, dim).
        dim: length of the vector.
        onnx: the graph, where the encoder is one.
        module: the torch module, where it is one.
    """

    label: str
    weights: str
    preprocess: Preprocess
    encode: Encode
    dim: int
    onnx: Path | None = None
    module: Any = None

    def vectors(
        self, paths: Sequence[Path], root: Path, *, view: str = "", batch: int = 32
    ) -> Float32Array:
        """Vectors of photos through the cache under ``root``; see :class:`FeatureCache`.

        Raises:
            RecipeError: the store holds vectors of another length; it was changed by hand.
        """
        cache = FeatureCache(root, self.label, self.weights, self.preprocess, view)
        found = cache.vectors(paths, self.encode, batch=batch)
        if found.shape[1] != self.dim:
            raise RecipeError(
                f"{cache.folder}: holds vectors of {found.shape[1]} numbers, encoder {self.label} "
                f"gives {self.dim}; remove the folder"
            )
        return found


def is_bundle(name: str) -> bool:
    """Whether an encoder's name means the graph of a bundle."""
    return name == "bundled" or name.startswith("bundle:")


def from_bundle(name: str) -> Frozen:
    """The encoder of a bundle: ``bundled`` is the model that ships, ``bundle:FOLDER`` any.

    Raises:
        RecipeError: the bundle has no encoder of its own.
    """
    from graticule.encoders.onnx import OnnxGraph

    folder = bundled_folder() if name == "bundled" else Path(name.removeprefix("bundle:"))
    listing = folder / "system.json"
    file = folder / "encoder.onnx"
    if not listing.is_file() or not file.is_file():
        raise RecipeError(f"{folder}: not a bundle with one encoder (encoder.onnx); see models")
    preprocess = Preprocess.model_validate(files.read_json(listing)["inputs"][0])
    graph = OnnxGraph(file)
    size = preprocess.size

    def encode(pixels: npt.NDArray[np.uint8]) -> Float32Array:
        return graph(pixels_0=pixels)["embedding"]

    dim = encode(np.zeros((1, size, size, 3), np.uint8)).shape[1]
    return Frozen(name, files.sha256(file), preprocess, encode, dim, onnx=file)


def bundled_folder() -> Path:
    """Where the model that ships with the package lies."""
    return Path(__file__).parents[1] / "models" / "mini"


def from_module(module: Any, spec: EncoderSpec, device: str = "cpu") -> Frozen:
    """A torch :class:`~graticule.encoders.encoder.Encoder` as it is now, in evaluation mode."""
    import torch

    from graticule.encoders.weights import digest

    module = module.to(device).eval()

    def encode(pixels: npt.NDArray[np.uint8]) -> Float32Array:
        with torch.inference_mode():
            out: Float32Array = module(torch.from_numpy(pixels).to(device)).float().cpu().numpy()
        return out

    normalise = "imagenet" if spec.normalise == "auto" else spec.normalise
    label = f"{module.seen}{spec.name}/{spec.pooling}/{normalise}"
    return Frozen(label, digest(module), spec.preprocess, encode, module.dim, module=module)


def open_encoder(
    spec: EncoderSpec, *, base: Path | None = None, download: bool = False, device: str = "cpu"
) -> Frozen:
    """The encoder of a recipe, frozen; see `graticule.encoders.registry.build`."""
    if is_bundle(spec.name):
        return from_bundle(spec.name)
    from graticule.encoders.registry import build

    return from_module(build(spec, base=base, download=download), spec, device)
