"""Vectors beside attributes."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.refine.geo_embedding import geo_embedding, spread


def test_photos_that_differ_in_every_attribute_are_so_far_apart() -> None:
    same = np.ones((2, 4))
    found = geo_embedding(same, [np.eye(2), np.eye(2)], 3.0)
    assert np.linalg.norm(found[0] - found[1]) == pytest.approx(3 * np.sqrt(2))


def test_nothing_is_added_without_attributes_or_weight() -> None:
    assert geo_embedding(np.ones((2, 4)), [], 1.0).shape == (2, 4)
    assert geo_embedding(np.ones((2, 4)), [np.eye(2)], 0.0).shape == (2, 4)


def test_spread_leaves_out_unread_photos() -> None:
    assert spread([[0.0, 0], [2, 0], [np.nan, 0]]) == pytest.approx(1.0)
    assert spread(np.full((2, 3), np.nan)) == 0.0
