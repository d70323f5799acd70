"""Scores on tables computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from graticule import sphere
from graticule.evaluation.bootstrap import Resampler
from graticule.evaluation.predictions import Predictions
from graticule.evaluation.scores import all_scores, coverage_scores, outcomes
from graticule.evaluation.truth import Truth


def table() -> tuple[Predictions, Truth]:
    # One degree of the equator is 111.195 km: errors 0, 111.2, 1111.95 km, and one without a point.
    truth = Truth(
        ("a", "b", "c", "d", "e"),
        np.array([[0, 0], [0, 0], [0, 0], [0, 0], [np.nan, np.nan]]),
        {"country": np.array(["GA", "GA", "FR", "FR", "IT"])},
    )
    predictions = Predictions(
        "by hand",
        truth.paths,
        np.array([[0, 0], [0, 1], [0, 10], [np.nan, np.nan], [45, 10]]),
        (("GA",), ("FR", "ga"), ("IT", "ES"), (), ("IT",)),
        radius_km={50: np.array([1.0, 100.0, 2000.0, np.nan, 5.0])},
    )
    return predictions, truth


def test_every_score_of_the_hand_made_table() -> None:
    predictions, truth = table()
    found = outcomes(predictions, truth)
    degree = np.pi * sphere.EARTH_RADIUS_KM / 180
    np.testing.assert_allclose(found.km[:3], [0, degree, 10 * degree])
    assert found.km[3] == sphere.HALF_CIRCUMFERENCE_KM
    assert np.isnan(found.km[4])
    assert found.rank.tolist() == [1, 2, np.inf, np.inf, 1]
    values = {
        s.name: s.estimate.value
        for s in all_scores(found, predictions, truth, Resampler.over(5, replicates=20))
    }
    assert values["within 1 km"] == 25.0
    assert values["within 200 km"] == 50.0
    assert values["within 2500 km"] == 75.0
    assert values["median error"] == pytest.approx(5.5 * degree)
    assert values["country top-1"] == 40.0
    assert values["country top-5"] == 60.0
    assert values["country mean reciprocal rank"] == pytest.approx((1 + 0.5 + 0 + 0 + 1) / 5)
    # By country: GA half, FR none, IT all.
    assert values["country top-1, mean over countries"] == pytest.approx(50.0)
    assert values["coverage of the 50 % radius"] == pytest.approx(200 / 3)
    assert values["answered"] == 80.0


def test_photos_without_coordinates_never_judge_distances() -> None:
    predictions, truth = table()
    found = outcomes(predictions, truth)
    scores = all_scores(found, predictions, truth, Resampler.over(5, replicates=20))
    assert {s.photos for s in scores if s.unit == "km"} == {4}


def test_order_of_rows_changes_nothing() -> None:
    predictions, truth = table()
    turn = np.array([3, 1, 4, 0, 2])
    one = all_scores(outcomes(predictions, truth), predictions, truth, Resampler.over(5))
    p, t = predictions.take(turn), truth.take(turn)
    other = all_scores(outcomes(p, t), p, t, Resampler.over(5))
    assert [s.estimate.value for s in one] == pytest.approx([s.estimate.value for s in other])


def test_coverage_is_silent_without_radii() -> None:
    assert coverage_scores(np.array([1.0]), {50: np.array([np.nan])}, Resampler.over(1)) == []
