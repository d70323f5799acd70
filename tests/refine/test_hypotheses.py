"""The likeliest cells, and which of them are one hypothesis."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.belief import Belief
from graticule.cells.cities import cities
from graticule.errors import GraticuleError
from graticule.refine.hypotheses import Hypotheses, top_cells

#: Three towns in a row, 60 km apart each, and one on the other side of the world.
CITIES = cities({"GA:a": (0, 0), "GA:b": (0, 0.54), "GA:c": (0, 1.08), "KI:d": (0, 170)})
P = np.log([[0.25, 0.15, 0.2, 0.4]])


def test_a_chain_of_near_cells_outweighs_one_far_cell() -> None:
    found = top_cells(Belief.from_logits(CITIES, P), 4, 75)
    assert found.cells.tolist() == [[3, 0, 2, 1]]
    assert found.hypothesis.tolist() == [[1, 0, 0, 0]]
    np.testing.assert_allclose(found.of(0), [[0, 0.25, 0.2, 0.15]], atol=1e-6)
    np.testing.assert_allclose(found.of(1), [[0.4, 0, 0, 0]], atol=1e-6)


def test_without_merging_every_cell_stands_alone() -> None:
    found = top_cells(Belief.from_logits(CITIES, P), 4, 0)
    assert found.hypothesis.tolist() == [[0, 1, 2, 3]]


def test_hypotheses_share_out_the_belief_of_their_cells() -> None:
    found = top_cells(Belief.from_logits(CITIES, P), 4, 75)
    made = Hypotheses(found.cells, found.hypothesis, np.zeros((1, 2, 2)))
    np.testing.assert_allclose(made.mass(np.exp(P)), [[0.6, 0.4]])


def test_one_more_leads_the_others_of_some_photos_alone() -> None:
    cells, number = np.array([[3, 0], [1, 2]]), np.array([[0, 1], [0, 0]])
    points = np.array([[[1.0, 1.0], [2.0, 2.0]], [[3.0, 3.0], [np.nan, np.nan]]])
    led = Hypotheses(cells, number, points).led(
        np.array([True, False]), np.array([4, 4]), np.full((2, 2), 9.0)
    )
    p = np.array([[0.1, 0.1, 0.1, 0.3, 0.4], [0.1, 0.4, 0.3, 0.1, 0.1]])
    np.testing.assert_allclose(led.mass(p), [[0.4, 0.3, 0.1], [0.7, 0, 0]])
    np.testing.assert_array_equal(led.points[0], [[9, 9], [1, 1], [2, 2]])
    np.testing.assert_array_equal(led.points[1, :2], points[1])


def test_a_chain_is_broken_where_a_link_is_too_long() -> None:
    found = top_cells(Belief.from_logits(CITIES, P), 4, 59)
    assert found.hypothesis.tolist() == [[0, 1, 2, 3]]


def test_k_past_the_cells_takes_them_all() -> None:
    assert top_cells(Belief.from_logits(CITIES, P), 99, 75).cells.shape == (1, 4)


def test_senseless_settings_are_named() -> None:
    with pytest.raises(GraticuleError, match="k 0"):
        top_cells(Belief.from_logits(CITIES, P), 0)
