"""The neighbour graph of cells: Gabriel's by its definition, in one piece."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from graticule import sphere
from graticule.cells.semantic.neighbours import neighbours


def pieces(n: int, pairs: np.ndarray) -> int:
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), (n, n))
    return int(connected_components(graph, directed=False)[0])


def by_definition(places: np.ndarray) -> set[tuple[int, int]]:
    """All pairs that see no third place at more than a right angle."""
    at = sphere.unit_vectors(places)
    found = set()
    for i in range(len(at)):
        for j in range(i + 1, len(at)):
            angles = ((at[i] - at) * (at[j] - at)).sum(axis=1)
            angles[[i, j]] = 0
            if (angles >= -1e-9).all():
                found.add((i, j))
    return found


@pytest.mark.parametrize("n", [2, 3, 5, 60, 90])
def test_pairs_are_those_of_the_definition(n: int) -> None:
    rng = np.random.default_rng(n)
    places = np.stack([rng.uniform(-80, 80, n), rng.uniform(-180, 180, n)], axis=1)
    assert set(map(tuple, neighbours(places).tolist())) == by_definition(places)


@given(st.integers(0, 10_000), st.integers(1, 120), st.sampled_from([0.0, 1e-5, 1e-3, 0.1, 20]))
def test_it_is_in_one_piece(seed: int, n: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    towns = np.stack([rng.uniform(-60, 60, 3), rng.uniform(-180, 180, 3)], axis=1)
    places = towns[rng.integers(0, 3, n)] + np.clip(rng.normal(0, spread, (n, 2)), -25, 25)
    assert pieces(n, neighbours(places)) == 1


@pytest.mark.parametrize(
    "places",
    [
        np.stack(np.meshgrid(np.arange(12.0), np.arange(10.0)), axis=-1).reshape(-1, 2),
        np.stack([np.zeros(100), np.linspace(-170, 170, 100)], axis=1),
        np.zeros((80, 2)),
        np.array([[90.0, 0.0], [90.0, 50.0], [-90.0, 0.0]]),
    ],
    ids=["grid", "equator", "one place", "poles"],
)
def test_places_in_rows_and_on_one_another(places: np.ndarray) -> None:
    pairs = neighbours(places)
    assert pieces(len(places), pairs) == 1
    assert (pairs[:, 0] < pairs[:, 1]).all()
