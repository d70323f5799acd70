"""The second OPTICS and the borders of its groups."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import OPTICS

from graticule.cells.semantic.groups import (
    Grouping,
    group_cells,
    group_partition,
    smooth_borders,
)
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
