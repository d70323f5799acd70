"""Scores against tables computed by hand, and their invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule import metrics
from graticule.errors import GraticuleError


def test_within_by_hand() -> None:
    # One photo in each band, the first exactly on its threshold: it counts.
    km = [1.0, 20.0, 100.0, 700.0, 2000.0, 9000.0, 26.0, 0.0]
    np.testing.assert_allclose(metrics.within(km), [25.0, 37.5, 62.5, 75.0, 87.5])


def test_geoscore_by_hand() -> None:
    # exp(-1) at the scale itself; the best score at no error.
    np.testing.assert_allclose(
        metrics.geoscores([0.0, 1492.7]), [5000.0, 5000.0 / np.e], rtol=1e-12
    )


def test_rank_ties_go_against_the_model() -> None:
    scores = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [1, 1, 1]], dtype=float)
    rank = metrics.ranks(scores, np.array([0, 0, 1]))
    assert rank.tolist() == [1, 3, 3]
    assert metrics.ranks(scores, np.array([-1, -1, -1])).tolist() == [4, 4, 4]
    assert metrics.top_k(rank, 1) == pytest.approx(100 / 3)
    assert metrics.mean_reciprocal_rank(rank) == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)


def test_covering_area_takes_the_densest_first() -> None:
    p, areas = np.array([[0.5, 0.4, 0.1]]), np.array([100.0, 1.0, 1.0])
    # Densities .005, .4, .1: cells 1 and 2 hold half in 2 km².
    assert metrics.covering_areas_km2(p, areas, 0.5).tolist() == [2.0]
    assert metrics.covering_areas_km2(p, areas, 0.9).tolist() == [102.0]


def test_log_score_of_a_place_outside_is_the_worst_of_the_row() -> None:
    log_p = np.log([[0.9, 0.1], [0.9, 0.1]])
    np.testing.assert_allclose(
        metrics.log_scores(log_p, np.array([0, -1])), [np.log(0.9), np.log(0.1)]
    )


def test_calibration_error_by_hand() -> None:
    assert metrics.expected_calibration_error([0.8] * 10, [1] * 8 + [0] * 2, bins=1) == (
        pytest.approx(0)
    )
    assert metrics.expected_calibration_error([1.0] * 4, [1, 1, 0, 0], bins=1) == 0.5


@given(st.lists(st.floats(0, 20000), min_size=1, max_size=40), st.randoms())
def test_order_of_photos_does_not_matter(km: list[float], random: object) -> None:
    shuffled = list(km)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    np.testing.assert_allclose(metrics.within(km), metrics.within(shuffled))
    assert np.mean(metrics.geoscores(km)) == pytest.approx(np.mean(metrics.geoscores(shuffled)))


def test_no_photos_is_said() -> None:
    with pytest.raises(GraticuleError, match="no photo to score"):
        metrics.within([])


def test_unequal_tables_are_said() -> None:
    with pytest.raises(GraticuleError, match="2 predictions for 1"):
        metrics.errors_km([[0, 0], [1, 1]], [[0, 0]])
