"""S2 from a recipe to a bundle, and what the bundle answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("sklearn")

from graticule import sphere  # noqa: E402
from graticule.locate.locator import Locator  # noqa: E402
from graticule.photos.photo import open_photo  # noqa: E402
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
