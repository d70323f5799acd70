"""``graticule export``: the image side as one file, and a copy in eight bits with its loss."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bundles import BLUE, GREEN, RED, make_gallery_bundle, photo
from graticule.calibration import Calibration
from graticule.cli.app import main
from graticule.encoders.onnx import OnnxGraph
from graticule.systems.bundle import Bundle, Manifest


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery model whose encoder has a matrix product, calibrated."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    folder = make_gallery_bundle(tmp_path_factory.mktemp("wide") / "wide")
    graph = onnx.load(folder / "encoder.onnx")
    matrix = np.eye(3, dtype=np.float32) * 0.9 + 0.03
    graph.graph.node[-1].output[0] = "means"
    graph.graph.node.append(helper.make_node("MatMul", ["means", "matrix"], ["embedding"]))
    tensor = helper.make_tensor("matrix", TensorProto.FLOAT, (3, 3), matrix.ravel())
    graph.graph.initializer.append(tensor)
    onnx.save(graph, folder / "encoder.onnx")
    Calibration(calibrated=True).save(folder / "calibration.json")
    about = json.loads((folder / "system.json").read_text("utf-8"))
    Bundle.seal(folder, Manifest.model_validate(about))
    return folder


def test_the_image_side_is_one_file_that_runs(
    wide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wide.onnx"
    code, out, _ = run(capsys, "export", wide, "-o", file)
    assert code == 0
    assert "pixels_0 uint8 (n, 32, 32, 3) → embedding" in out
    pixels = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 3), np.uint8)
    found = OnnxGraph(file)(pixels_0=pixels)["embedding"]
    assert np.array_equal(found, OnnxGraph(wide / "encoder.onnx")(pixels_0=pixels)["embedding"])

    small = tmp_path / "small.onnx"
    assert run(capsys, "export", wide, "--int8", "-o", small)[0] == 0
    near = OnnxGraph(small)(pixels_0=pixels)["embedding"]
    assert not np.array_equal(found, near)
    assert np.allclose(found, near, atol=0.02)


def test_a_copy_in_eight_bits_says_what_it_lost(
    wide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE)):
        photo(tmp_path / "photos" / f"{name}.png", colour)
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no photo")
    small = tmp_path / "small"
    code, _, err = run(
        capsys, "export", wide, "--int8", "--photos", tmp_path / "photos", "-o", small
    )
    assert code == 0, err
    assert "on 3 photos the likeliest place is the same in 100.0%" in err
    about = json.loads((small / "system.json").read_text("utf-8"))
    assert about["provenance"]["int8_loss"]["photos"] == 3
    assert about["provenance"]["int8_loss"]["top_1"] == 1.0
    card = (small / "MODEL_CARD.md").read_text("utf-8")
    assert "on 3 photos" in card
    assert "**Not calibrated**" in card
    code, out, _ = run(
        capsys, "locate", tmp_path / "photos" / "green.png", "-m", small, "-f", "json"
    )
    assert code == 0
    answer = json.loads(out)
    assert answer["countries"][0]["code"] == "IN"
    assert answer["model"]["name"] == "colour-gallery-int8"
    assert not answer["model"]["calibrated"], "its calibration was of another encoder"


def test_wrong_use_is_one_line(
    wide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").mkdir()
    for words, said in (
        (("-o", tmp_path / "folder"), "ends in .onnx, or add --int8"),
        (("--int8", "-o", tmp_path / "there"), "exists"),
        (("--int8", "--photos", "x", "-o", tmp_path / "a.onnx"), "give a folder"),
    ):
        code, _, err = run(capsys, "export", wide, *words)
        assert code == 1
        assert said in err
        assert len(err.strip().splitlines()) == 1
    code, _, err = run(capsys, "export", "geoclip", "-o", tmp_path / "g.onnx")
    assert code == 1
    assert "graticule models get geoclip" in err
