from __future__ import annotations

import numpy as np
import pytest

from graticule import sphere
from graticule.atlas.lookup import MIXED, NOBODY, ShapeIndex, grid


@pytest.fixture(scope="module")
def shapes() -> np.ndarray:
    """A land across the antimeridian, one with a lake, the island in it, and a polar cap."""
    import shapely

    square = shapely.box(10, 10, 40, 40)
    lake = shapely.box(20, 20, 30, 30)
    made = [
        shapely.multipolygons([shapely.box(170, -10, 180, 10), shapely.box(-180, -10, -175, 10)]),
        shapely.multipolygons([shapely.difference(square, lake)]),
        shapely.multipolygons([shapely.box(22, 22, 28, 28)]),
        shapely.multipolygons([shapely.box(-180, -90, 180, -80)]),
    ]
    return np.array(made, dtype=object)


def test_the_grid_changes_no_answer(shapes: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    points = sphere.from_unit_vectors(rng.normal(size=(4000, 3)))
    plain, quick = ShapeIndex(shapes), ShapeIndex(shapes, grid(shapes, 64))
    assert np.array_equal(plain.find(points), quick.find(points))


def test_the_grid_knows_plain_cells(shapes: np.ndarray) -> None:
    cells = grid(shapes, 18)
    assert cells.shape == (18, 36)
    assert cells[13, 10] == NOBODY
    assert cells[0, 5] == MIXED  # 80°S runs along its edge
    assert set(np.unique(grid(shapes, 180)).tolist()) == {MIXED, NOBODY, 0, 1, 2, 3}


def test_holes_islands_poles_and_the_antimeridian(shapes: np.ndarray) -> None:
    index = ShapeIndex(shapes, grid(shapes, 64))
    points = [(15, 15), (21, 21), (25, 25), (0, 180), (0, -180), (0, 540), (-90, 77), (90, 0)]
    assert index.find(points).tolist() == [1, -1, 2, 0, 0, 0, 3, -1]


def test_a_shape_that_ends_at_the_antimeridian_holds_it() -> None:
    import shapely

    index = ShapeIndex(np.array([shapely.multipolygons([shapely.box(170, 0, 180, 5)])]))
    assert index.find([(2, 180), (2, -180), (2, -179.9)]).tolist() == [0, 0, -1]


def test_a_border_belongs_to_the_first(shapes: np.ndarray) -> None:
    import shapely

    index = ShapeIndex(np.array([shapely.box(0, 0, 5, 5), shapely.box(5, 0, 9, 5)], dtype=object))
    assert index.find([(2, 5.0)]).tolist() == [0]
