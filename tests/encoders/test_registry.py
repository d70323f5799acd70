"""Encoders by name: built, frozen by share, exported, and the same in ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from graticule.encoders import export, frozen, registry, weights  # noqa: E402
from graticule.encoders.spec import EncoderSpec  # noqa: E402
from graticule.errors import GraticuleError, RecipeError  # noqa: E402

DIMS = {
    "efficientnet_b0": 1280,
    "resnet50": 2048,
    "mobilenetv2_100": 1280,
    "mobilenetv2": 1280,
    "resnet50v2": 2048,
    "resnet50v2_stage3": 1024,
    "tiny": 64,
}


def spec(name: str, **changes: object) -> EncoderSpec:
    return EncoderSpec.model_validate(
        {"name": name, "preprocess": {"size": 64, "resize": "squash"}} | changes
    )


def pixels(n: int = 2, size: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, size, size, 3), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("name", sorted(DIMS))
def test_builds_and_says_the_same_in_onnx(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = registry.build(spec(name)).eval()
    file = tmp_path / "e.onnx"
    export.export(encoder, pixels(), file, input_name="pixels_0", outputs=("embedding",))
    assert encoder.dim == DIMS[name]
    assert encoder(pixels(3)).shape == (3, DIMS[name])
    assert export.difference(encoder, pixels(5), file) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("inception_v3", {"preprocess": {"size": 299, "resize": "squash"}}),
        ("vgg16", {"pooling": "flatten", "preprocess": {"size": 224, "resize": "squash"}}),
        ("vit_base_patch16_224", {"pooling": "token", "preprocess": {"size": 224}}),
    ],
)
def test_the_large_families_build_and_export(
    name: str, changes: dict[str, object], tmp_path: Path
) -> None:
    encoder = registry.build(spec(name, **changes)).eval()
    size = encoder.spec.preprocess.size
    file = tmp_path / "e.onnx"
    example = pixels(1, size)
    export.export(encoder, example, file, input_name="pixels_0", outputs=("embedding",))
    # At random, without statistics, Inception's activations grow to 1e10 and more.
    with torch.inference_mode():
        largest = max(1.0, float(encoder(example).abs().max()))
    assert export.difference(encoder, example, file) < 1e-4 * largest
    assert encoder.dim == {"vgg16": 512 * 49, "inception_v3": 2048}.get(name, 768)


def test_torchvision_fills_what_timm_lacks() -> None:
    encoder = registry.build(spec("torchvision/squeezenet1_1")).eval()
    assert encoder(pixels()).shape == (2, encoder.dim) == (2, 512)


def test_normalisation_is_inside() -> None:
    torch.manual_seed(0)
    half = registry.build(spec("tiny", normalise="half")).eval()
    torch.manual_seed(0)
    unit = registry.build(spec("tiny", normalise="unit")).eval()
    x = pixels()
    wanted = half.backbone((x.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5).mean((2, 3))
    torch.testing.assert_close(half(x), wanted, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(half(x), unit(x), atol=1e-3)


def test_the_top_share_counts_from_the_top_and_rounds_up() -> None:
    encoder = registry.build(spec("efficientnet_b0"))
    names = [name for name, _ in encoder.layers()]
    top = encoder.top_layers(0.3)
    assert top == names[-len(top) :]
    assert len(top) == int(np.ceil(0.3 * len(names)))


@pytest.mark.parametrize(
    ("name", "words"),
    [("efficientnet-b0", "did you mean 'efficientnet_b0'"), ("torchvision/no", "torchvision has")],
)
def test_an_unknown_name_is_named(name: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        registry.build(spec(name))


def test_nothing_is_fetched_without_being_asked() -> None:
    with pytest.raises(RecipeError, match="--download"):
        registry.build(spec("resnet50", pretrained=True))


def test_weights_come_back_from_safetensors_and_pth(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(1)
    source = registry.build(spec("tiny"))
    state = source.backbone.state_dict()
    save_file(state, tmp_path / "w.safetensors")
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    for name in ("w.safetensors", "w.pth"):
        copy = registry.build(spec("tiny", weights=name), base=tmp_path)
        assert weights.digest(copy) == weights.digest(source)
    assert weights.digest(registry.build(spec("tiny"))) != weights.digest(source)


def test_bad_weights_are_one_line(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state = registry.build(spec("tiny")).backbone.state_dict()
    cut = {k: v for k, v in state.items() if not k.startswith("0.")}
    save_file(cut, tmp_path / "cut.safetensors")
    save_file(state | {"0.weight": torch.zeros(1, 2)}, tmp_path / "shape.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"123")
    torch.save({"x": Path}, tmp_path / "code.pth")
    for name, words in {
        "cut.safetensors": "encoder.partial=true",
        "shape.safetensors": "another encoder",
        "broken.safetensors": "broken weights",
        "code.pth": "weights alone",
        "gone.pth": "no such file",
    }.items():
        with pytest.raises(GraticuleError, match=words) as caught:
            registry.build(spec("tiny", weights=name), base=tmp_path)
        assert "\n" not in str(caught.value)
    registry.build(spec("tiny", weights="cut.safetensors", partial=True), base=tmp_path)
    with pytest.raises(GraticuleError, match="SHA-256"):
        registry.build(spec("tiny", weights="cut.safetensors", sha256="0" * 64), base=tmp_path)


def test_the_development_trunks_load(shared: Path) -> None:
    folder = shared / "weights"
    mobile = registry.build(
        spec("mobilenetv2", weights=str(folder / "mobilenetv2_imagenet.safetensors"))
    ).eval()
    with torch.inference_mode():
        values = mobile.backbone((pixels().permute(0, 3, 1, 2) / 255 - 0.45) / 0.22)
    assert values.min() >= 0
    assert values.max() <= 6
    file = str(folder / "resnet50v2_stages123_imagenet.safetensors")
    cut = registry.build(spec("resnet50v2_stage3", weights=file)).eval()
    whole = registry.build(spec("resnet50v2", weights=file, partial=True)).eval()
    torch.testing.assert_close(
        whole.backbone.stage3[5].conv3.weight, cut.backbone.stage3[5].conv3.weight
    )
    torch.testing.assert_close(
        whole.backbone.stage4[0].bn1.running_mean, cut.backbone.final_bn.running_mean
    )


def test_a_frozen_encoder_goes_through_the_cache(tmp_path: Path) -> None:
    from toy import make_photos

    make_photos(tmp_path / "p", 6)
    paths = sorted((tmp_path / "p").glob("*.png"))
    torch.manual_seed(0)
    encoder = frozen.from_module(registry.build(spec("tiny")), spec("tiny"))
    found = encoder.vectors(paths, tmp_path / "f", batch=4)
    assert found.shape == (6, 64)
    assert np.isfinite(found).all()
