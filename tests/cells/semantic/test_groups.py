"""The second OPTICS and the borders of its groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import OPTICS

from graticule.cells.semantic.groups import (
    Grouping,
    connected,
    group_cells,
    group_partition,
    smooth_borders,
)
from graticule.cells.semantic.neighbours import neighbours
from graticule.cells.semantic.optics import clusters_by
from graticule.errors import PartitionError

#: Two clumps of towns, 3,000 km apart.
PLACES = np.concatenate([base + np.random.default_rng(0).normal(0, 0.5, (8, 2)) for base in
                         (np.array([10.0, 70.0]), np.array([30.0, 90.0]))])  # fmt: skip


def test_rows_of_distances_give_what_the_whole_matrix_gives() -> None:
    points = np.random.default_rng(1).normal(0, 1, (60, 3)) + np.repeat(np.eye(3) * 9, 20, axis=0)
    matrix = np.linalg.norm(points[:, None] - points, axis=2)
    found = clusters_by(lambda i: matrix[i], 60, 5, 0.05, 5)
    theirs = OPTICS(min_samples=5, xi=0.05, min_cluster_size=5, metric="precomputed").fit(matrix)
    np.testing.assert_array_equal(found, theirs.labels_)


def test_alpha_chooses_between_the_ground_and_the_eye() -> None:
    looks = np.tile([[1.0, 0.0], [0.0, 1.0]], (8, 1)) + np.random.default_rng(2).normal(
        0, 0.02, (16, 2)
    )
    ground = group_cells(PLACES, looks, Grouping(alpha=1.0, min_samples=3, borders=False))
    eye = group_cells(PLACES, looks, Grouping(alpha=0.0, min_samples=3, borders=False))
    assert not set(ground[:8]) & set(ground[8:])
    assert not set(eye[::2]) & set(eye[1::2])


def test_a_speck_goes_to_the_group_around_it_and_halves_stay() -> None:
    lat, lon = np.meshgrid(np.arange(6.0), np.arange(10.0), indexing="ij")
    places = np.column_stack([lat.ravel(), lon.ravel()])
    halves = (places[:, 1] >= 5).astype(np.int64)
    specked = halves.copy()
    specked[np.flatnonzero((places == [2, 2]).all(axis=1))] = 1
    np.testing.assert_array_equal(smooth_borders(places, specked), halves)
    np.testing.assert_array_equal(smooth_borders(places, halves), halves)


def hangs_together(places: np.ndarray, groups: np.ndarray) -> bool:
    """Whether each group is one piece, by a walk over its own neighbours."""
    pairs = neighbours(places)
    for group in np.unique(groups):
        left = set(np.flatnonzero(groups == group).tolist())
        reached, beside = set(), {min(left)}
        while beside:
            reached |= beside
            touch = pairs[np.isin(pairs, list(beside)).any(axis=1)]
            beside = (set(touch.ravel().tolist()) & left) - reached
        if reached != left:
            return False
    return True


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 90), st.integers(1, 5), st.integers(2, 4))
def test_every_group_hangs_together_and_stays_so(seed: int, n: int, k: int, fewest: int) -> None:
    rng = np.random.default_rng(seed)
    towns = np.stack([rng.uniform(-80, 80, 4), rng.uniform(-180, 180, 4)], axis=1)
    places = towns[rng.integers(0, 4, n)] + rng.normal(0, rng.choice([0.0, 0.01, 3.0]), (n, 2))
    groups = rng.integers(0, k, n)
    found = connected(places, groups, fewest)
    assert hangs_together(places, found)
    np.testing.assert_array_equal(connected(places, found, fewest), found)
    # Nothing is left behind that is too small and was not a group before.
    _, sizes = np.unique(found[found >= k], return_counts=True)
    assert (sizes >= fewest).all()


def test_a_group_on_both_sides_of_another_is_two() -> None:
    clump = np.random.default_rng(0).normal(0, 0.3, (12, 2))
    places = np.concatenate([clump + np.array([20.0, lon]) for lon in (70.0, 75.0, 80.0)])
    groups = np.repeat([0, 1, 0], 12)
    assert not hangs_together(places, smooth_borders(places, groups))
    np.testing.assert_array_equal(connected(places, groups, 2), np.repeat([0, 1, 2], 12))
    looks = np.repeat([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], 12, axis=0)
    looks = looks + np.random.default_rng(1).normal(0, 0.01, looks.shape)
    eye = {"alpha": 0.0, "min_samples": 6}
    assert not hangs_together(places, group_cells(places, looks, Grouping(**eye, borders=False)))
    assert hangs_together(places, group_cells(places, looks, Grouping(**eye)))


def test_a_piece_that_is_too_small_goes_to_the_nearer_group() -> None:
    lon = np.array([0.0, 1, 2, 3, 10, 11, 12, 13, 19, 20, 21])
    places = np.stack([np.zeros(11), lon], axis=1)
    groups = np.array([0, 0, 0, 0, 1, 1, 1, 0, 2, 2, 2])
    np.testing.assert_array_equal(connected(places, groups, 2)[7], 1)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_cells(n: int) -> None:
    found = group_cells(PLACES[:n], np.ones((n, 2)))
    assert len(found) == n
    assert set(found) == set(range(found.max() + 1))


def test_cells_without_photos_or_all_alike() -> None:
    found = group_cells(PLACES, np.full((16, 2), np.nan))
    assert set(found) == set(range(found.max() + 1))
    same = group_cells(np.zeros((16, 2)), np.ones((16, 2)))
    assert len(same) == 16


def test_groups_are_the_union_of_their_cells() -> None:
    from graticule.cells.adaptive import adaptive

    cells = adaptive(PLACES, 4, 1, name="cells")
    groups = np.arange(len(cells)) % 2
    made = group_partition(cells, groups)
    assert made.counts.sum() == cells.counts.sum()
    assert made.areas_km2.sum() == pytest.approx(
        cells_area(cells), rel=1e-4
    )  # edges of other vertices
    inside = cells.assign(PLACES)
    np.testing.assert_array_equal(made.assign(PLACES), groups[inside])


def cells_area(cells: object) -> float:
    from graticule.cells.geometry import areas_km2

    return float(areas_km2(cells.shapes()).sum())  # type: ignore[attr-defined]


def test_senseless_settings_are_named() -> None:
    with pytest.raises(PartitionError, match="alpha 2"):
        Grouping(alpha=2)
