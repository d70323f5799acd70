"""The likeliest cells, and which of them are one hypothesis."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.belief import Belief
from graticule.cells.cities import cities
from graticule.errors import GraticuleError
from graticule.refine.hypotheses import top_cells

#: Three towns in a row, 60 km apart each, and one on the other side of the world.
CITIES = cities({"GA:a": (0, 0), "GA:b": (0, 0.54), "GA:c": (0, 1.08), "KI:d": (0, 170)})
P = np.log([[0.25, 0.15, 0.2, 0.4]])


def test_a_chain_of_near_cells_outweighs_one_far_cell() -> None:
    found = top_cells(Belief.from_logits(CITIES, P), 4, 75)
    assert found.cells.tolist() == [[3, 0, 2, 1]]
    assert found.hypothesis.tolist() == [[1, 0, 0, 0]]
    np.testing.assert_allclose(found.best(), [[0, 0.25, 0.2, 0.15]], atol=1e-6)


def test_without_merging_every_cell_stands_alone() -> None:
    found = top_cells(Belief.from_logits(CITIES, P), 4, 0)
    assert found.hypothesis.tolist() == [[0, 1, 2, 3]]


def test_a_chain_is_broken_where_a_link_is_too_long() -> None:
    found = top_cells(Belief.from_logits(CITIES, P), 4, 59)
    assert found.hypothesis.tolist() == [[0, 1, 2, 3]]


def test_k_past_the_cells_takes_them_all() -> None:
    assert top_cells(Belief.from_logits(CITIES, P), 99, 75).cells.shape == (1, 4)


def test_senseless_settings_are_named() -> None:
    with pytest.raises(GraticuleError, match="k 0"):
        top_cells(Belief.from_logits(CITIES, P), 0)
