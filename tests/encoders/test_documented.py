"""S5's encoders as their recipes name them: CLIP and ViT of timm, pixels as their own libraries'.

No published weights are needed: the networks start at random, the pixels must be the same.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from graticule.encoders import export, registry  # noqa: E402
from graticule.encoders.spec import NORMALISATIONS, EncoderSpec  # noqa: E402
from graticule.errors import RecipeError  # noqa: E402
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
        ("vit_base_patch16_clip_224.openai", "projection", "clip", 512),
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


def test_the_projection_is_clips_alone() -> None:
    with pytest.raises(RecipeError, match="CLIP's image towers"):
        registry.build(EncoderSpec(name="vit_tiny_patch16_224", pooling="projection"))


def test_the_grid_uses_the_recipes_encoders() -> None:
    wanted = encoders()
    for name, raw in grid.load("s5-grid").encoders.items():
        assert EncoderSpec.model_validate(raw) == wanted[name]
