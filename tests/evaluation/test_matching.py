"""Nothing is dropped in silence, and coordinates that look wrong are said to."""

from __future__ import annotations

import numpy as np
import pytest

from graticule import sphere
from graticule.errors import GraticuleError
from graticule.evaluation.matching import match, suspicions
from graticule.evaluation.predictions import Predictions


def test_missing_doubled_and_extra_photos_are_counted_and_named() -> None:
    found = match(["a.jpg", "b.jpg", "c.jpg"], ["b.jpg", "a.jpg", "b.jpg", "x.jpg"])
    assert found.truth_rows.tolist() == [0, 1]
    assert found.predicted_rows.tolist() == [1, 0]
    text = " | ".join(found.notes)
    assert "1 photos of the manifest have no prediction: c.jpg" in text
    assert "1 photos have more than one prediction; the first counts: b.jpg" in text
    assert "1 predictions are for photos not in the manifest: x.jpg" in text


def test_other_folder_case_and_extension_are_matched_and_said() -> None:
    found = match(["photos/A.JPG"], ["out/a.png"])
    assert found.predicted_rows.tolist() == [0]
    assert "without case and extension" in found.notes[0]


def test_ambiguous_names_are_not_guessed() -> None:
    with pytest.raises(GraticuleError, match="no photo in common"):
        match(["x/1.jpg", "y/1.jpg"], ["1.jpg"])


def places(n: int = 200) -> np.ndarray:
    return sphere.uniform(n, np.random.default_rng(0))


def test_radians_are_suspected() -> None:
    truth = places()
    said = suspicions(Predictions("p", ("",) * 200, np.radians(truth)), truth)
    assert any("radians" in note for note in said)


def test_swapped_coordinates_are_suspected() -> None:
    truth = places()
    said = suspicions(Predictions("p", ("",) * 200, truth[:, ::-1]), truth)
    assert any("swapped" in note for note in said)


def test_good_and_poor_predictions_are_not_suspected() -> None:
    truth = places()
    near = sphere.offset(truth, 45.0, np.full(200, 300.0))
    assert suspicions(Predictions("p", ("",) * 200, near), truth) == ()
    assert suspicions(Predictions("p", ("",) * 200, places()[::-1]), truth) == ()
