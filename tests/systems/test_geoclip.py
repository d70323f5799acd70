"""A gallery as a model: the base install runs it; the making of it needs the extra."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import graticule
from bundles import BLUE, GREEN, PLACES, RED, SIZE, make_gallery_bundle, picture
from graticule.belief import Belief
from graticule.calibration import Calibration
from graticule.errors import BundleError
from graticule.systems.bundle import Bundle, Manifest
from graticule.systems.geoclip import GeoClip


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gallery_bundle(tmp_path_factory.mktemp("gallery") / "bundle")


def pixels() -> np.ndarray:
    crops = [picture(c, size=(SIZE, SIZE)) for c in (RED, GREEN, BLUE)]
    return np.stack([np.asarray(crop) for crop in crops])


def test_each_photo_finds_its_point(bundle: Path) -> None:
    said = GeoClip(Bundle(bundle)).predict([pixels()])
    belief = said.beliefs["gallery"]
    assert belief.log_p.argmax(axis=1).tolist() == [0, 1, 2]
    assert np.allclose(belief.p.sum(axis=1), 1, atol=1e-5)


def test_the_belief_is_the_softmax_of_the_scaled_similarities(bundle: Path) -> None:
    system = GeoClip(Bundle(bundle))
    said = system.predict([pixels()])
    vectors = np.load(bundle / "gallery.npy")
    logits = 30.0 * said.embedding @ vectors.T
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(said.beliefs["gallery"].p, expected, atol=1e-5)


def test_it_answers_with_names_a_prior_and_the_word_uncalibrated(bundle: Path) -> None:
    answer = graticule.load(bundle).locate(picture(GREEN))[0]
    assert answer.point is not None
    assert answer.countries[0].code == "IN"
    assert answer.model is not None
    assert not answer.model.calibrated
    limited = graticule.load(bundle).locate(picture(GREEN), countries=["FR"])[0]
    assert limited.countries[0].code == "FR"
    assert limited.countries[0].probability == pytest.approx(1.0, abs=1e-3)


def test_density_gives_a_lonely_point_more(bundle: Path) -> None:
    system = GeoClip(Bundle(bundle))
    flat = Belief.from_logits(system.partitions["gallery"], np.zeros((1, 3)))
    p = Calibration(density={"gallery": 1.0}).temper("gallery", flat).p[0]
    areas = system.partitions["gallery"].areas_km2
    assert np.allclose(p, areas / areas.sum(), rtol=1e-4)


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (np.zeros((2, 3), np.float32), "gallery of 3 points"),
        (np.zeros((3, 3), np.float64), "float64"),
        (np.zeros(3, np.float32), "gallery of 3 points"),
    ],
)
def test_vectors_that_are_not_the_gallerys_are_refused(
    bundle: Path, tmp_path: Path, vectors: np.ndarray, words: str
) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(bundle, folder)
    np.save(folder / "gallery.npy", vectors)
    Bundle.seal(folder, _manifest(bundle))
    with pytest.raises(BundleError, match=words):
        GeoClip(Bundle(folder))


def test_a_gallery_of_another_model_is_refused(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(bundle, folder)
    np.save(folder / "gallery.npy", np.ones((len(PLACES), 5), np.float32))
    Bundle.seal(folder, _manifest(bundle))
    with pytest.raises(BundleError, match="both must come from one model"):
        GeoClip(Bundle(folder)).predict([pixels()])


def _manifest(bundle: Path) -> Manifest:
    return Manifest.model_validate(json.loads((bundle / "system.json").read_text("utf-8")))
