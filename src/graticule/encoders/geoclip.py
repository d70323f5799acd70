"""GeoCLIP's networks, taken apart: the image side is exported, the gallery is encoded once.

The ``geoclip`` package (MIT; Vivanco Cepeda, Nayak & Shah, NeurIPS 2023) brings the location
encoder, the image MLP, the logit scale and the gallery in its wheel; the CLIP ViT-L/14 backbone is
a folder of the user's.
"""

from __future__ import annotations

import csv
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from graticule.encoders.spec import NORMALISATIONS
from graticule.errors import BundleError, MissingExtraError
from graticule.progress import track

#: Coordinates in one run of the location encoder: enough to fill the cores, small in memory.
_BLOCK = 2048


class ImageSide(nn.Module):
    """uint8 pixels (n, 224, 224, 3) → unit vectors (n, 512): CLIP's vision tower and the MLP."""

    def __init__(self, clip: nn.Module, mlp: nn.Module) -> None:
        super().__init__()
        self.clip, self.mlp = clip, mlp
        mean, std = NORMALISATIONS["clip"]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255)

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode a batch."""
        x = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        vectors: Tensor = self.mlp(self.clip(pixel_values=x).image_embeds)
        return nn.functional.normalize(vectors, dim=1)


def load_clip(folder: Path) -> nn.Module:
    """CLIP's vision tower from a local folder (``config.json``, ``model.safetensors``).

    Raises:
        BundleError: the folder lacks a file, or holds a CLIP of another size.
        MissingExtraError: the ``geoclip`` extra is not installed.
    """
    transformers = _need("transformers")
    transformers.logging.set_verbosity_error()  # of the text tower, which is left out
    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise BundleError(f"{folder / name}: missing; give the folder of CLIP ViT-L/14")
    try:
        config = transformers.CLIPConfig.from_pretrained(folder, local_files_only=True)
        size = config.vision_config.image_size
        if (config.projection_dim, size) != (768, 224):
            raise BundleError(
                f"{folder}: this CLIP gives {config.projection_dim} numbers for {size} pixels, "
                "GeoCLIP needs 768 for 224 (CLIP ViT-L/14, openai/clip-vit-large-patch14)"
            )
        tower: nn.Module = transformers.CLIPVisionModelWithProjection.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, attn_implementation="eager"
        )
    except BundleError:
        raise
    except Exception as error:  # safetensors and transformers share no base class
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(
            f"{folder}: cannot be read as CLIP weights ({words}); graticule models get geoclip "
            "fetches them again"
        ) from error
    return tower.eval()


def image_side(clip: nn.Module) -> ImageSide:
    """The whole image side: a CLIP vision tower and GeoCLIP's own MLP from its wheel."""
    mlp = nn.Sequential(nn.Linear(768, 768), nn.ReLU(), nn.Linear(768, 512))
    mlp.load_state_dict(_packaged("image_encoder_mlp_weights.pth"))
    side = ImageSide(clip, mlp)
    side.eval()
    return side


def logit_scale() -> float:
    """What cosine similarities are multiplied by: the exponential of GeoCLIP's parameter."""
    return float(_packaged("logit_scale_weights.pth").exp())


def packaged_gallery() -> npt.NDArray[np.float64]:
    """The 100,000 coordinates that come with the package, degrees (n, 2)."""
    _need("geoclip")
    file = resources("geoclip") / "model" / "gps_gallery" / "coordinates_100K.csv"
    with file.open(encoding="utf-8") as lines:
        rows = csv.reader(lines)
        next(rows)
        return np.array([[float(lat), float(lon)] for lat, lon in rows])


def encode_gallery(latlon: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Unit vectors of coordinates by GeoCLIP's location encoder, float32 (n, 512)."""
    _need("geoclip")
    from geoclip.model.location_encoder import LocationEncoder

    encoder = LocationEncoder(from_pretrained=False)
    encoder.load_state_dict(_packaged("location_encoder_weights.pth"))
    encoder.eval()
    out = np.empty((len(latlon), 512), dtype=np.float32)
    with torch.inference_mode():
        for start in track(range(0, len(latlon), _BLOCK), "encoding the gallery"):
            part = torch.as_tensor(latlon[start : start + _BLOCK], dtype=torch.float32)
            out[start : start + _BLOCK] = nn.functional.normalize(encoder(part), dim=1).numpy()
    return out


def _packaged(name: str) -> Any:
    _need("geoclip")
    file = resources("geoclip") / "model" / "weights" / name
    with file.open("rb") as weights:
        return torch.load(weights, map_location="cpu", weights_only=True)


def _need(package: str) -> Any:
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingExtraError(package, "geoclip", "GeoCLIP") from error
