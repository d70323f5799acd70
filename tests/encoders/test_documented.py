"""S5's encoders as their recipes name them: CLIP and ViT of timm, pixels as their own libraries'.

No published weights are needed: the networks start at random, the pixels must be the same.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from graticule.encoders import clip, export, registry  # noqa: E402
from graticule.encoders.spec import NORMALISATIONS, EncoderSpec  # noqa: E402
from graticule.errors import GraticuleWarning, RecipeError  # noqa: E402
from graticule.training import grid, recipe  # noqa: E402


def encoders() -> dict[str, EncoderSpec]:
    clip = recipe.load("s5-clip-vit")
    seen = recipe.load("s5-vit-seg")
    return {"clip": clip.encoder, "vit": clip.fuse[0], "map": seen.fuse[0]}


def picture(width: int, height: int) -> Image.Image:
    values = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((2 * width, 2 * height), Image.Resampling.BICUBIC)


def normalised(spec: EncoderSpec, image: Image.Image) -> np.ndarray:
    mean, std = NORMALISATIONS[spec.normalise]
    return (spec.preprocess(image) / 255.0 - mean) / std


@pytest.mark.parametrize("size", [(301, 177), (120, 333), (90, 90), (224, 225)])
def test_clips_pixels_are_timms(size: tuple[int, int]) -> None:
    import timm

    spec = encoders()["clip"]
    with torch.device("meta"):
        network = timm.create_model(spec.name)
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=network))
    image = picture(*size)
    wanted = transform(image).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(normalised(spec, image), wanted, atol=1e-5)


@pytest.mark.parametrize("size", [(301, 177), (120, 333), (224, 225)])
def test_the_vits_pixels_are_those_of_its_processor(size: tuple[int, int]) -> None:
    transformers = pytest.importorskip("transformers")
    processor = transformers.ViTImageProcessorPil(
        size={"height": 224, "width": 224}, resample=2, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    image = picture(*size)
    wanted = processor(image, return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)
    np.testing.assert_allclose(normalised(encoders()["vit"], image), wanted, atol=1e-5)


@pytest.mark.parametrize(("which", "dim"), [("clip", 768), ("vit", 1024)])
def test_the_large_towers_are_what_the_recipes_name(which: str, dim: int) -> None:
    import timm

    spec = encoders()[which]
    with torch.device("meta"):
        network = timm.create_model(spec.name)
    assert network.num_features == 1024
    assert {"clip": network.num_classes, "vit": network.num_features}[which] == dim
    names = {name.split(".")[0] for name, _ in network.named_parameters()}
    assert {"cls_token", "pos_embed", "patch_embed", "blocks"} <= names


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "pooling", "normalise", "dim"),
    [
        ("vit_base_patch16_clip_quickgelu_224.openai", "projection", "clip", 512),
        ("vit_base_patch16_224.augreg_in21k", "token", "half", 768),
        ("vit_base_patch16_224.augreg_in21k", "avg", "half", 768),
    ],
)
def test_the_base_towers_say_what_timm_says_and_so_does_onnx(
    name: str, pooling: str, normalise: str, dim: int, tmp_path: Path
) -> None:
    import timm

    torch.manual_seed(0)
    spec = EncoderSpec(name=name, pooling=pooling, normalise=normalise)  # type: ignore[arg-type]
    encoder = registry.build(spec).eval()
    pixels = torch.from_numpy(np.stack([spec.preprocess(picture(300, 200))]))
    with torch.inference_mode():
        found = encoder(pixels)
    torch.manual_seed(0)
    whole = timm.create_model(name, **({} if pooling == "projection" else {"num_classes": 0}))
    whole.eval().load_state_dict(encoder.backbone.state_dict())
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in NORMALISATIONS[normalise])
    x = (pixels.permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.inference_mode():
        tokens = whole.forward_features(x)
        wanted = {
            "projection": lambda: whole(x),
            "token": lambda: tokens[:, 0],
            "avg": lambda: tokens.mean(1),
        }[pooling]()
    assert found.shape == (1, dim) == (1, encoder.dim)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    file = tmp_path / "e.onnx"
    export.export(encoder, pixels, file, input_name="pixels_0", outputs=("embedding",))
    assert export.difference(encoder, pixels, file) < 1e-4 * max(1.0, float(found.abs().max()))


def small_clips(act: str, dim: int = 32) -> Any:
    """CLIP's image side of ``transformers`` with ViT-L/14's patches and almost no width."""
    transformers = pytest.importorskip("transformers")
    config = transformers.CLIPVisionConfig(
        hidden_size=dim, intermediate_size=4 * dim, num_hidden_layers=2, num_attention_heads=2,
        image_size=224, patch_size=14, projection_dim=16, hidden_act=act,
    )  # fmt: skip
    torch.manual_seed(0)
    found = transformers.CLIPVisionModelWithProjection(config).eval()
    for value in found.parameters():  # far from nought, where GELU and QuickGELU are alike
        torch.nn.init.normal_(value, std=0.5)
    return found


def open_clips_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A hub's image side under OpenCLIP's names, and something of a text side."""
    out = {theirs: state[ours] for theirs, ours in clip._OUTSIDE.items() if ours in state} | {
        "visual.proj": state["visual_projection.weight"].T.contiguous()
    }
    for number in range(2):
        own, block = (
            f"vision_model.encoder.layers.{number}",
            f"visual.transformer.resblocks.{number}",
        )
        for kind in ("weight", "bias"):
            for theirs, ours in clip._BLOCK.items():
                out[f"{block}.{theirs}.{kind}"] = state[f"{own}.{ours}.{kind}"]
            parts = [state[f"{own}.self_attn.{letter}_proj.{kind}"] for letter in "qkv"]
            out[f"{block}.attn.in_proj_{kind}"] = torch.cat(parts)
    return out | {"logit_scale": torch.tensor(1.0), "ln_final.weight": torch.ones(3)}


