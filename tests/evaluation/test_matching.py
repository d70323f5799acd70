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
    assert "1 photo of the manifest has no prediction: c.jpg" in text
    assert "1 photo has more than one prediction; the first counts: b.jpg" in text
    assert "1 prediction is for a photo not in the manifest: x.jpg" in text


def test_every_missing_doubled_and_extra_photo_is_named() -> None:
    truth = [f"t/{i}.jpg" for i in range(20)]
    said = [f"T/{i}.png" for i in range(10)] + ["T/7.png", "u/8.jpg", "v/9.jpg", "w.jpg", "x.jpg"]
    found = match(truth, said)
    assert found.missing == tuple(truth[10:])
    assert found.doubled == ("T/7.png",)
    assert found.extra == ("u/8.jpg", "v/9.jpg", "w.jpg", "x.jpg")


def test_other_folder_case_and_extension_are_matched_and_said() -> None:
    found = match(["photos/A.JPG"], ["out/a.png"])
    assert found.predicted_rows.tolist() == [0]
    assert "without case and extension" in found.notes[0]


def test_ambiguous_names_are_not_guessed() -> None:
    with pytest.raises(GraticuleError, match=r"no photo in common.*'1' alone could be any of 2"):
        match(["x/1.jpg", "y/1.jpg"], ["1.jpg"])
    with pytest.raises(GraticuleError, match="paths must be written the same way"):
        match(["x/1.jpg", "y/1.jpg"], ["2.jpg"])


def test_folders_tell_photos_of_one_name_apart_whatever_is_before_them() -> None:
    truth = ["all/x/1.jpg", "all/y/1.jpg"]
    for told, rule in (
        (["all/Y/1.JPG", "all/X/1.JPG"], "by path without case and extension"),
        (["/data/y/1.jpg", "/data/x/1.jpg"], "by folder and file name,"),
        (["/data/Y/1.png", "/data/X/1.png"], "by folder and file name without case"),
    ):
        found = match(truth, told)
        assert found.predicted_rows.tolist() == [1, 0]
        assert rule in found.notes[0]


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


def test_a_system_that_is_lost_and_turned_is_suspected_by_its_latitudes() -> None:
    said = suspicions(Predictions("p", ("",) * 200, places()[::-1, ::-1]), places())
    assert any("swapped" in note for note in said)


def test_one_impossible_latitude_is_no_swap() -> None:
    truth = places(20)
    truth[0] = [0.0, 20.0]
    guess = truth.copy()
    guess[0] = [95.0, 20.0]
    said = suspicions(Predictions("p", ("",) * 20, guess), truth)
    assert len(said) == 1
    assert "no place on Earth" in said[0]


def test_good_and_poor_predictions_are_not_suspected() -> None:
    truth = places()
    near = sphere.offset(truth, 45.0, np.full(200, 300.0))
    assert suspicions(Predictions("p", ("",) * 200, near), truth) == ()
    assert suspicions(Predictions("p", ("",) * 200, places()[::-1]), truth) == ()


def test_the_rule_that_matches_most_is_taken() -> None:
    # One path happens to be equal; names fit all three.
    found = match(["x/a.jpg", "x/b.jpg", "c.jpg"], ["a.jpg", "b.jpg", "c.jpg"])
    assert len(found.truth_rows) == 3
    assert "by file name" in found.notes[0]


def test_ids_with_dots_keep_what_is_no_ending() -> None:
    found = match(["1.jpg/100_7@N00.v2.jpg"], ["100_7@N00.v2"])
    assert found.predicted_rows.tolist() == [0]


def test_half_and_impossible_coordinates_are_counted() -> None:
    truth = places(6)
    guess = truth.copy()
    guess[0, 1] = np.nan
    guess[1] = [95.0, 10.0]
    text = " | ".join(suspicions(Predictions("p", tuple("abcdef"), guess), truth))
    assert (
        "1 prediction has one coordinate of two (the other is empty or no number): no point: a"
        in text
    )
    assert "1 prediction is no place on Earth: the furthest error: b" in text


def test_a_truth_turned_round_is_said_to_be() -> None:
    truth = np.array([[139.7, 35.7], [-118.2, 34.0], [35.0, 40.0]])
    text = " | ".join(suspicions(Predictions("p", tuple("abc"), truth[:, ::-1]), truth))
    assert "2 true places are no place on Earth" in text
    assert "look swapped" in text
