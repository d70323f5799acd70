"""Scores on tables computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from graticule import metrics, sphere
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
    scores = all_scores(found, predictions, truth, Resampler.over(5, replicates=20))
    values = {s.name: s.estimate.value for s in scores}
    assert values["within 1 km"] == 25.0
    assert values["within 200 km"] == 50.0
    assert values["within 2500 km"] == 75.0
    assert values["median error"] == pytest.approx(5.5 * degree)
    assert values["country top-1"] == 40.0
    assert values["country top-5"] == 60.0
    assert values["country mean reciprocal rank"] == pytest.approx((1 + 0.5 + 0 + 0 + 1) / 5)
    # By country: GA half, FR none, IT all.
    by_country = {s.name: s.by_country.value for s in scores if s.by_country}
    assert by_country["country top-1"] == pytest.approx(50.0)
    assert by_country["within 200 km"] == pytest.approx(50.0)  # GA both of two, FR none of two
    assert values["coverage of the 50 % radius"] == pytest.approx(200 / 3)
    assert values["answered"] == 80.0


def test_geoscore_is_that_of_osv_5m() -> None:
    # 5000·exp(−d/1492.7): 0 km scores 5000, 1492.7 km 5000/e, the antipodes next to nothing.
    scores = metrics.geoscores([0.0, 1492.7, 1492.7 * np.log(2), 20000.0])
    np.testing.assert_allclose(scores, [5000, 5000 / np.e, 2500, 0.0076], atol=0.001)


def test_probabilities_areas_regions_and_cities_by_hand() -> None:
    truth = Truth(
        ("a", "b", "c"),
        np.array([[48.86, 2.35], [48.86, 2.35], [np.nan, np.nan]]),
        {
            "country": np.array(["FR", "FR", "IT"]),
            "region": np.array(["", "Paris Region", "Lazio"]),
            "city": np.array(["Paris", "Paris", "Roma"]),
        },
    )
    predictions = Predictions(
        "p",
        truth.paths,
        np.array([[48.0, 2.0], [40.0, -3.0], [np.nan, np.nan]]),
        (("FR", "ES"), ("ES", "France"), ("FR", "ES")),
        ((0.8, 0.1), (0.6, 0.3), (0.9, 0.1)),
        (("Paris",), ("Madrid", "paris region"), ("LAZIO",)),
        (("París",), (), ("Milano", "Napoli", "Roma")),
        area_km2={50: np.array([10.0, 1000.0, 30.0])},
    )
    scores = all_scores(
        outcomes(predictions, truth), predictions, truth, Resampler.over(3, replicates=20)
    )
    values = {s.name: s.estimate.value for s in scores}
    # 0.8, 0.3 under its English name, and Italy, which was not named: half of the fourth digit.
    assert values["log score of the country"] == pytest.approx(np.log([0.8, 0.3, 5e-5]).mean())
    assert values["country mean reciprocal rank"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert values["smallest area with 50 % of the belief, median"] == 30.0
    assert values["region top-1"] == pytest.approx(200 / 3)
    assert values["region top-5"] == 100.0
    assert values["city top-1"] == pytest.approx(100 / 3)
    assert values["city top-5"] == pytest.approx(200 / 3)
    assert values["city mean reciprocal rank"] == pytest.approx((1 + 0 + 1 / 3) / 3)


def test_a_system_without_names_is_judged_by_where_its_points_lie() -> None:
    truth = Truth(("a", "b"), np.array([[48.86, 2.35], [48.86, 2.35]]), {})
    predictions = Predictions("p", truth.paths, np.array([[43.6, 1.44], [40.42, -3.70]]))
    found = outcomes(predictions, truth)
    assert found.rank.tolist() == [1, np.inf]
    assert found.region_rank.tolist() == [np.inf, np.inf]
    assert any("the country that the point lies in" in note for note in found.notes)


def test_a_point_outside_the_earth_is_the_furthest_error() -> None:
    truth = Truth(("a",), np.array([[48.86, 2.35]]), {})
    found = outcomes(Predictions("p", ("a",), np.array([[139.7, 35.7]])), truth)
    assert found.km[0] == sphere.HALF_CIRCUMFERENCE_KM


def test_geodesic_distances_are_those_of_another_library() -> None:
    pytest.importorskip("pyproj")
    geographiclib = pytest.importorskip("geographiclib.geodesic")
    rng = np.random.default_rng(0)
    a, b = sphere.uniform(50, rng), sphere.uniform(50, rng)
    wanted = [
        geographiclib.Geodesic.WGS84.Inverse(*p, *q)["s12"] / 1000
        for p, q in zip(a, b, strict=True)
    ]
    np.testing.assert_allclose(sphere.geodesic(a, b), wanted, rtol=1e-9)
    assert np.abs(sphere.geodesic(a, b) / sphere.haversine(a, b) - 1).max() < 0.0057


def test_photos_without_coordinates_never_judge_distances() -> None:
    predictions, truth = table()
    found = outcomes(predictions, truth)
    scores = all_scores(found, predictions, truth, Resampler.over(5, replicates=20))
    assert {s.photos for s in scores if s.unit == "km"} == {4, 3}  # of those answered, 3


def test_order_of_rows_changes_nothing() -> None:
    predictions, truth = table()
    turn = np.array([3, 1, 4, 0, 2])
    one = all_scores(outcomes(predictions, truth), predictions, truth, Resampler.over(5))
    p, t = predictions.take(turn), truth.take(turn)
    other = all_scores(outcomes(p, t), p, t, Resampler.over(5))
    assert [s.estimate.value for s in one] == pytest.approx([s.estimate.value for s in other])


def test_coverage_is_silent_without_radii() -> None:
    assert coverage_scores(np.array([1.0]), {50: np.array([np.nan])}, Resampler.over(1)) == []


def names(predictions: Predictions, truth: Truth) -> dict[str, float]:
    found = outcomes(predictions, truth)
    scores = all_scores(found, predictions, truth, Resampler.over(len(truth), replicates=5))
    return {score.name: score.estimate.value for score in scores}


@pytest.mark.parametrize(
    ("most", "shown"), [(1, ["1"]), (2, ["1", "5"]), (5, ["1", "5"]), (6, ["1", "5", "10"])]
)
def test_top_k_goes_as_far_as_names_were_given(most: int, shown: list[str]) -> None:
    codes = ("FR", "IT", "ES", "DE", "NO", "SE")[:most]
    truth = Truth(("a",), np.array([[48.86, 2.35]]), {"country": np.array(["FR"])})
    found = names(Predictions("p", ("a",), np.array([[48.86, 2.35]]), (codes,)), truth)
    assert [n.removeprefix("country top-") for n in found if n.startswith("country top")] == shown
    assert ("country mean reciprocal rank" in found) == (most > 1)
    # Its points name one region.
    assert [n for n in found if n.startswith("region")] == ["region top-1"]


def test_the_answered_are_scored_by_themselves_and_all_by_every_point() -> None:
    places = np.zeros((4, 2))
    truth = Truth(tuple("abcd"), places, {"country": np.array(["GA"] * 4)})
    # It would rather have said nothing of the last two, which lie ten degrees off.
    said = Predictions(
        "p",
        truth.paths,
        np.array([[0, 0], [0, 10], [0, 10], [0, 10]]),
        (("GA",), ("FR",), ("FR",), ("FR",)),
        abstained=np.array([False, False, True, True]),
    )
    found = names(said, truth)
    assert found["within 200 km"] == 25.0
    assert found["answered"] == 50.0
    assert found["answered: within 200 km"] == 50.0
    assert found["answered: country top-1"] == 50.0
    assert found["answered: median error"] == pytest.approx(found["median error"] / 2)
    whole = names(Predictions("p", said.paths, said.latlon, said.countries), truth)
    assert whole["answered"] == 100.0
    assert not any(name.startswith("answered:") for name in whole)


def test_silence_earns_no_log_score() -> None:
    truth = Truth(("a", "b"), np.full((2, 2), np.nan), {"country": np.array(["FR", "FR"])})
    said = Predictions("p", truth.paths, truth.latlon, (("FR",), ()), ((0.5,), ()))
    assert names(said, truth)["log score of the country"] == pytest.approx(
        (np.log(0.5) + np.log(5e-5)) / 2
    )
