"""CLIP from a folder on the disk: an image side, a text side, the scale of their cosines.

Two layouts are read: that of ``transformers`` (``config.json``, ``model.safetensors``) and that of
OpenCLIP (``open_clip_config.json``, ``open_clip_model.safetensors``), whose names are translated.
Networks are ``transformers``'; OpenCLIP itself is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from graticule import files
from graticule.encoders import text_side, tokenizer
from graticule.encoders.encoder import Encoder, FromPixels
from graticule.encoders.export import export
from graticule.encoders.spec import EncoderSpec
from graticule.errors import BundleError, MissingExtraError, RecipeError
from graticule.photos.preprocess import Preprocess

HUB, OPEN = (
    ("config.json", "model.safetensors"),
    (
        "open_clip_config.json",
        "open_clip_model.safetensors",
    ),
)


class Vision(nn.Module):
    """Normalised pixels (n, 3, size, size) → vectors (n, shared), projection included."""

    def __init__(self, clip: nn.Module, dim: int) -> None:
        super().__init__()
        self.body, self.project = clip.vision_model, clip.visual_projection
        self.num_features = dim

    def forward(self, x: Tensor) -> Tensor:
        """Encode a batch."""
        out: Tensor = self.project(self.body(pixel_values=x).pooler_output)
        return out


class Text(nn.Module):
    """Pieces, int64 (n, length) → vectors (n, shared), read off at the first last piece."""

    def __init__(self, clip: nn.Module, end: int) -> None:
        super().__init__()
        self.body, self.project = clip.text_model, clip.text_projection
        self.end = end

    def forward(self, ids: Tensor) -> Tensor:
        """Encode texts; what stands behind the last piece changes nothing."""
        hidden = self.body(input_ids=ids).last_hidden_state
        at = (ids == self.end).to(torch.int32).argmax(dim=1)
        picked = at.view(-1, 1, 1).expand(-1, 1, hidden.shape[2])
        out: Tensor = self.project(hidden.gather(1, picked).squeeze(1))
        return out


@dataclass(frozen=True)
class Clip:
    """The two sides of a CLIP.

    Attributes:
        vision: the image side.
        text: the text side.
        scale: what cosines are multiplied by.
        size: side of the square of pixels.
        dim: length of the vectors of both sides.
        pieces: the tokenizer.
        weights: the file of weights.
    """

    vision: Vision
    text: Text
    scale: float
    size: int
    dim: int
    pieces: tokenizer.ClipTokenizer
    weights: Path

    @property
    def preprocess(self) -> Preprocess:
        """As CLIP's own processor crops."""
        return Preprocess(size=self.size, resize="clip", interpolation="bicubic")


def holds(folder: Path) -> bool:
    """Whether a folder has the files of a CLIP, in either layout, whatever its tokenizer."""
    return any(all((folder / name).is_file() for name in names) for names in (HUB, OPEN))


def load(folder: Path) -> Clip:
    """Read a CLIP from a folder.

    Raises:
        BundleError: a file is missing or broken, or weights, settings and tokenizer do not belong
            together.
        MissingExtraError: ``transformers`` is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise MissingExtraError("transformers", "clip", "reading CLIP") from error
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    opened = all((folder / name).is_file() for name in OPEN)
    names = OPEN if opened and not (folder / HUB[1]).is_file() else HUB
    for name in names:
        if not (folder / name).is_file():
            raise BundleError(
                f"{folder / name}: missing; give a folder of CLIP ({' and '.join(HUB)}, or "
                f"{' and '.join(OPEN)})"
            )
    model: Any = _read(transformers, folder, open_clip=names == OPEN)
    config = model.config
    text = config.text_config
    pieces = tokenizer.read_clip(folder, int(text.max_position_embeddings))
    most = max(pieces.vocabulary.values())
    if most >= text.vocab_size:
        raise BundleError(
            f"{folder}: the tokenizer has {most + 1} pieces and the text side {text.vocab_size}; "
            "they are of two models"
        )
    return Clip(
        vision=Vision(model, int(config.projection_dim)).eval(),
        text=Text(model, pieces.end).eval(),
        scale=float(model.logit_scale.detach().exp()),
        size=int(config.vision_config.image_size),
        dim=int(config.projection_dim),
        pieces=pieces,
        weights=folder / names[1],
    )


def encoder(spec: EncoderSpec, base: Path | None) -> Encoder:
    """The image side as a recipe's encoder; ``spec.weights`` is the folder.

    Raises:
        BundleError: see :func:`load`; or the recipe crops to another size.
    """
    clip = load(folder_of(spec, base))
    if spec.normalise != "clip":
        raise RecipeError("encoder clip: set encoder.normalise=clip, as it was trained")
    if spec.preprocess.size != clip.size:
        raise BundleError(
            f"{clip.weights.parent}: this CLIP takes {clip.size} pixels and the recipe crops to "
            f"{spec.preprocess.size}; set encoder.preprocess.size={clip.size}"
        )
    return Encoder(clip.vision, spec, clip.dim)


class _Image(FromPixels):
    """uint8 pixels (n, size, size, 3) → unit vectors, with CLIP's own normalisation."""

    def __init__(self, vision: Vision) -> None:
        super().__init__("clip")
        self.vision = vision

    def forward(self, pixels: Tensor) -> Tensor:
        return nn.functional.normalize(self.vision(self.normalised(pixels)), dim=1)


