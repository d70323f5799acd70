"""The bundled model: it is whole, small, and answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graticule
from graticule import files
from graticule.locate.locator import find_model
from graticule.scenes import SCENES
from graticule.systems.bundle import Bundle
from graticule.systems.registry import load_system


@pytest.fixture(scope="module")
def folder() -> Path:
    return find_model("mini")


def test_the_whole_bundle_is_at_most_eight_megabytes(folder: Path) -> None:
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) <= 8_000_000


def test_beliefs_sum_to_one_and_cities_sum_to_their_country(folder: Path) -> None:
    system = load_system(folder)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    said = system.predict([pixels])
    countries, cities = said.beliefs["countries"], said.beliefs["cities"]
    np.testing.assert_allclose(countries.p.sum(1), 1, atol=1e-4)
    home = cities.over.parents_in(countries.over)
    total = np.zeros_like(countries.p)
    np.add.at(total.T, home, cities.p.T)
    np.testing.assert_allclose(total, countries.p, atol=1e-4)
    assert said.scenes is not None
    assert said.scenes.over.ids == SCENES


def test_a_flat_picture_gets_no_point() -> None:
    answer = graticule.load().locate(np.full((300, 400, 3), 240, np.uint8))[0]
    assert answer.abstained
    assert answer.point is None
    assert answer.countries


def test_the_card_has_coverage_sources_and_countries(folder: Path) -> None:
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    for heading in ("## Data", "### By source", "### By country", "nominal against measured"):
        assert heading in card


def test_nothing_in_the_bundle_names_a_folder_of_its_makers(folder: Path) -> None:
    for file in folder.glob("*.[jm]*"):
        text = file.read_text(encoding="utf-8")
        assert "/work" not in text
        assert "/root" not in text


def test_claims_can_be_verified_out_of_the_box() -> None:
    from graticule.locate.claims import parse
    from graticule.locate.engine import Engine
    from graticule.locate.verify import Item, Verifier

    verifier = Verifier(Engine(find_model("mini")))
    grey = np.random.default_rng(0).integers(90, 160, (300, 400, 3), dtype=np.uint8)
    found = next(iter(verifier.verify([Item(grey, "grey", parse("Lviv, Ukraine"))])))
    assert found.verdict in {"agrees", "can't tell", "contradicts"}
    assert found.likelihood_ratio is not None
    for rate, limits in verifier.verdicts.rates.items():
        assert limits.false_alarm <= rate / 100


def test_the_recorded_figures_of_verify_are_of_the_model_that_ships(folder: Path) -> None:
    results = Path(__file__).parents[2] / "results" / "verify.json"
    recorded = files.read_json(results).get("model")
    if recorded is None:
        pytest.xfail(f"{results.name} was written before bench/verify.py named the model in it")
    bundle = Bundle(folder)
    assert recorded["version"] == bundle.manifest.version
    assert recorded["sha256"] == bundle.sha256, "run bench/verify.py: mini has changed since"
