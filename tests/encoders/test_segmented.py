"""A segmentation network before an encoder: its weights, its mean and spread, and plug-ins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from graticule.encoders import export, frozen, registry, segmented  # noqa: E402
from graticule.encoders.deeplabv3 import voc_palette  # noqa: E402
from graticule.encoders.onnx import OnnxGraph  # noqa: E402
from graticule.encoders.onnx_segmenter import OnnxSegmenter  # noqa: E402
from graticule.encoders.spec import NORMALISATIONS, EncoderSpec  # noqa: E402
from graticule.encoders.split import Split  # noqa: E402
from graticule.errors import GraticuleError, RecipeError  # noqa: E402
from graticule.training import recipe  # noqa: E402
from tiny_segmenter import save_segmenter  # noqa: E402

SMALL = "torchvision/lraspp_mobilenet_v3_large"
SIZE = 32


def spec(**changes: object) -> EncoderSpec:
    return EncoderSpec.model_validate(
        {
            "name": "tiny",
            "normalise": "half",
            "preprocess": {"size": SIZE, "resize": "squash"},
            "segmentation": SMALL,
            **changes,
        }
    )


def pixels(n: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, SIZE, SIZE, 3), dtype=torch.uint8, generator=generator)


def shifted(values: torch.Tensor, normalise: str) -> torch.Tensor:
    """What a network of that normalisation takes for bytes (n, h, w, 3)."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in NORMALISATIONS[normalise])
    return (values.permute(0, 3, 1, 2) / 255 - mean) / std


@pytest.mark.parametrize("download", [False, True])
def test_random_weights_are_refused_unless_asked_for(download: bool) -> None:
    ours = spec(segmentation="deeplabv3_mobilenetv2")
    with pytest.raises(RecipeError, match=r"fuse\.0\.segmentation_weights=FILE") as caught:
        registry.build(ours, download=download, key="fuse.0")
    assert "--download" not in str(caught.value)  # nobody publishes it
    registry.build(ours.model_copy(update={"segmentation_pretrained": False}))
    with pytest.raises(RecipeError, match="add --download"):
        registry.build(spec())


def test_the_shipped_recipe_names_what_it_lacks() -> None:
    shipped = recipe.load("s5-vit-seg").fuse[0]
    bare = shipped.model_copy(update={"pretrained": False})
    with pytest.raises(RecipeError, match=r"deeplabv3_resnet50 has no weights; add --download"):
        registry.build(bare, key="fuse.0")


def test_published_weights_are_fetched_with_their_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import _api as weights_of
    from torchvision.models import get_model

    torch.manual_seed(1)
    published = get_model(SMALL.partition("/")[2], weights=None, weights_backbone=None)
    asked: list[tuple[str, bool]] = []

    def fetch(url: str, *_rest: object, check_hash: bool = False, **_more: object) -> object:
        asked.append((url, check_hash))
        return published.state_dict()

    monkeypatch.setattr(weights_of, "load_state_dict_from_url", fetch)
    found = segmented.build_segmenter(spec(), download=True)
    assert isinstance(found, segmented.Segmenter)
    assert [checked for _, checked in asked] == [True]  # the trunk's own are not fetched beside
    for name, value in found.network.state_dict().items():
        torch.testing.assert_close(value, published.state_dict()[name])


def test_local_weights_are_read_and_not_fetched(tmp_path: Path) -> None:
    from safetensors.torch import save_file
    from torchvision.models import get_model

    torch.manual_seed(2)
    source = get_model(SMALL.partition("/")[2], weights=None, weights_backbone=None)
    save_file(source.state_dict(), tmp_path / "seg.safetensors")
    chosen = spec(segmentation_weights="seg.safetensors")
    found = segmented.build_segmenter(chosen, base=tmp_path, download=True)
    assert isinstance(found, segmented.Segmenter)
    for name, value in found.network.state_dict().items():
        torch.testing.assert_close(value, source.state_dict()[name])


@pytest.mark.parametrize(
    ("changes", "own"),
    [
        ({}, "imagenet"),
        ({"segmentation": "deeplabv3_mobilenetv2"}, "half"),
        ({"segmentation_normalise": "unit"}, "unit"),
    ],
)
@pytest.mark.parametrize("trunks", ["half", "clip"])
def test_segmenter_and_map_have_each_their_own_normalisation(
    changes: dict[str, str], own: str, trunks: str
) -> None:
    torch.manual_seed(0)
    whole = registry.build(spec(normalise=trunks, segmentation_pretrained=False, **changes)).eval()
    seen: dict[str, torch.Tensor] = {}
    segmenter = whole.segmenter
    assert isinstance(segmenter, segmented.Segmenter)
    segmenter.network.register_forward_pre_hook(lambda _, x: seen.update(photo=x[0]))
    whole.backbone.register_forward_pre_hook(lambda _, x: seen.update(map=x[0]))
    with torch.inference_mode():
        found = whole(pixels())
        logits = segmenter(pixels())
    torch.testing.assert_close(seen["photo"], shifted(pixels(), own), rtol=1e-4, atol=1e-5)
    colours = voc_palette()[logits.argmax(1)].float().permute(0, 3, 1, 2)
    full = nn.functional.interpolate(colours, size=(SIZE, SIZE)).permute(0, 2, 3, 1)
    torch.testing.assert_close(seen["map"], shifted(full, trunks), rtol=1e-4, atol=1e-5)
    assert found.shape == (2, whole.dim)


