"""S2 from a recipe to a bundle, and what the bundle answers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("sklearn")

from PIL import Image  # noqa: E402

from graticule import sphere  # noqa: E402
from graticule.errors import GraticuleError, RecipeError  # noqa: E402
from graticule.locate import teach as teaching  # noqa: E402
from graticule.locate.locator import Locator  # noqa: E402
from graticule.photos.manifest import Manifest  # noqa: E402
from graticule.photos.photo import open_photo  # noqa: E402
from graticule.refine.prototypes import Prototypes  # noqa: E402
from graticule.systems.bundle import Bundle  # noqa: E402
from graticule.systems.registry import load_system  # noqa: E402
from graticule.training import recipe as recipes  # noqa: E402
from graticule.training import run  # noqa: E402
from toy import CITIES, cities_recipe, make_photos  # noqa: E402

CPU = run.Options(device="cpu", workers=0)
SETTINGS = {
    "region": "",
    "cells": {"kind": "s2", "min": 2, "max": 20},
    "groups": {"alpha": 0.0},
    "top": {"k": 5, "merge_km": 75},
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("s2")
    manifest = make_photos(folder / "photos")
    phases = [{"epochs": 8, "learn": "all", "learning_rate": 0.003}]
    raw = cities_recipe(
        system="semantic_cells", settings=SETTINGS, phases=phases, loss={"kind": "haversine"}
    )
    return run.train(recipes.parse(raw, "toy"), manifest, folder / "b", CPU).path, manifest


def test_the_points_of_the_bundle_are_places_of_photos(bundle: tuple[Path, Path]) -> None:
    system = load_system(bundle[0])
    files = sorted(bundle[1].parent.glob("*.png"))
    said = system.predict([np.stack([system.inputs[0](open_photo(f).image) for f in files])])
    assert said.points is not None
    truth = np.array([CITIES[i % 3][2] for i in range(len(files))])
    assert (sphere.haversine(said.points, truth) < 25).mean() > 0.8
    assert {"climate", "road_side", "script"} <= set(said.labels)
    assert (bundle[0] / "prototypes.safetensors").is_file()


def test_all_photos_at_one_monument_are_named_in_one_line(tmp_path: Path) -> None:
    manifest = make_photos(tmp_path / "photos")
    lines = manifest.read_text(encoding="utf-8").splitlines()
    at_one = [lines[0]]
    for line in lines[1:]:
        name, _, _, *rest = line.split(",")
        at_one.append(",".join([name, "27.1751", "78.0421", "IN", *rest[1:]]))
    manifest.write_text("\n".join(at_one) + "\n", encoding="utf-8")
    raw = cities_recipe(system="semantic_cells", settings=SETTINGS)
    with pytest.raises(RecipeError, match="would tell one cells apart from nothing"):
        run.train(recipes.parse(raw, "toy"), manifest, tmp_path / "b", CPU)


def test_labels_shared_by_alike_cells_and_offsets_make_a_bundle(tmp_path: Path) -> None:
    manifest = make_photos(tmp_path / "photos")
    settings = SETTINGS | {
        "cells": {"kind": "s2", "min": 2, "max": 5},
        "groups": {"alpha": 0.5, "label_mass": 0.2},
        "refine": {"how": "offset"},
    }
    raw = cities_recipe(system="semantic_cells", settings=settings, loss={"kind": "haversine"})
    made = run.train(recipes.parse(raw, "toy"), manifest, tmp_path / "b", CPU)
    assert not made.has("prototypes.safetensors")
    assert made.has("offsets.safetensors")
    assert not any("before" in name for name in made.manifest.files)
    answer = Locator(made.path).locate(manifest.parent / "000.png", always_answer=True)[0]
    assert answer.point is not None


def test_a_place_is_taught_without_photos_of_elsewhere(
    bundle: tuple[Path, Path], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    shown = []
    for i in range(6):
        pixels = rng.integers(0, 60, (48, 64, 3)) + np.array([150, 150, 20])
        shown.append(tmp_path / f"{i}.png")
        Image.fromarray(pixels.astype(np.uint8)).save(shown[-1])
    copy = teaching.copy(bundle[0], tmp_path / "own")
    teaching.teach(copy, "Hampi", [str(p) for p in shown[:4]], at=(15.335, 76.46))
    answer = Locator(copy).locate(shown[5], always_answer=True)[0]
    assert "Hampi" in {city.name for city in answer.cities}
    assert "taught:Hampi" in {cell.id for cell in answer.cells}
    before = Locator(bundle[0]).locate(bundle[1].parent / "000.png", always_answer=True)[0]
    after = Locator(copy).locate(bundle[1].parent / "000.png", always_answer=True)[0]
    assert before.point == after.point


def test_prototypes_of_another_encoder_are_named(bundle: tuple[Path, Path], tmp_path: Path) -> None:
    copy = teaching.copy(bundle[0], tmp_path / "own")
    file = copy / "prototypes.safetensors"
    stored = Prototypes.load(file)
    short = dataclasses.replace(
        stored, vectors=stored.vectors[:, :7], photo_vectors=stored.photo_vectors[:, :7]
    )
    short.save(file)
    Bundle.seal(copy, Bundle(bundle[0]).manifest)
    with pytest.raises(GraticuleError, match="they are of another encoder"):
        Locator(copy).locate(bundle[1].parent / "000.png")


@pytest.mark.slow
def test_vit_b16_trains_on_the_planet(planet: Manifest, tmp_path: Path) -> None:
    pytest.importorskip("timm")
    lines = planet.path.read_text(encoding="utf-8").splitlines()
    table = planet.path.with_name("few.csv")
    table.write_text("\n".join(lines[:25]) + "\n", encoding="utf-8")
    recipe = recipes.load(
        "s2-world",
        [
            "encoder.pretrained=false",
            "settings.cells={kind: s2, min: 1, max: 6}",
            "phases=[{epochs: 2, learn: 0.05, learning_rate: 0.0001}]",
            "batch_size=8",
        ],
    )
    made = run.train(recipe, table, tmp_path / "vit", CPU)
    assert made.manifest.provenance["networks"]["cells"]["encoder"] == "vit_base_patch16_224"
    assert made.manifest.provenance["networks"]["cells"]["epochs"] == 2
    answer = Locator(made.path).locate(planet.file(lines[1].split(",")[0]), always_answer=True)[0]
    assert answer.error is None
    assert answer.point is not None


def test_an_answer_has_the_points_place_and_a_radius(bundle: tuple[Path, Path]) -> None:
    locator = Locator(bundle[0])
    answer = locator.locate(bundle[1].parent / "000.png", always_answer=True)[0]
    assert answer.point is not None
    assert answer.radius_km
    assert answer.countries
    # Under evidence the point comes from the belief, which holds nothing outside it.
    told = locator.locate(bundle[1].parent / "000.png", countries=["JP"], always_answer=True)[0]
    assert told.point is not None
    assert sphere.haversine((told.point.lat, told.point.lon), CITIES[1][2]) < 200
