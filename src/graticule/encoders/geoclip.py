"""GeoCLIP's networks, taken apart: both sides are exported, the gallery is encoded once.

The ``geoclip`` package (MIT; Vivanco Cepeda, Nayak & Shah, NeurIPS 2023) brings the location
encoder, the image MLP, the logit scale and the gallery in its wheel; the CLIP ViT-L/14 backbone is
a folder of the user's.
"""

from __future__ import annotations

import csv
import math
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from graticule.encoders.encoder import FromPixels
from graticule.errors import BundleError, MissingExtraError
from graticule.progress import track

#: Coordinates in one run of the location encoder: enough to fill the cores, small in memory.
_BLOCK = 2048


class ImageSide(FromPixels):
    """uint8 pixels (n, 224, 224, 3) → unit vectors (n, 512): CLIP's vision tower and the MLP.

    Only the class token leaves the tower, so the last layer is computed for that token alone: the
    same numbers for a thirtieth less work.
    """

    def __init__(self, clip: Any, mlp: nn.Module) -> None:
        super().__init__("clip")
        tower = clip.vision_model
        self.embeddings, self.enter = tower.embeddings, tower.pre_layrnorm
        self.encoder, self.last = tower.encoder, tower.encoder.layers[-1]
        self.encoder.layers = tower.encoder.layers[:-1]
        self.leave, self.project = tower.post_layernorm, clip.visual_projection
        self.mlp = mlp

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode a batch."""
        entered = self.enter(self.embeddings(self.normalised(pixels)))
        tokens = self.encoder(inputs_embeds=entered).last_hidden_state
        vectors: Tensor = self.mlp(self.project(self.leave(self._class_token(tokens))))
        return nn.functional.normalize(vectors, dim=1)

    def _class_token(self, tokens: Tensor) -> Tensor:
        """The last layer's output at the first token, (n, width), from all tokens before it."""
        layer, attention = self.last, self.last.self_attn
        heads = attention.num_heads
        n, count, width = tokens.shape
        normed = layer.layer_norm1(tokens)

        def split(values: Tensor, length: int) -> Tensor:
            return values.reshape(n, length, heads, width // heads).transpose(1, 2)

        query = split(attention.q_proj(normed[:, :1]), 1) * (width // heads) ** -0.5
        keys = split(attention.k_proj(normed), count)
        values = split(attention.v_proj(normed), count)
        seen = (query @ keys.transpose(2, 3)).softmax(dim=-1) @ values
        first = tokens[:, :1] + attention.out_proj(seen.transpose(1, 2).reshape(n, 1, width))
        whole: Tensor = first + layer.mlp(layer.layer_norm2(first))
        return whole[:, 0]


class LocationSide(nn.Module):
    """Degrees (n, 2), latitude first → unit vectors (n, 512), to the bit as the package's encoder.

    Equal Earth projection (Šavrič, Patterson & Jenny 2018), random Fourier features at three
    scales, an MLP each, summed. Written anew because the package's cannot be exported.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.capsules = nn.ModuleList(encoder.children())

    def forward(self, latlon: Tensor) -> Tensor:
        """Encode a batch."""
        at = _equal_earth(latlon)
        total: Any = 0
        for part in self.capsules:
            features, *layers = part.capsule
            phases = 2 * math.pi * at @ features.b.T
            hidden = torch.cat([torch.cos(phases), torch.sin(phases)], dim=-1)
            for layer in layers:
                hidden = layer(hidden)
            total = total + part.head(hidden)
        return nn.functional.normalize(total, dim=1)


def _equal_earth(latlon: Tensor) -> Tensor:
    """Equal Earth coordinates as GeoCLIP scales them, (n, 2)."""
    a1, a2, a3, a4, scale = 1.340264, -0.081106, 0.000893, 0.003796, 66.50336
    radians = latlon * (math.pi / 180)
    lat, lon = radians[:, 0:1], radians[:, 1:2]
    theta = torch.asin((math.sqrt(3) / 2) * torch.sin(lat))
    below = 3 * (9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * theta**2 + a1)
    x = (2 * math.sqrt(3) * lon * torch.cos(theta)) / below
    y = a4 * theta**9 + a3 * theta**7 + a2 * theta**3 + a1 * theta
    return torch.cat([x, y], dim=1) * scale / 180


def load_clip(folder: Path) -> Any:
    """CLIP's vision tower from a local folder (``config.json``, ``model.safetensors``).

    Raises:
        BundleError: the folder lacks a file, or holds a CLIP of another size.
        MissingExtraError: the ``geoclip`` extra is not installed.
    """
    transformers = _need("transformers")
    transformers.logging.set_verbosity_error()  # of the text tower, which is left out
    transformers.logging.disable_progress_bar()
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
        tower = transformers.CLIPVisionModelWithProjection.from_pretrained(
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


def image_side(clip: Any) -> ImageSide:
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


def location_side() -> LocationSide:
    """The location encoder with the weights of the package's wheel."""
    _need("geoclip")
    from geoclip.model.location_encoder import LocationEncoder

    encoder = LocationEncoder(from_pretrained=False)
    encoder.load_state_dict(_packaged("location_encoder_weights.pth"))
    side = LocationSide(encoder)
    side.eval()
    return side


def encode_gallery(latlon: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Unit vectors of coordinates by GeoCLIP's location encoder, float32 (n, 512).

    A point that is given twice is encoded once; of the package's 100,000 that is one in seventeen.
    """
    side = location_side()
    once, where = np.unique(latlon, axis=0, return_inverse=True)
    out = np.empty((len(once), 512), dtype=np.float32)
    with torch.inference_mode():
        for start in track(range(0, len(once), _BLOCK), "encoding the gallery"):
            part = torch.as_tensor(once[start : start + _BLOCK], dtype=torch.float32)
            out[start : start + _BLOCK] = side(part).numpy()
    return out[where.reshape(-1)]


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
