"""Semantic cells: the steps by hand-made worlds, and what must hold whatever the photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graticule import sphere
from graticule.cells.boundaries import Boundaries
from graticule.cells.files import read_partition
from graticule.cells.geometry import areas_km2
from graticule.cells.semantic import PRESETS, Semantic, Settings, semantic
from graticule.cells.semantic.split import Round
from graticule.errors import GraticuleError, PartitionError
from worlds import grid, towns

pytest.importorskip("sklearn")

ROUNDS = (Round(5, 0.05), Round(10, 0.01))
TWO_TOWNS = [(10.3, 70.3), (10.7, 70.7)]


def test_two_towns_in_one_unit_are_two_cells() -> None:
    points = towns(TWO_TOWNS, 40)
    cells, report = semantic(points, grid(1, 2), Settings(20, 50, ROUNDS))
    own = cells.assign(points)
    assert len(set(own[:40])) == len(set(own[40:])) == 1
    assert own[0] != own[40]
    assert cells.counts.tolist() == [40, 40]
    assert {cells.ids[i] for i in set(own.tolist())} == {"u00.1", "u00.2"}
    assert not report.unsplit


def test_small_neighbours_merge_in_their_region_first_then_in_their_country() -> None:
    # Row 0 of AA has 6 + 6: its region is enough. Row 1 has 3: it must look to its country.
    points = np.concatenate(
        [
            towns([(10.5, 70.5), (10.5, 71.5)], 6),
            towns([(11.5, 70.5)], 3),
            towns([(12.5, 71.5)], 20),
        ]
    )
    cells, report = semantic(points, grid(), Settings(10, 100, ROUNDS))
    assert sorted(cells.counts.tolist()) in ([12, 23], [15, 20])
    assert [step.name for step in report.steps] == [
        "administrative units",
        "merged within regions",
        "merged within countries",
        "split",
    ]
    assert [step.cells for step in report.steps] == [6, 3, 2, 2]
    assert set(cells.parents["countries"]) == {"AA"}  # BB has no photos and no cells


def test_a_country_with_few_photos_is_one_small_cell_and_never_joins_another() -> None:
    points = np.concatenate([towns([(10.5, 70.5)], 60), towns([(10.5, 73.5)], 3)])
    cells, report = semantic(points, grid(), Settings(30, 80, ROUNDS))
    codes = np.array(cells.parents["countries"])
    assert cells.counts[codes == "BB"].tolist() == [3]
    assert list(report.small) == [cells.ids[int(np.flatnonzero(codes == "BB")[0])]]


def test_an_island_stays_with_its_region_and_an_exclave_with_its_country() -> None:
    world = grid(2, 2)
    island = shapely.box(65, 10.2, 65.3, 10.5)
    whole = Boundaries(
        (*world.ids, "isle"),
        (*world.names, "Isle"),
        (*world.countries, "AA"),
        (*world.regions, "AA-1"),
        np.append(world.polygons, island),
    )
    points = np.concatenate(
        [towns([(10.35, 65.15)], 4, 1.0), towns([(11.5, 70.5), (10.5, 70.5)], 40)]
    )
    cells, _ = semantic(points, whole, Settings(10, 100, ROUNDS))
    own = cells.assign(points)
    assert own[0] == own[4] != own[-1]
    assert cells.parents["regions"][own[0]] == "AA-1"


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 30), st.integers(20, 90))
@example(108, 5, 20)  # photos off the border
def test_invariants(seed: int, low: int, more: int) -> None:
    rng = np.random.default_rng(seed)
    world = grid()
    centers = rng.uniform([10, 70], [13, 74], (8, 2))
    points = towns([tuple(c) for c in centers], 60, 15.0, seed)
    cells, report = semantic(points, world, Settings(low, low + more, ROUNDS))
    assert isinstance(cells, Semantic)
    assert cells.polygons is not None
    own = cells.assign(points)
    inside = own >= 0
    np.testing.assert_array_equal(np.bincount(own[inside], minlength=len(cells)), cells.counts)
    assert report.outside == (~inside).sum()
    # Together the cells are their countries, once.
    countries = np.array(world.countries)
    kept = np.isin(countries, list(set(cells.parents["countries"])))
    assert areas_km2(cells.polygons).sum() == pytest.approx(
        areas_km2(world.polygons[kept]).sum(), rel=1e-6
    )
    assert shapely.union_all(cells.polygons).area == pytest.approx(kept.sum(), rel=1e-6)
    assert shapely.is_valid(cells.polygons).all()
    # No cell crosses the border at 72° east.
    for code, bounds in zip(
        cells.parents["countries"], shapely.bounds(cells.polygons), strict=True
    ):
        assert bounds[2] <= 72 + 1e-9 if code == "AA" else bounds[0] >= 72 - 1e-9
    # What is too large says why, what is too small too.
    for cell, count in zip(cells.ids, cells.counts, strict=True):
        assert count <= low + more or cell in report.unsplit
        assert count >= low * 0.9 or cell in report.small


def test_the_same_photos_give_the_same_cells() -> None:
    points = towns([(10.2, 70.2), (10.8, 70.5), (10.4, 70.9)], 80, 10.0)
    made = [semantic(points, grid(1, 2), PRESETS["small"])[0] for _ in range(2)]
    assert made[0].ids == made[1].ids
    # To the last bit but one: numpy 2.0's sums round by where an array happens to lie in memory.
    assert shapely.equals_exact(made[0].polygons, made[1].polygons, tolerance=1e-13).all()


@pytest.mark.parametrize("west", [178.5, -181.0, 359.0])
def test_the_antimeridian_does_not_change_the_cells(west: float) -> None:
    here = [(10.3, 0.3), (10.7, 0.7), (10.3, 1.7)]

    def build(offset: float) -> list[int]:
        points = towns([(lat, lon + offset) for lat, lon in here], 40)
        world = grid(1, 2, west=offset)
        from graticule.cells.geometry import cut_at_antimeridian

        world.polygons[:] = [cut_at_antimeridian(shape) for shape in world.polygons]
        cells, _ = semantic(points, world, Settings(20, 50, ROUNDS))
        assert shapely.is_valid(cells.polygons).all()
        assert (cells.assign(points) >= 0).all()
        return sorted(cells.counts.tolist())

    assert build(west) == build(50.0)


def test_photos_about_a_pole_are_split_too() -> None:
    cap = Boundaries(
        ("AQ",), ("Antarctica",), ("AQ",), ("AQ",),
        np.array([shapely.box(-180, -90, 180, -60)], dtype=object),
    )  # fmt: skip
    points = towns([(-90, 0), (-80, 100), (-75, -120)], 40, 30.0)
    cells, _ = semantic(points, cap, Settings(20, 50, ROUNDS))
    assert len(cells) > 1
    assert (cells.assign(points) >= 0).all()
    assert areas_km2(cells.polygons).sum() == pytest.approx(areas_km2(cap.polygons)[0], rel=1e-6)


@pytest.mark.parametrize(
    ("points", "why"),
    [
        (np.tile([[10.5, 70.5]], (100, 1)), "all photos at one place"),
        (np.stack([np.linspace(10.1, 10.9, 100), np.full(100, 70.5)], axis=1), ""),
        (np.repeat([[10.3, 70.3], [10.7, 70.7]], 50, axis=0), ""),
        (np.tile([[11.0, 71.0]], (100, 1)), "all photos at one place"),
    ],
    ids=["one place", "a line", "two places", "the corner of four units"],
)
def test_points_without_a_shape_do_not_hang(points: np.ndarray, why: str) -> None:
    cells, report = semantic(points, grid(), Settings(10, 40, ROUNDS))
    assert cells.counts.sum() == 100
    assert not why or set(report.unsplit.values()) == {why}
    if len(np.unique(points, axis=0)) == 2:
        assert sorted(cells.counts[cells.counts > 0].tolist()) == [50, 50]


def test_halving_leaves_nothing_too_large_but_piles() -> None:
    points = np.random.default_rng(0).uniform([10.01, 70.01], [10.99, 70.99], (500, 2))
    stiff = (Round(2, 0.9999),)  # no clusters are that steep
    left, report = semantic(points, grid(1, 2), Settings(10, 40, stiff))
    assert report.unsplit
    halved, report = semantic(points, grid(1, 2), Settings(10, 40, stiff, halve=True))
    assert len(halved) > len(left)
    assert halved.counts.max() <= 41
    assert not report.unsplit


def test_one_photo_and_saved_and_loaded(tmp_path: Path) -> None:
    cells, report = semantic([[10.5, 70.5]], grid(), PRESETS["small"])
    assert (len(cells), cells.counts.tolist()) == (1, [1])
    assert any("fewer" in line for line in report.lines())
    cells.to_parquet(tmp_path / "s.parquet")
    back = read_partition(tmp_path / "s.parquet")
    assert isinstance(back, Semantic)
    assert back.ids == cells.ids
    assert back.parents == cells.parents
    points = sphere.uniform(1000, np.random.default_rng(0))
    np.testing.assert_array_equal(back.assign(points), cells.assign(points))


@pytest.mark.parametrize(
    ("points", "words"),
    [([], "none of the 0"), ([[50, 50]], "none of the 1"), ([[np.nan, 1]], "finite")],
)
def test_photos_in_no_unit_are_named(points: list, words: str) -> None:
    with pytest.raises(GraticuleError, match=words):
        semantic(points, grid())


def test_wrong_settings_are_named() -> None:
    with pytest.raises(PartitionError, match="photos_min 5 and photos_max 4"):
        Settings(5, 4, ROUNDS)
    with pytest.raises(PartitionError, match="rounds"):
        Settings(5, 9, ())
    with pytest.raises(PartitionError, match="rounds"):
        Settings(5, 9, (Round(8, 1.5),))


@pytest.mark.slow
def test_the_worlds_cells_stay_in_their_countries_and_cover_them_once() -> None:
    from graticule import atlas
    from graticule.cells.boundaries import of_atlas

    rng = np.random.default_rng(0)
    table = atlas.towns()
    town = rng.choice(len(table), 15_000, p=table.population / table.population.sum())
    points = sphere.offset(
        table.latlon[town], rng.uniform(0, 360, 15_000), rng.exponential(8, 15_000)
    )
    cells, report = semantic(points, of_atlas("districts"), PRESETS["small"])
    assert cells.polygons is not None
    assert shapely.is_valid(cells.polygons).all()
    borders = atlas.country_polygons()
    own = np.array([borders[code] for code in cells.parents["countries"]], dtype=object)
    assert shapely.area(shapely.difference(cells.polygons, own)).max() < 1e-6
    # Neighbouring regions' own borders cross by metres in the atlas; the first of two cells counts.
    one, other = shapely.STRtree(cells.polygons).query(cells.polygons, predicate="overlaps")
    shared = shapely.area(shapely.intersection(cells.polygons[one], cells.polygons[other]))
    assert shared.sum() / 2 < 1e-4 * shapely.area(cells.polygons).sum()
    large = cells.counts > 60
    assert {cells.ids[i] for i in np.flatnonzero(large)} <= set(report.unsplit) | {
        cell for cell, count in zip(cells.ids, cells.counts, strict=True) if count <= 66
    }
