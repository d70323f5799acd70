"""Adaptive S2 cells: hand-made cases, invariants, and a plain second implementation."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import sphere
from graticule.cells import s2, s2_shapes
from graticule.cells.adaptive import PRESETS, S2Cells, adaptive
from graticule.cells.files import read_partition
from graticule.errors import GraticuleError, PartitionError


def crowd(seed: int, n: int = 2000, towns: int = 12) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = np.concatenate([sphere.uniform(towns, rng), [[90, 0], [0, 180], [-89.9, 10]]])
    at = centers[rng.integers(len(centers), size=n)]
    return sphere.offset(at, rng.uniform(0, 360, n), rng.exponential(30, n))


def by_recursion(leaves: list[int], cell: int, level: int, low: int, high: int) -> dict[int, int]:
    """The rule as the papers state it, one cell at a time."""
    first, last = (int(end) for end in s2.ranges(np.uint64(cell)))
    inside = [leaf for leaf in leaves if first <= leaf <= last]
    if inside and (len(inside) > high or level < 2) and level < s2.MAX_LEVEL:
        found: dict[int, int] = {}
        for child in s2.children(np.uint64(cell))[0]:
            found |= by_recursion(inside, int(child), level + 1, low, high)
        return found
    return {cell: len(inside)} if len(inside) >= low else {}


@pytest.mark.parametrize(("low", "high"), [(1, 1), (5, 60), (7, 7), (3, 5000)])
def test_equals_the_rule_written_out(low: int, high: int) -> None:
    points = crowd(3, 400)
    made = adaptive(points, high, low)
    leaves = s2.cell_ids(points).tolist()
    expected: dict[int, int] = {}
    for face in range(6):
        root = face << 61 | 1 << 60
        expected |= by_recursion(leaves, root, 0, low, high)
    assert dict(zip(made.cell_ids.tolist(), made.counts.tolist(), strict=True)) == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 40), st.integers(0, 300))
def test_invariants(seed: int, low: int, more: int) -> None:
    points = crowd(seed, 600)
    try:
        cells = adaptive(points, low + more, low)
    except PartitionError:
        return
    own = cells.assign(points)
    np.testing.assert_array_equal(np.bincount(own[own >= 0], minlength=len(cells)), cells.counts)
    assert cells.counts.min() >= low
    assert cells.counts.max() <= low + more
    assert (s2.level_of(cells.cell_ids) >= 2).all()
    means = sphere.group_means(points, own, len(cells))
    assert sphere.haversine(means, cells.centers).max() < 1e-6
    coarse = adaptive(points, 2 * (low + more), low)
    assert (cells.ancestors(coarse) >= 0).all()
    np.testing.assert_array_equal(
        coarse.assign(points)[own >= 0], cells.ancestors(coarse)[own[own >= 0]]
    )


def test_with_every_cell_kept_every_photo_has_exactly_one() -> None:
    points = crowd(1)
    points = points[np.abs(points[:, 0]) < 85]  # drawn edges meet on a pole only nearly
    cells = adaptive(points, 30, 1)
    assert (cells.assign(points) >= 0).all()
    holds = shapely.STRtree(cells.polygons).query(
        shapely.points(points[:, ::-1]), predicate="intersects"
    )
    drawn = np.bincount(holds[0], minlength=len(points))
    # A drawn edge is a chord of the true one: almost no photo falls between.
    assert (drawn == 1).mean() > 0.98


def test_saved_and_loaded_is_equal(tmp_path: Path) -> None:
    cells = adaptive(crowd(2), 100, 5, name="fine")
    cells.to_parquet(tmp_path / "fine.parquet")
    back = read_partition(tmp_path / "fine.parquet")
    assert isinstance(back, S2Cells)
    assert (back.ids, back.name) == (cells.ids, "fine")
    np.testing.assert_array_equal(back.centers, cells.centers)
    np.testing.assert_array_equal(back.areas_km2, cells.areas_km2)
    points = sphere.uniform(2000, np.random.default_rng(0))
    np.testing.assert_array_equal(back.assign(points), cells.assign(points))
    assert back.polygons is not None
    assert shapely.equals(back.polygons, cells.polygons).all()


@pytest.mark.parametrize("level", [0, 1, 2, 3, 5])
def test_cells_of_a_level_cover_the_sphere_once(level: int) -> None:
    points = np.concatenate([sphere.uniform(60_000, np.random.default_rng(0)), [[90, 0], [-90, 0]]])
    ids = np.unique(s2.cell_ids(points, level))
    assert len(ids) == 6 * 4**level
    assert s2_shapes.areas_km2(ids).sum() == pytest.approx(sphere.SPHERE_AREA_KM2)
    shapes = s2_shapes.polygons(ids)
    assert shapely.is_valid(shapes).all()
    assert (np.abs(shapely.bounds(shapes)) <= [180, 90, 180, 90]).all()
    assert shapely.area(shapes).sum() == pytest.approx(360 * 180, rel=1e-3)


def test_one_photo_and_a_million_at_one_place() -> None:
    one = adaptive([[10.0, 20.0]], 10, 1)
    assert (len(one), one.counts.tolist()) == (1, [1])
    pile = adaptive(np.tile([[48.2, 16.3]], (1_000_000, 1)), 1000, 50)
    assert (len(pile), pile.counts.tolist()) == (1, [1_000_000])
    assert s2.level_of(pile.cell_ids).tolist() == [30]
    assert sphere.haversine(pile.centers[0], [48.2, 16.3]) < 1e-5


def test_poles_and_the_antimeridian() -> None:
    points = [[90, 0], [90, 77], [-90, 5], [0, 180], [0, -180], [10, 540], [10, 180]]
    cells = adaptive(points, 1, 1, levels=(2, 10))
    assert (cells.assign(points) >= 0).all()
    assert cells.counts.sum() == len(points)


@pytest.mark.parametrize(
    ("points", "settings", "words"),
    [
        ([], {}, "no photo"),
        ([[1, 2]], {"tau_max": 5, "tau_min": 6}, "τ_min 6 and τ_max 5"),
        ([[1, 2]], {"tau_min": 0}, "τ_min 0"),
        ([[1, 2]], {"tau_min": 50}, "choose a lower τ_min"),
        ([[1, 2]], {"tau_min": 1, "levels": (5, 3)}, "levels 5 to 3"),
        ([[1, 2]], {"tau_min": 1, "levels": (0, 31)}, "levels 0 to 31"),
        ([[np.nan, 2]], {}, "finite"),
        ([[91, 2]], {}, "latitude"),
    ],
)
def test_bad_input_is_named(points: list, settings: dict, words: str) -> None:
    with pytest.raises(GraticuleError, match=words):
        adaptive(points, **settings)


def test_cells_inside_others_are_refused() -> None:
    cell = s2.cell_ids([[10, 10]], 8)
    ids = s2.tokens(np.concatenate([cell, s2.parent(cell, 5)]))
    with pytest.raises(PartitionError, match="inside others"):
        S2Cells(name="x", ids=ids, centers=np.zeros((2, 2))).assign([[10, 10]])


@pytest.mark.slow
def test_published_counts_on_mp16() -> None:
    """3,298 / 7,202 / 12,893 cells (ISNs) where GRATICULE_MP16 names a manifest of MP-16."""
    path = os.environ.get("GRATICULE_MP16")
    if not path:
        pytest.skip("needs MP-16: set GRATICULE_MP16 to its manifest")
    import pyarrow.csv
    import pyarrow.parquet

    reads = pyarrow.parquet.read_table if path.endswith("parquet") else pyarrow.csv.read_csv
    table = reads(path)
    points = np.stack([table["lat"].to_numpy(), table["lon"].to_numpy()], axis=1)
    for name, expected in {"coarse": 3298, "middle": 7202, "fine": 12_893}.items():
        low, high = PRESETS[name]
        assert len(adaptive(points, high, low)) == pytest.approx(expected, rel=0.01)
