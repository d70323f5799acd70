"""Polygon cells: borders, reach, the antimeridian, and the poles."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from graticule import sphere
from graticule.cells.areas import Areas
from graticule.cells.geometry import cut_at_antimeridian
from graticule.errors import PartitionError


def areas(*shapes: shapely.Geometry, reach_km: float = 0.0) -> Areas:
    polygons = np.array(shapes, dtype=object)
    ids = tuple("abcdefgh"[: len(shapes)])
    return Areas("x", ids, np.zeros((len(ids), 2)), polygons=polygons, reach_km=reach_km)


def test_a_point_on_a_shared_border_has_one_cell() -> None:
    cells = areas(shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1))
    assert cells.assign([[0.5, 1.0], [1.0, 1.0], [0.5, 1.5], [5, 5]]).tolist() == [0, 0, 1, -1]


def test_a_hole_is_outside_and_another_cell_may_lie_in_it() -> None:
    ring = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    assert areas(ring).assign([[1.5, 1.5], [0.5, 0.5]]).tolist() == [-1, 0]
    assert areas(ring, shapely.box(1, 1, 2, 2)).assign([[1.5, 1.5]]).tolist() == [1]


def test_reach_takes_the_nearest_within_it_by_kilometres() -> None:
    # At 80° north a degree of longitude is 19 km: the cell to the east is nearer.
    cells = areas(shapely.box(0, 78, 1, 79.5), shapely.box(3, 79, 4, 81), reach_km=50)
    assert cells.assign([[80.0, 1.5]]).tolist() == [1]
    assert cells.assign([[79.6, 0.5]]).tolist() == [0]
    near, far = sphere.offset([[80.0, 4.0]] * 2, [90.0, 90.0], [49.0, 60.0])
    assert cells.assign([near, far]).tolist() == [1, -1]
    assert areas(shapely.box(0, 78, 1, 79.5)).assign([[79.6, 0.5]]).tolist() == [-1]


def test_both_names_of_the_antimeridian_are_one_line() -> None:
    cells = areas(cut_at_antimeridian(shapely.box(175, -20, 185, -10)), shapely.box(150, 0, 180, 5))
    lon = [180.0, -180.0, 540.0, 179.0, -179.0, 181.0]
    assert cells.assign([[-15, x] for x in lon]).tolist() == [0] * 6
    assert cells.assign([[3, 180.0], [3, -180.0], [3, -179.9]]).tolist() == [1, 1, -1]


def test_poles() -> None:
    cells = areas(shapely.box(-180, 80, 180, 90), shapely.box(-180, -90, 180, -70))
    assert cells.assign([[90, 0], [90, 123], [-90, -77]]).tolist() == [0, 0, 1]


def test_what_makes_no_sense_is_named() -> None:
    with pytest.raises(PartitionError, match="polygon"):
        Areas("x", ("a",), np.zeros((1, 2)))
    with pytest.raises(PartitionError, match="reach"):
        areas(shapely.box(0, 0, 1, 1), reach_km=-1)
