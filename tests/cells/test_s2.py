"""S2 ids against the official library, and the rules of the hierarchy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule import sphere
from graticule.cells import s2
from graticule.errors import GraticuleError, PartitionError

levels = st.integers(0, s2.MAX_LEVEL)
place = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def official(latlon: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """Leaf ids by the official library."""
    library = pytest.importorskip("s2geometry")
    return np.array(
        [
            library.S2CellId(library.S2LatLng.FromDegrees(float(lat), float(lon))).id()
            for lat, lon in np.asarray(latlon, dtype=np.float64)
        ],
        dtype=np.uint64,
    )


def edge_places() -> npt.NDArray[np.float64]:
    """Corners, edges and middles of the faces, the poles, the antimeridian, cell corners."""
    corner = np.degrees(np.arctan(1 / np.sqrt(2)))
    whole = [(lat, lon) for lat in range(-90, 91, 15) for lon in range(-180, 181, 15)]
    corners = [(sign * corner, lon) for sign in (-1, 1) for lon in (-135, -45, 45, 135)]
    near = [(a + d, b + e) for a, b in corners for d in (-1e-9, 1e-9) for e in (-1e-9, 1e-9)]
    cells = s2.cell_ids(sphere.uniform(300, np.random.default_rng(5)), 7)
    on_cells = s2.vertices(cells).reshape(-1, 2)
    return np.array([*whole, *corners, *near, *on_cells.tolist()])


def test_ids_equal_the_official_library() -> None:
    points = sphere.uniform(20_000, np.random.default_rng(0))
    np.testing.assert_array_equal(s2.cell_ids(points), official(points))


def test_ids_equal_the_official_library_on_edges() -> None:
    points = edge_places()
    np.testing.assert_array_equal(s2.cell_ids(points), official(points))


@pytest.mark.slow
def test_a_million_ids_equal_the_official_library_at_every_level() -> None:
    library = pytest.importorskip("s2geometry")
    points = sphere.uniform(1_000_000, np.random.default_rng(1))
    leaves = official(points)
    np.testing.assert_array_equal(s2.cell_ids(points), leaves)
    few = leaves[:20_000]
    for level in range(s2.MAX_LEVEL + 1):
        mine = s2.cell_ids(points, level)
        np.testing.assert_array_equal(mine, s2.parent(leaves, level))
        theirs = [library.S2CellId(int(leaf)).parent(level).id() for leaf in few]
        np.testing.assert_array_equal(mine[: len(few)], np.array(theirs, dtype=np.uint64))


@pytest.mark.parametrize("level", [0, 1, 2, 5, 9, 14, 21, 29, 30])
def test_cells_equal_the_official_library(level: int) -> None:
    library = pytest.importorskip("s2geometry")
    points = np.concatenate([sphere.uniform(150, np.random.default_rng(level)), edge_places()[:60]])
    ids = np.unique(s2.cell_ids(points, level))
    theirs = [library.S2CellId(int(cell)) for cell in ids]
    assert s2.tokens(ids) == tuple(cell.ToToken() for cell in theirs)
    assert s2.level_of(ids).tolist() == [level] * len(ids)
    centers = [cell.ToLatLng() for cell in theirs]
    expected = [(c.lat().degrees(), c.lng().degrees()) for c in centers]
    assert sphere.haversine(s2.centers(ids), expected).max() < 1e-6
    corners = [[library.S2LatLng(library.S2Cell(c).GetVertex(k)) for k in range(4)] for c in theirs]
    expected_corners = [[(p.lat().degrees(), p.lng().degrees()) for p in four] for four in corners]
    assert sphere.haversine(s2.vertices(ids), expected_corners).max() < 1e-6
    beside = [[n.id() for n in cell.GetEdgeNeighbors()] for cell in theirs]
    np.testing.assert_array_equal(s2.neighbours(ids), np.array(beside, dtype=np.uint64))
    if level < s2.MAX_LEVEL:
        below = [[cell.child(k).id() for k in range(4)] for cell in theirs]
        np.testing.assert_array_equal(s2.children(ids), np.array(below, dtype=np.uint64))


@given(place, levels, levels)
def test_ancestors_nest(point: tuple[float, float], one: int, other: int) -> None:
    coarse, fine = sorted((one, other))
    cell = s2.cell_ids(point, fine)
    above = s2.parent(cell, coarse)
    assert above == s2.cell_ids(point, coarse)
    low, high = s2.ranges(above)
    assert low <= cell <= high
    assert s2.level_of(above) == coarse


@given(place, levels)
def test_a_cell_holds_its_centre_and_its_token_leads_back(
    point: tuple[float, float], level: int
) -> None:
    cell = s2.cell_ids(point, level)
    if level < s2.MAX_LEVEL:  # a leaf's centre is on its quarters' corner: rounding decides
        assert s2.cell_ids(s2.centers(cell), level) == cell
    assert s2.from_tokens(s2.tokens(cell)) == cell


@given(place, st.integers(1, 29))
def test_neighbours_are_neighbours_of_each_other(point: tuple[float, float], level: int) -> None:
    cell = s2.cell_ids(point, level)
    beside = s2.neighbours(cell)[0]
    assert (s2.neighbours(beside) == cell).any(axis=1).all()


def test_the_antimeridian_and_the_poles_are_no_special_case() -> None:
    east, west = s2.cell_ids([[10, 180], [10, -180]], 20)  # the official library has two ids too
    assert east == west or west in s2.neighbours(east)
    assert (s2.cell_ids([[10, 190]], 20) == s2.cell_ids([[10, -170]], 20)).all()
    assert len(set(s2.cell_ids([[90, lon] for lon in range(-180, 180, 30)], 20).tolist())) <= 4
    assert s2.cell_ids(np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize("latlon", [[[91, 0]], [[np.nan, 0]], [[0, np.inf]]])
def test_impossible_places_are_named(latlon: list[list[float]]) -> None:
    with pytest.raises(GraticuleError, match="latitude"):
        s2.cell_ids(latlon)


def test_wrong_levels_and_tokens_are_named() -> None:
    with pytest.raises(PartitionError, match="31"):
        s2.cell_ids([[0, 0]], 31)
    for token in ("", "x", "zz", "f", "2", "11112222333344445"):
        with pytest.raises(PartitionError, match="token"):
            s2.from_tokens([token])
    with pytest.raises(PartitionError, match="children"):
        s2.children(s2.cell_ids([[0, 0]]))