def write(clip: Clip, folder: Path) -> None:
    """Export both sides: ``encoder.onnx``, ``text.onnx``, ``tokenizer.json``."""
    example = torch.zeros((1, clip.size, clip.size, 3), dtype=torch.uint8)
    export(
        _Image(clip.vision).eval(),
        example,
        folder / "encoder.onnx",
        input_name="pixels_0",
        outputs=("embedding",),
    )
    text_side.write(clip.text, clip.pieces, folder)


def folder_of(spec: EncoderSpec, base: Path | None) -> Path:
    """The folder a recipe names, looked for beside the manifest first.

    Raises:
        BundleError: the recipe names none.
    """
    if spec.weights is None:
        raise BundleError("encoder clip: say --weights FOLDER, the folder of a CLIP on this disk")
    folder = Path(spec.weights).expanduser()
    if base is not None and not folder.is_absolute() and (base / folder).is_dir():
        return base / folder
    return folder


def _read(transformers: Any, folder: Path, *, open_clip: bool) -> nn.Module:
    try:
        if not open_clip:
            model: nn.Module = transformers.CLIPModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, attn_implementation="eager"
            )
            return model.float().eval()
        from safetensors.torch import load_file

        config = transformers.CLIPConfig(**_settings(files.read_json(folder / OPEN[0])))
        config._attn_implementation = "eager"
        model = transformers.CLIPModel(config)
        state = translate(load_file(folder / OPEN[1]))
        missing, unknown = model.load_state_dict(state, strict=False)
        lost = [name for name in missing if not name.endswith("position_ids")]
        if lost or unknown:
            raise ValueError(f"{(lost or unknown)[0]} is {'missing' if lost else 'unknown'}")
        return model.float().eval()
    except Exception as error:  # safetensors and transformers share no base class
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(f"{folder}: cannot be read as CLIP weights ({words})") from error


def _settings(about: Mapping[str, Any]) -> dict[str, Any]:
    """OpenCLIP's settings in the words of ``transformers``; plain ViT towers only."""
    cfg = about["model_cfg"]
    vision, text = cfg["vision_cfg"], cfg["text_cfg"]
    if not isinstance(vision.get("layers"), int) or "hf_model_name" in text:
        raise ValueError("its towers are not plain transformers")
    act = "quick_gelu" if cfg.get("quick_gelu") else "gelu"
    width = int(vision["width"])
    return {
        "projection_dim": cfg["embed_dim"],
        "vision_config": {
            "hidden_size": width,
            "intermediate_size": int(width * vision.get("mlp_ratio", 4.0)),
            "num_hidden_layers": vision["layers"],
            "num_attention_heads": width // vision.get("head_width", 64),
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
            "projection_dim": cfg["embed_dim"],
            "hidden_act": act,
        },
        "text_config": {
            "hidden_size": text["width"],
            "intermediate_size": int(text["width"] * text.get("mlp_ratio", 4.0)),
            "num_hidden_layers": text["layers"],
            "num_attention_heads": text["heads"],
            "max_position_embeddings": text["context_length"],
            "vocab_size": text["vocab_size"],
            "projection_dim": cfg["embed_dim"],
            "hidden_act": act,
        },
    }


#: OpenCLIP's names of a block's parts → those of ``transformers``.
_BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
#: OpenCLIP's names outside the blocks.
_OUTSIDE = {
    "logit_scale": "logit_scale",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}


def translate(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """OpenCLIP's tensors under the names of ``transformers``."""
    out: dict[str, Tensor] = {}
    for name, value in state.items():
        side = "vision_model" if name.startswith("visual.") else "text_model"
        if name in _OUTSIDE:
            out[_OUTSIDE[name]] = value
        elif name == "visual.proj":
            out["visual_projection.weight"] = value.T.contiguous()
        elif name == "text_projection":
            out["text_projection.weight"] = value.T.contiguous()
        elif ".resblocks." in name or name.startswith("transformer.resblocks."):
            number, _, rest = name.partition("resblocks.")[2].partition(".")
            block = f"{side}.encoder.layers.{number}"
            part, _, kind = rest.rpartition(".")
            if rest.startswith("attn.in_proj_"):
                kind = rest.removeprefix("attn.in_proj_")
                for letter, piece in zip("qkv", value.chunk(3), strict=True):
                    out[f"{block}.self_attn.{letter}_proj.{kind}"] = piece.contiguous()
            else:
                out[f"{block}.{_BLOCK[part]}.{kind}"] = value
        elif name != "attn_mask":
            out[name] = value
    return out
