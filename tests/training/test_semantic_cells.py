"""S2 from a recipe to a bundle, and what the bundle answers."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import shapely

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("sklearn")

from PIL import Image  # noqa: E402

import s2_plan  # noqa: E402
from graticule import atlas, sphere  # noqa: E402
from graticule.cells.places import extents_km  # noqa: E402
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
from toy import CITIES, Cities, cities_recipe, make_photos  # noqa: E402

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


#: Where districts lie.
INDIA: Cities = (
    ("Jaipur", "IN", (26.92, 75.79), (200, 60, 60)),
    ("Chennai", "IN", (13.08, 80.27), (60, 180, 70)),
    ("Kolkata", "IN", (22.57, 88.36), (60, 80, 200)),
)


@pytest.fixture(scope="module")
def india(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("s2-india")
    manifest = make_photos(folder / "photos", cities=INDIA)
    raw = cities_recipe(
        system="semantic_cells",
        settings={
            "region": "IN",
            "boundaries": "regions",
            "cells": {"kind": "semantic", "min": 6, "max": 20},
        },
        phases=[{"epochs": 8, "learn": "all", "learning_rate": 0.003}],
        loss={"kind": "haversine"},
    )
    return run.train(recipes.parse(raw, "toy-india"), manifest, folder / "b", CPU).path, manifest


def test_wide_cells_of_india_name_state_and_district(india: tuple[Path, Path]) -> None:
    cells = Bundle(india[0]).partition("cells")
    assert (extents_km(cells) > 100).all()
    places = [("Rajasthan", "Jaipur"), ("Tamil Nadu", "Chennai"), ("West Bengal", "Kolkata")]
    locator = Locator(india[0])
    for number in range(3):
        photo = india[1].parent / f"{number:03d}.png"
        answer = locator.locate(photo, always_answer=True)[0]
        assert answer.point is not None
        assert answer.radius_km
        assert (answer.regions[0].name, answer.districts[0].name) == places[number]
        assert 0.5 < answer.regions[0].probability < 1
        assert sum(place.probability for place in answer.regions) <= 1.001


def districts_about(file: Path) -> Path:
    """The atlas's districts within some 150 km of the towns of :data:`INDIA`, as GeoJSON."""
    towns = shapely.MultiPoint([(lon, lat) for _, _, (lat, lon), _ in INDIA])
    features = [
        {
            "type": "Feature",
            "properties": {"id": d.code, "name": d.name, "country": "IN", "region": d.region},
            "geometry": shapely.geometry.mapping(d.polygon),
        }
        for d in atlas.districts()
        if shapely.dwithin(d.polygon, towns, 1.5)
    ]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return file


@pytest.mark.parametrize("districts", ["some", pytest.param("all", marks=pytest.mark.slow)])
def test_the_recipe_that_ships_names_state_and_district(districts: str, tmp_path: Path) -> None:
    manifest = make_photos(tmp_path / "photos", 120, size=32, cities=INDIA)
    head, *lines = manifest.read_text(encoding="utf-8").splitlines()
    signs = ("RSRTC", "MTC", "WBTC")
    rows = [f"{line},{signs[i % 3] if i % 2 else ''}" for i, line in enumerate(lines)]
    manifest.write_text("\n".join([f"{head},bus sign", *rows]) + "\n", encoding="utf-8")
    changes = [
        "encoder={name: tiny, preprocess: {size: 32, resize: squash}}",
        "settings.cells.min=15",
        "settings.attributes=[climate, script, language, landmark, bus sign]",
    ]
    if districts == "some":
        changes.append(f"settings.boundaries={districts_about(tmp_path / 'some.geojson')}")
    made = run.train(recipes.load("s2-india", changes), manifest, tmp_path / "b", CPU)
    assert made.partition("cells").kind == "semantic"
    assert set(made.manifest.settings["attributes"]) == {
        "climate", "script", "language", "column:bus sign"
    }  # fmt: skip
    locator, right = Locator(made.path), 0
    places = [("Rajasthan", "Jaipur"), ("Tamil Nadu", "Chennai"), ("West Bengal", "Kolkata")]
    for number in range(18, 30):
        photo = manifest.parent / f"{number:03d}.png"
        answer = locator.locate(photo, always_answer=True)[0]
        assert answer.point is not None
        assert answer.radius_km
        assert answer.hypotheses[0].point == answer.point
        found = (answer.regions[0].name, answer.districts[0].name)
        right += found == places[number % 3]
    assert right >= 10


def test_evidence_that_rules_nothing_out_changes_nothing(india: tuple[Path, Path]) -> None:
    locator = Locator(india[0])
    photos = sorted(india[1].parent.glob("*.png"))[:12]
    plain = locator.locate(images=photos, always_answer=True)
    told = locator.locate(images=photos, countries=["IN"], always_answer=True)
    for before, after in zip(plain, told, strict=True):
        assert after.point == before.point
        assert after.radius_km == before.radius_km
        assert after.hypotheses == before.hypotheses