def test_the_segmenter_never_learns_and_is_told_apart() -> None:
    torch.manual_seed(0)
    seen = registry.build(spec(segmentation_pretrained=False))
    torch.manual_seed(0)
    other = registry.build(spec(segmentation_pretrained=False, segmentation_normalise="half"))
    plain = registry.build(spec(segmentation=None))
    seen.train()
    assert seen.segmenter is not None
    assert not any(part.training for part in seen.segmenter.modules())
    assert not any(p.requires_grad for p in seen.segmenter.parameters())
    assert [name for name, _ in seen.layers()] == [name for name, _ in plain.layers()]
    labels = {frozen.from_module(e, e.spec).label for e in (seen, other, plain)}
    assert len(labels) == 3
    halves = [Split(e, ["9", "10"]) for e in (seen, other, plain)]
    assert len({half.label for half in halves}) == 3
    plain.backbone.load_state_dict(seen.backbone.state_dict())
    assert halves[0].weights != halves[2].weights
    seen.eval()
    with torch.inference_mode():
        maps = halves[0].lower(pixels())
        torch.testing.assert_close(halves[0].upper(maps), seen(pixels()))


def test_recipes_are_keyed_as_before_the_later_keys() -> None:
    assert not {"segmentation_pretrained", "segmentation_normalise"} & set(spec().model_dump())
    chosen = spec(segmentation_pretrained=False, segmentation_normalise="half")
    assert EncoderSpec.model_validate(chosen.model_dump(mode="json")) == chosen


def test_unknown_segmentation_networks_are_named() -> None:
    for name, words in {"hrnet9": "an ONNX file", "torchvision/hrnet9": "it has deeplabv3"}.items():
        with pytest.raises(RecipeError, match=words):
            registry.build(spec(segmentation=name, segmentation_pretrained=False))


def test_an_onnx_file_is_a_segmenter_and_goes_into_the_bundle(tmp_path: Path) -> None:
    network = save_segmenter(tmp_path / "bands.onnx", sides=True)
    torch.manual_seed(0)
    whole = registry.build(spec(segmentation="bands.onnx"), base=tmp_path).eval()
    assert isinstance(whole.segmenter, OnnxSegmenter)
    assert whole.segmenter.classes == 5
    with torch.inference_mode():
        logits = network(shifted(pixels(), "imagenet"))
        torch.testing.assert_close(whole.segmenter(pixels()), logits, rtol=1e-4, atol=1e-4)
        wanted = whole(pixels())
    assert len(torch.unique(logits.argmax(1))) > 2
    whole.write(tmp_path / "encoder.onnx")
    graph = OnnxGraph(tmp_path / "encoder.onnx")
    assert (graph.inputs, graph.outputs) == (("pixels_0",), ("embedding",))
    found = graph(pixels_0=pixels().numpy())["embedding"]
    np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-4, atol=1e-5)
    label = frozen.from_module(whole, whole.spec).label
    assert label.startswith("bands.onnx>tiny")
    assert str(tmp_path) not in label


def test_a_graph_of_one_size_gets_that_size(tmp_path: Path) -> None:
    network = save_segmenter(tmp_path / "bands.onnx", size=48, opset_version=15)
    chosen = spec(segmentation=str(tmp_path / "bands.onnx"), segmentation_normalise="half")
    whole = registry.build(chosen).eval()
    large = nn.functional.interpolate(shifted(pixels(), "half"), size=(48, 48), mode="bilinear")
    with torch.inference_mode():
        torch.testing.assert_close(
            whole.segmenter(pixels()),
            network(large),
            rtol=1e-4,
            atol=1e-4,  # type: ignore[misc]
        )
    whole.write(tmp_path / "encoder.onnx")
    assert export.difference(whole, pixels(3), tmp_path / "encoder.onnx") < 1e-4


def test_another_graph_has_another_hash(tmp_path: Path) -> None:
    found = []
    for opset in (16, 17):
        save_segmenter(tmp_path / "bands.onnx", opset_version=opset)
        torch.manual_seed(0)
        whole = registry.build(spec(segmentation=str(tmp_path / "bands.onnx")))
        found.append(frozen.from_module(whole, whole.spec).weights)
    assert found[0] != found[1]


def test_a_graph_that_does_not_fit_is_one_line(tmp_path: Path) -> None:
    class Mean(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3))

    export.export(
        Mean(), torch.zeros(1, 3, SIZE, SIZE), tmp_path / "mean.onnx", input_name="x",
        outputs=("y",),
    )  # fmt: skip
    save_segmenter(tmp_path / "one.onnx", dynamic_axes={})
    save_segmenter(tmp_path / "old.onnx", opset_version=13)
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    for name, words in {
        "mean.onnx": r"it gave \(2, 3\)",
        "one.onnx": "n free",
        "broken.onnx": "not a network",
        "gone.onnx": "no such network",
    }.items():
        with pytest.raises(GraticuleError, match=words) as caught:
            registry.build(spec(segmentation=name), base=tmp_path)
        assert "\n" not in str(caught.value)
    old = registry.build(spec(segmentation="old.onnx"), base=tmp_path)
    with pytest.raises(GraticuleError, match="operator set 13; export it with one of 14 to 20"):
        old.write(tmp_path / "encoder.onnx")
    with pytest.raises(RecipeError, match="holds its weights"):
        registry.build(spec(segmentation="old.onnx", segmentation_weights="w"), base=tmp_path)
