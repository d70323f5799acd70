"""S5 end to end on the planet: two encoders fused, trained, saved, and located without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule.photos.manifest import Manifest
from tiny_segmenter import save_segmenter

torch = pytest.importorskip("torch")


def recipe(**changes: object) -> dict[str, object]:
    preprocess = {"size": 32, "resize": "squash"}
    return {
        "name": "s5-small",
        "system": "hybrid",
        "encoder": {"name": "tiny", "preprocess": preprocess},
        "fuse": [
            {"name": "tiny", "pooling": "max", "normalise": "half", "preprocess": {"size": 48}},
            {
                "name": "tiny",
                "normalise": "half",
                "preprocess": preprocess,
                "segmentation": "deeplabv3_mobilenetv2",
                "segmentation_pretrained": False,
            },
            {"name": "tiny", "preprocess": preprocess, "segmentation": "bands.onnx"},
        ],
        "head": {"hidden": [32], "standardise": True},
        "loss": {"kind": "inverse_frequency"},
        "optimizer": "sgd",
        "batch_size": 16,
        "phases": [{"epochs": 5, "learning_rate": 0.05, "schedule": "plateau"}],
        **changes,
    }


@pytest.fixture(scope="module")
def bundle(planet: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from graticule.training.recipe import parse
    from graticule.training.run import Options, train

    folder = tmp_path_factory.mktemp("s5") / "bundle"
    raw = recipe()
    raw["fuse"][2]["segmentation"] = str(folder.parent / "bands.onnx")  # type: ignore[index]
    save_segmenter(folder.parent / "bands.onnx")
    train(parse(raw, "test"), planet.path, folder, Options(workers=0))
    return folder


def test_four_encoders_and_two_inputs_are_in_the_bundle(bundle: Path) -> None:
    from graticule.systems.bundle import Bundle

    manifest = Bundle(bundle).manifest
    assert [p.size for p in manifest.inputs] == [32, 48]
    assert len(manifest.settings["encoders"]) == 4
    assert manifest.settings["networks"]["divisions"]["fused"] == [0, 1, 2, 3]


def test_it_locates_and_says_what_training_saw(bundle: Path, planet: Manifest) -> None:
    import graticule

    photos = [planet.file(name) for name in planet.column("path")[:12]]
    answers = graticule.load(bundle).locate(images=photos, always_answer=True)
    assert all(answer.error is None and answer.point for answer in answers)
    known = set(planet.column("country").tolist())
    assert {answer.countries[0].code for answer in answers} <= known


def test_torch_and_onnx_agree(bundle: Path, planet: Manifest) -> None:
    from graticule.encoders import registry
    from graticule.encoders.fused import joined
    from graticule.encoders.spec import EncoderSpec
    from graticule.photos.photo import open_photo
    from graticule.photos.preprocess import Preprocess
    from graticule.systems.registry import load_system

    system = load_system(bundle)
    image = open_photo(planet.file(str(planet.column("path")[0]))).image
    pixels = [preprocess(image)[None] for preprocess in system.inputs]
    embedding = system.predict(pixels).embedding
    assert embedding.shape == (1, sum(_width(bundle, i) for i in range(4)))
    assert np.isfinite(embedding).all()
    # The segmented part on its own, from its exported weights.
    spec = EncoderSpec(
        name="tiny",
        normalise="half",
        preprocess=Preprocess(size=32, resize="squash"),
        segmentation="deeplabv3_mobilenetv2",
        segmentation_pretrained=False,
    )
    module = registry.build(spec).eval()
    with torch.inference_mode():
        vector = module(torch.from_numpy(np.array(pixels[0]))).numpy()
    assert joined([vector, vector], unit=True).shape[1] == 2 * vector.shape[1]
    np.testing.assert_allclose(np.linalg.norm(joined([vector], unit=True), axis=1), 1, atol=1e-5)


def _width(bundle: Path, number: int) -> int:
    from graticule.encoders.onnx import OnnxGraph
    from graticule.systems.bundle import Bundle

    opened = Bundle(bundle)
    item = opened.manifest.settings["encoders"][number]
    graph = OnnxGraph(opened.file(item["file"]))
    size = opened.manifest.inputs[item["input"]].size
    return int(graph(pixels_0=np.zeros((1, size, size, 3), np.uint8))["embedding"].shape[1])


def test_fusing_what_learns_is_refused() -> None:
    from graticule.errors import RecipeError
    from graticule.training.recipe import parse

    with pytest.raises(RecipeError, match="fused frozen"):
        parse(recipe(phases=[{"epochs": 1, "learn": "all"}]), "test")


def test_voc_colours_by_hand() -> None:
    from graticule.encoders.deeplabv3 import voc_palette

    # Person is class 15: bits 1111, the lowest three in red, green, blue at 128, the fourth at 64.
    assert voc_palette()[15].tolist() == [192, 128, 128]
    assert voc_palette()[0].tolist() == [0, 0, 0]


def test_the_segmentation_network_knows_a_person(shared: Path) -> None:
    from graticule.encoders.segmented import build_segmenter
    from graticule.encoders.spec import EncoderSpec
    from graticule.photos.photo import open_photo

    network = build_segmenter(
        EncoderSpec(
            name="tiny",
            segmentation="deeplabv3_mobilenetv2",
            segmentation_weights=str(shared / "weights/deeplabv3_mobilenetv2_voc.safetensors"),
        )
    )
    photo = open_photo(shared / "photos" / "rally" / "00099.jpg").image.resize((257, 257))
    with torch.inference_mode():
        classes = network(torch.from_numpy(np.array(photo))[None]).argmax(1)
    assert (classes == 15).float().mean() > 0.3


def rows_of(planet: Manifest) -> object:
    from graticule.systems.plan import Rows

    n = len(planet)
    everything, nothing = np.ones(n, bool), np.zeros(n, bool)
    columns = {name: planet.column(name) for name in ("path", "country")}
    return Rows(columns, planet.latlon, everything, nothing, nothing)


@pytest.mark.parametrize("kind", ["countries", "regions", "s2"])
@pytest.mark.parametrize("center", ["polygon", "photos"])
def test_every_division_holds_its_photos(planet: Manifest, kind: str, center: str) -> None:
    from graticule.systems.hybrid import Settings

    cut = Settings.of({"divisions": kind, "center": center, "max_photos": 30})
    partition, target = cut.cut(rows_of(planet))  # type: ignore[arg-type]
    known = target >= 0
    assert known.mean() > 0.8
    np.testing.assert_array_equal(np.bincount(target[known]), partition.counts)
    if kind == "s2":
        assert partition.counts.max() <= 30


def test_a_users_own_borders_are_cut_by(planet: Manifest, tmp_path: Path) -> None:
    import json

    from graticule.systems.hybrid import Settings

    halves = {"GID_1": ["W", "E"], "box": [(-180, 0), (0, 180)]}
    features = [
        {
            "type": "Feature",
            "properties": {"GID_0": "FRA", "GID_1": name, "NAME_1": name},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[a, -90], [b, -90], [b, 90], [a, 90], [a, -90]]],
            },
        }
        for name, (a, b) in zip(halves["GID_1"], halves["box"], strict=True)
    ]
    file = tmp_path / "mine.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    cut = Settings.of({"divisions": "regions", "boundaries": str(file)})
    partition, target = cut.cut(rows_of(planet))  # type: ignore[arg-type]
    assert sorted(partition.ids) == ["E", "W"]
    west = partition.index(["W"])[0]
    lon = planet.latlon[:, 1]
    np.testing.assert_array_equal(target == west, lon < 0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"divisions": "states"}, "countries, regions or s2"),
        ({"center": "mid"}, "polygon or"),
        ({"boundaries": "gadm_0.gpkg"}, "gadm_0.gpkg': only divisions=regions .* not countries"),
        ({"divisions": "s2", "boundaries": "gadm_0.gpkg"}, "not s2"),
    ],
)
def test_unknown_divisions_are_named(settings: dict[str, str], words: str) -> None:
    from graticule.errors import RecipeError
    from graticule.systems.hybrid import Settings

    with pytest.raises(RecipeError, match=words):
        Settings.of(settings)
