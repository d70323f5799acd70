"""CLIP from a folder: both layouts, both sides, and folders that are something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from graticule.encoders import clip, tokenizer  # noqa: E402
from graticule.encoders.onnx import OnnxGraph  # noqa: E402
from graticule.encoders.spec import EncoderSpec  # noqa: E402
from graticule.errors import BundleError, RecipeError  # noqa: E402
from graticule.photos.preprocess import Preprocess  # noqa: E402
from tiny_clip import save_clip, save_whole_clip  # noqa: E402

TEXTS = ["A photo taken in France.", "photo", "A photo taken near Agra in India, by the river."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_whole_clip(tmp_path_factory.mktemp("clips") / "clip")


def reversed_names(state: dict[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    """A hub's tensors under OpenCLIP's names: the other way round from what is tested."""
    out = {theirs: state[ours] for theirs, ours in clip._OUTSIDE.items()}
    out["visual.proj"] = state["visual_projection.weight"].T.contiguous()
    out["text_projection"] = state["text_projection.weight"].T.contiguous()
    for side, prefix in (("vision_model", "visual."), ("text_model", "")):
        for number in range(layers):
            own, block = (
                f"{side}.encoder.layers.{number}",
                f"{prefix}transformer.resblocks.{number}",
            )
            for theirs, ours in clip._BLOCK.items():
                for kind in ("weight", "bias"):
                    out[f"{block}.{theirs}.{kind}"] = state[f"{own}.{ours}.{kind}"]
            for kind in ("weight", "bias"):
                parts = [state[f"{own}.self_attn.{x}_proj.{kind}"] for x in "qkv"]
                out[f"{block}.attn.in_proj_{kind}"] = torch.cat(parts)
    return out


def save_open(folder: Path, target: Path) -> Path:
    """The same CLIP in OpenCLIP's layout."""
    from safetensors.torch import save_file

    target.mkdir()
    model = transformers.CLIPModel.from_pretrained(folder)
    save_file(reversed_names(model.state_dict(), 2), target / "open_clip_model.safetensors")
    vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
    cfg = {
        "embed_dim": 16,
        "quick_gelu": True,
        "vision_cfg": {
            "image_size": 32,
            "layers": 2,
            "width": 32,
            "patch_size": 16,
            "head_width": 16,
            "mlp_ratio": 2.0,
        },
        "text_cfg": {
            "context_length": 77,
            "vocab_size": len(vocabulary),
            "width": 32,
            "heads": 2,
            "layers": 2,
            "mlp_ratio": 2.0,
        },
    }
    (target / "open_clip_config.json").write_text(json.dumps({"model_cfg": cfg}))
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(folder / name, target)
    return target


def test_both_sides_are_those_of_transformers(folder: Path) -> None:
    ours = clip.load(folder)
    theirs = transformers.CLIPModel.from_pretrained(folder).eval()
    pixels, ids = torch.randn(2, 3, 32, 32), torch.from_numpy(ours.pieces(TEXTS))
    with torch.inference_mode():
        out = theirs(pixel_values=pixels, input_ids=ids)
        image = torch.nn.functional.normalize(ours.vision(pixels), dim=1)
        text = torch.nn.functional.normalize(ours.text(ids), dim=1)
    torch.testing.assert_close(image, out.image_embeds, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(text, out.text_embeds, atol=1e-5, rtol=1e-4)
    assert ours.scale == pytest.approx(float(theirs.logit_scale.detach().exp()))
    assert (ours.size, ours.dim) == (32, 16)


def test_reading_says_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip.load(folder)
    assert capsys.readouterr() == ("", "")


def test_openclips_layout_is_the_same_network(folder: Path, tmp_path: Path) -> None:
    ours, theirs = clip.load(save_open(folder, tmp_path / "open")), clip.load(folder)
    pixels, ids = torch.randn(2, 3, 32, 32), torch.from_numpy(theirs.pieces(TEXTS))
    with torch.inference_mode():
        torch.testing.assert_close(ours.vision(pixels), theirs.vision(pixels))
        torch.testing.assert_close(ours.text(ids), theirs.text(ids))


def test_openclips_own_network_gives_the_same_vectors(tmp_path: Path) -> None:
    open_clip = pytest.importorskip("open_clip")
    from safetensors.torch import save_file

    from tiny_clip import write_pieces

    folder = tmp_path / "open"
    vocabulary = write_pieces(folder)
    cfg = {
        "embed_dim": 16,
        "vision_cfg": {
            "image_size": 32,
            "layers": 2,
            "width": 32,
            "patch_size": 16,
            "head_width": 16,
        },
        "text_cfg": {
            "context_length": 77,
            "vocab_size": len(vocabulary),
            "width": 32,
            "heads": 2,
            "layers": 2,
        },
    }
    torch.manual_seed(1)
    theirs = open_clip.CLIP(**cfg).eval()
    save_file(theirs.state_dict(), folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": cfg}))
    ours = clip.load(folder)
    pixels, ids = torch.randn(2, 3, 32, 32), ours.pieces(TEXTS)
    whole = np.full((len(ids), 77), 0)
    whole[:, : ids.shape[1]] = ids
    with torch.inference_mode():
        torch.testing.assert_close(
            ours.vision(pixels), theirs.encode_image(pixels), atol=1e-5, rtol=1e-4
        )
        torch.testing.assert_close(
            ours.text(torch.from_numpy(ids)),
            theirs.encode_text(torch.from_numpy(whole)),
            atol=1e-5,
            rtol=1e-4,
        )


def test_exported_sides_agree_at_any_length(folder: Path, tmp_path: Path) -> None:
    ours = clip.load(folder)
    clip.write(ours, tmp_path)
    pieces = tokenizer.read(tmp_path / "tokenizer.json")
    graph = OnnxGraph(tmp_path / "text.onnx")
    for texts in (TEXTS, ["photo"], ["photo " * 90]):
        ids = pieces(texts)
        with torch.inference_mode():
            own = torch.nn.functional.normalize(ours.text(torch.from_numpy(ids)), dim=1).numpy()
        np.testing.assert_allclose(graph(ids=ids)["embedding"], own, atol=1e-5)


def test_a_recipe_takes_it_as_its_encoder(folder: Path) -> None:
    spec = EncoderSpec(
        name="clip",
        weights=str(folder),
        normalise="clip",
        preprocess=Preprocess(size=32, resize="clip"),
    )
    made = clip.encoder(spec, None)
    assert made(torch.zeros(2, 32, 32, 3, dtype=torch.uint8)).shape == (2, 16)
    other = spec.model_copy(update={"preprocess": Preprocess(size=224, resize="clip")})
    with pytest.raises(BundleError, match=r"takes 32 pixels .* set encoder\.preprocess\.size=32"):
        clip.encoder(other, None)
    with pytest.raises(RecipeError, match="normalise=clip"):
        clip.encoder(spec.model_copy(update={"normalise": "auto"}), None)


def test_folders_that_are_no_clip(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"config\.json: missing; give a folder of CLIP"):
        clip.load(tmp_path)
    with pytest.raises(BundleError, match="say --weights FOLDER"):
        clip.folder_of(EncoderSpec(name="clip"), None)
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "model.safetensors").write_bytes(b"half")
    with pytest.raises(BundleError, match="cannot be read as CLIP weights"):
        clip.load(broken)
    other = save_clip(tmp_path / "other")  # its text side has 99 pieces
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(folder / name, other)
    with pytest.raises(BundleError, match="they are of two models"):
        clip.load(other)
    (other / "vocab.json").unlink()
    with pytest.raises(BundleError, match="no tokenizer there"):
        clip.load(other)