def test_hypotheses_far_apart_are_told(bundle: tuple[Path, Path]) -> None:
    # A whole hedge of colours: half Paris, half Tokyo.
    mean = np.array([np.array(c[3]) for c in CITIES[:2]]).mean(axis=0)
    rng = np.random.default_rng(0)
    system = load_system(bundle[0])
    # The most doubtful of some mixtures: its two answers stand beside each other.
    pixels = [
        np.clip(rng.integers(0, 60, (32, 32, 3)) + mean * share, 0, 255).astype(np.uint8)
        for share in np.linspace(0.3, 1.0, 12)
    ]
    said = system.predict([np.stack(pixels)])
    assert said.hypotheses is not None
    assert said.points is not None
    np.testing.assert_array_equal(said.hypotheses.points[:, 0], said.points)
    doubtful = int(said.beliefs["cells"].entropy.argmax())
    answer = Locator(bundle[0]).locate(Image.fromarray(pixels[doubtful]), always_answer=True)[0]
    assert len(answer.hypotheses) > 1
    assert answer.hypotheses[0].point == answer.point
    assert sum(one.probability for one in answer.hypotheses) <= 1.001
    first, second = answer.hypotheses[:2]
    away = sphere.haversine(
        (first.point.lat, first.point.lon), (second.point.lat, second.point.lon)
    )
    assert away > 75


def test_a_bundle_from_before_photos_were_counted_still_answers(
    india: tuple[Path, Path], tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    copy = shutil.copytree(india[0], tmp_path / "old")
    file = copy / "partitions" / "cells.parquet"
    table = pq.ParquetFile(file).read()
    counted = [name for name in table.column_names if name.startswith("photos:")]
    assert counted == ["photos:regions", "photos:districts"]
    pq.write_table(table.drop_columns(counted), file)
    Bundle.seal(copy, Bundle(india[0]).manifest)
    answer = Locator(copy).locate(india[1].parent / "000.png", always_answer=True)[0]
    assert answer.point is not None
    assert answer.regions == answer.districts == ()


def test_only_training_photos_are_counted() -> None:
    table = s2_plan.rows()
    validation = np.arange(len(table)) % 4 == 2
    split = dataclasses.replace(table, train=table.train & ~validation, validation=validation)
    held = split.validation | split.test
    moved = np.where(held[:, None], table.latlon + 2.0, table.latlon)
    found = []
    for places in (table.latlon, moved):
        rows = dataclasses.replace(split, latlon=places)
        _, outcome = s2_plan.carried_out(rows)
        found.append(run.tallied(outcome, rows).partitions["cells"].tallies)
    assert set(found[0]) == {"regions", "districts"}
    for kind, tally in found[0].items():
        assert tally.photos.sum() == split.train.sum()
        for name in ("cells", "units", "photos"):
            np.testing.assert_array_equal(getattr(tally, name), getattr(found[1][kind], name))


def test_all_photos_at_one_monument_are_named_in_one_line(tmp_path: Path) -> None:
    manifest = make_photos(tmp_path / "photos")
    lines = manifest.read_text(encoding="utf-8").splitlines()
    at_one = [lines[0]]
    for line in lines[1:]:
        name, _, _, *rest = line.split(",")
        at_one.append(",".join([name, "27.1751", "78.0421", "IN", *rest[1:]]))
    manifest.write_text("\n".join(at_one) + "\n", encoding="utf-8")
    raw = cities_recipe(system="semantic_cells", settings=SETTINGS)
    with pytest.raises(RecipeError, match=r"one label for cells .*nothing to tell it from"):
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
    copy = shutil.copytree(bundle[0], tmp_path / "own")
    teaching.teach(copy, "Hampi", [str(p) for p in shown[:4]], at=(15.335, 76.46))
    answer = Locator(copy).locate(shown[5], always_answer=True)[0]
    assert "Hampi" in {city.name for city in answer.cities}
    assert "taught:Hampi" in {cell.id for cell in answer.cells}
    before = Locator(bundle[0]).locate(bundle[1].parent / "000.png", always_answer=True)[0]
    after = Locator(copy).locate(bundle[1].parent / "000.png", always_answer=True)[0]
    assert before.point == after.point
    assert answer.hypotheses[0].point == answer.point
    # All that it knows, as evidence: nothing is ruled out, and nothing changes.
    lands = ["FR", "JP", "GB", "IN"]
    for told, photo in [(answer, shown[5]), (after, bundle[1].parent / "000.png")]:
        same = Locator(copy).locate(photo, countries=lands, always_answer=True)[0]
        assert (same.point, same.hypotheses) == (told.point, told.hypotheses)


def test_prototypes_of_another_encoder_are_named(bundle: tuple[Path, Path], tmp_path: Path) -> None:
    copy = shutil.copytree(bundle[0], tmp_path / "own")
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
    # Under evidence the point is of a photo that it leaves.
    told = locator.locate(bundle[1].parent / "000.png", countries=["JP"], always_answer=True)[0]
    assert told.point is not None
    assert sphere.haversine((told.point.lat, told.point.lon), CITIES[1][2]) < 25