@pytest.mark.parametrize("ending", ["safetensors", "pt"])
def test_clips_vectors_are_those_of_transformers_from_an_openclip_file(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import timm
    from safetensors.torch import save_file

    theirs = small_clips("quick_gelu")
    state, file = open_clips_names(theirs.state_dict()), tmp_path / f"clip.{ending}"
    if ending == "pt":
        torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, file)
    else:
        save_file(state, file)
    whole = timm.create_model
    narrow = {"embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 16}
    monkeypatch.setattr(timm, "create_model", lambda name, **how: whole(name, **how, **narrow))
    spec = encoders()["clip"].model_copy(update={"weights": str(file)})
    encoder = registry.build(spec).eval()
    pixels = torch.from_numpy(np.stack([spec.preprocess(picture(300, 200))]))
    with torch.inference_mode():
        found = encoder(pixels)
        taken = encoder.normalised(pixels)
        wanted = theirs(pixel_values=taken).image_embeds
        other = small_clips("gelu")(pixel_values=taken).image_embeds
    assert found.shape == wanted.shape == (1, encoder.dim) == (1, 16)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    assert float((found - other).abs().max()) > 5e-3  # GELU's are others


def test_clip_without_its_own_activation_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    monkeypatch.setattr(timm, "create_model", lambda name, **how: torch.nn.Linear(1, 1))
    monkeypatch.setattr(torch.nn.Linear, "num_classes", 768, raising=False)
    name = "vit_large_patch14_clip_224.openai"
    with pytest.warns(GraticuleWarning, match=r"clip_quickgelu_224\.openai gives"):
        registry.build(EncoderSpec(name=name, pooling="projection", normalise="clip"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registry.build(encoders()["clip"].model_copy(update={"pretrained": False}))


def test_a_tag_that_timm_does_not_have_is_named() -> None:
    with pytest.raises(RecipeError, match=r"timm has .*resnet50\.a1_in1k"):
        registry.build(EncoderSpec(name="resnet50.mine"))


def test_the_projection_is_clips_alone() -> None:
    with pytest.raises(RecipeError, match="CLIP's image towers"):
        registry.build(EncoderSpec(name="vit_tiny_patch16_224", pooling="projection"))


def test_the_grid_uses_the_recipes_encoders() -> None:
    wanted = encoders()
    for name, raw in grid.load("s5-grid").encoders.items():
        assert EncoderSpec.model_validate(raw) == wanted[name]
