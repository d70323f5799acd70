"""Beliefs that move between partitions keep their mass."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.belief import Belief, Labels
from graticule.cells.adaptive import adaptive
from graticule.cells.cities import cities
from graticule.cells.gallery import gallery
from graticule.cells.regions import Regions, regions
from graticule.cells.transfer import shares
from graticule.errors import GraticuleError, PartitionError
from worlds import grid, towns

POINTS = towns([(10.5, 70.5), (10.5, 71.5), (11.5, 70.5), (12.2, 73.5)], 30, 10.0)


def squares(rows: int, columns: int, side: float, name: str) -> Regions:
    units = grid(rows, columns, side=side)
    middles = np.array([[s.centroid.y, s.centroid.x] for s in units.polygons])
    return regions(middles, units, name=name)


def test_by_area_is_the_overlap_on_the_sphere() -> None:
    fine, coarse = squares(4, 4, 0.5, "fine"), squares(2, 2, 1.0, "coarse")
    matrix, how = shares(fine, coarse, "area")
    dense = matrix.toarray()
    assert how == "area"
    np.testing.assert_allclose(dense.sum(axis=1), 1, rtol=1e-9)
    assert sorted(dense.sum(axis=0)) == pytest.approx([4, 4, 4, 4])
    back = shares(coarse, fine, "area")[0].toarray()
    # Nearer the equator a square is larger, though not on the map.
    south = back[0][[0, 1]].sum()
    assert 0.5 < south < 0.502
    np.testing.assert_allclose(back.sum(axis=1), 1, rtol=1e-6)


def test_by_photos_is_where_they_lie() -> None:
    fine = adaptive(POINTS, 20, 1, name="fine")
    coarse = squares(3, 4, 1.0, "coarse")
    matrix, _ = shares(fine, coarse, "photos", POINTS)
    here, there = fine.assign(POINTS), coarse.assign(POINTS)
    for cell in range(len(fine)):
        expected = np.bincount(there[here == cell], minlength=len(coarse)) / (here == cell).sum()
        np.testing.assert_allclose(matrix.toarray()[cell], expected)


@pytest.mark.parametrize("how", [None, "area", "photos"])
def test_a_moved_belief_sums_to_one(how: str | None) -> None:
    fine = adaptive(POINTS, 20, 1, name="fine")
    coarse = squares(3, 4, 1.0, "coarse")
    belief = Belief.from_logits(fine, np.random.default_rng(0).normal(size=(4, len(fine))))
    moved, done = belief.to(coarse, how, None if how == "area" else POINTS)  # type: ignore[arg-type]
    np.testing.assert_allclose(moved.p.sum(axis=1), 1, atol=1e-5)
    assert done == (how or "photos")


def test_points_fall_into_the_cell_that_holds_them() -> None:
    points = gallery(POINTS)
    coarse = squares(3, 4, 1.0, "coarse")
    matrix, _ = shares(points, coarse, "area")
    np.testing.assert_array_equal(matrix.toarray().argmax(axis=1), coarse.assign(POINTS))


def test_what_cannot_move_is_named() -> None:
    fine, ten = squares(2, 2, 1.0, "fine"), cities()
    with pytest.raises(PartitionError, match="photos' places"):
        shares(fine, ten, "photos")
    with pytest.raises(PartitionError, match="no parents in cities"):
        shares(fine, ten, "parents")
    belief = Belief.from_logits(fine, np.zeros((1, len(fine))))
    with pytest.raises(GraticuleError, match="rules out every place"):
        belief.to(ten, "area")
    scenes = Belief.from_logits(Labels(("city", "coast")), np.zeros((1, 2)))
    with pytest.raises(PartitionError, match="over places"):
        scenes.to(ten)
