"""A tiny model that tells colours apart: red is Paris, green Delhi, blue Rio, black indoors.

Its answers can be told in advance, and it needs a millisecond, so tests of the engine need no
trained model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.calibration import Calibration
from graticule.cells.cities import cities
from graticule.cells.countries import countries
from graticule.cells.gallery import gallery
from graticule.photos.preprocess import Preprocess
from graticule.systems.bundle import Bundle, Manifest

SIZE = 32
#: City → its centre and its colour.
PLACES = {
    "FR:Paris": ((48.86, 2.35), (220, 30, 30)),
    "IN:Delhi": ((28.61, 77.21), (30, 220, 30)),
    "BR:Rio de Janeiro": ((-22.91, -43.17), (30, 30, 220)),
}
#: Scene → the colour that means it.
SCENES = {
    "city": (220, 30, 30),
    "nature": (30, 220, 30),
    "coast": (30, 30, 220),
    "indoor": (0, 0, 0),
}
RED, GREEN, BLUE = (place[1] for place in PLACES.values())
BLACK, GREY = (0, 0, 0), (93, 93, 93)


def make_bundle(
    folder: Path, fitted: Calibration | None = None, *, point_task: str = "cities"
) -> Path:
    """Write the bundle into ``folder`` and return it."""
    onnx = pytest.importorskip("onnx")
    folder.mkdir(parents=True, exist_ok=True)
    places = cities({name: place for name, (place, _) in PLACES.items()}, counts=[30, 20, 10])
    lands = countries([name[:2] for name in PLACES])
    (folder / "partitions").mkdir()
    places.to_parquet(folder / "partitions" / "cities.parquet")
    lands.to_parquet(folder / "partitions" / "countries.parquet")
    of_city = [colour for _, colour in PLACES.values()]
    of_land = [of_city[[name[:2] for name in PLACES].index(code)] for code in lands.ids]
    heads = {"cities": of_city, "countries": of_land, "scenes": list(SCENES.values())}
    onnx.save(_encoder(onnx), folder / "encoder.onnx")
    onnx.save(_heads(onnx, heads), folder / "heads.onnx")
    if fitted is not None:
        fitted.save(folder / "calibration.json")
    manifest = Manifest(
        name="colours",
        system="default",
        inputs=(Preprocess(size=SIZE, resize="squash"),),
        point_task=point_task,
        settings={"tasks": ["cities", "countries"], "scenes": list(SCENES)},
        licences=("made by the tests",),
    )
    Bundle.seal(folder, manifest)
    return folder


def make_gallery_bundle(
    folder: Path, scale: float = 30.0, where: Sequence[tuple[float, float]] | None = None
) -> Path:
    """The same colours as a gallery: GeoCLIP's system with three points and an encoder of means.

    Args:
        folder: where to.
        scale: of the logits.
        where: the three points, those of :data:`PLACES` by default.
    """
    onnx = pytest.importorskip("onnx")
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_encoder(onnx), folder / "encoder.onnx")
    onnx.save(_location(onnx), folder / "location.onnx")
    np.save(folder / "gallery.npy", _unit_colours())
    points = gallery(where or [place for place, _ in PLACES.values()])
    points.to_parquet(folder / "partitions" / "gallery.parquet")
    manifest = Manifest(
        name="colour-gallery",
        system="geoclip",
        inputs=(Preprocess(size=SIZE, resize="squash"),),
        point_task="gallery",
        settings={"logit_scale": scale},
    )
    Bundle.seal(folder, manifest)
    return folder


def photo(path: Path, colour: tuple[int, int, int], noise: int = 20, seed: int = 0) -> Path:
    """Write a photo of one colour with a camera's noise, and return its path."""
    picture(colour, noise, seed).save(path)
    return path


def picture(
    colour: tuple[int, int, int], noise: int = 20, seed: int = 0, size: tuple[int, int] = (64, 48)
) -> Image.Image:
    """An image of one colour with a camera's noise."""
    rng = np.random.default_rng(seed)
    grain = rng.integers(-noise, noise + 1, (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.array(colour) + grain, 0, 255).astype(np.uint8))


def _encoder(onnx: object) -> object:
    """Mean colour in 0…1: uint8 (n, SIZE, SIZE, 3) → embedding (n, 3)."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", ["pixels_0"], ["whole"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["whole", "scale"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled", "axes"], ["embedding"], keepdims=0),
    ]
    constants = [
        helper.make_tensor("scale", TensorProto.FLOAT, [], [1 / 255]),
        helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2]),
    ]
    pixels = helper.make_tensor_value_info("pixels_0", TensorProto.UINT8, ["n", SIZE, SIZE, 3])
    out = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 3])
    return _model(helper.make_graph(nodes, "encoder", [pixels], [out], constants))


def _unit_colours() -> np.ndarray:
    colours = np.array([colour for _, colour in PLACES.values()], dtype=np.float32)
    return colours / np.linalg.norm(colours, axis=1, keepdims=True)


def _location(onnx: object) -> object:
    """The colour of the nearest of the three places, shading over: latlon (n, 2) → (n, 3)."""
    from onnx import TensorProto, helper

    at = np.array([place for place, _ in PLACES.values()])
    weight, bias = (2 * at / 100).astype(np.float32), (-(at**2).sum(1) / 100).astype(np.float32)
    nodes = [
        helper.make_node("Gemm", ["latlon", "w", "b"], ["near"], transB=1),
        helper.make_node("Softmax", ["near"], ["share"], axis=1),
        helper.make_node("MatMul", ["share", "colours"], ["mixed"]),
        helper.make_node("LpNormalization", ["mixed"], ["embedding"], axis=1, p=2),
    ]
    constants = [
        helper.make_tensor("w", TensorProto.FLOAT, weight.shape, weight.ravel()),
        helper.make_tensor("b", TensorProto.FLOAT, bias.shape, bias),
        helper.make_tensor("colours", TensorProto.FLOAT, (3, 3), _unit_colours().ravel()),
    ]
    latlon = helper.make_tensor_value_info("latlon", TensorProto.FLOAT, ["n", 2])
    out = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 3])
    return _model(helper.make_graph(nodes, "location", [latlon], [out], constants))


def _heads(onnx: object, heads: dict[str, list[tuple[int, int, int]]]) -> object:
    """For each task, −30·|embedding − colour|² up to a constant: the nearest colour wins."""
    from onnx import TensorProto, helper

    nodes, constants, outputs = [], [], []
    for task, colours in heads.items():
        at = np.array(colours) / 255
        weight, bias = (60 * at).astype(np.float32), (-30 * (at**2).sum(axis=1)).astype(np.float32)
        constants += [
            helper.make_tensor(f"w_{task}", TensorProto.FLOAT, weight.shape, weight.ravel()),
            helper.make_tensor(f"b_{task}", TensorProto.FLOAT, bias.shape, bias),
        ]
        nodes.append(
            helper.make_node("Gemm", ["embedding", f"w_{task}", f"b_{task}"], [task], transB=1)
        )
        outputs.append(helper.make_tensor_value_info(task, TensorProto.FLOAT, ["n", len(colours)]))
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 3])
    return _model(helper.make_graph(nodes, "heads", [embedding], outputs, constants))


def _model(graph: object) -> object:
    from onnx import helper

    # Opset 18 and IR 9: what the oldest ONNX Runtime that pyproject.toml allows reads.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
