"""Prototypes: what is stored, what is picked, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule import sphere
from graticule.errors import BundleError, GraticuleError
from graticule.refine.prototypes import HOWS, Prototypes, Refiner, build

pytest.importorskip("sklearn")

#: Two towns of cell 0 with looks of their own, one town of cell 1; cell 2 has no photo.
TOWNS = np.array([[10.0, 70.0], [10.5, 70.5], [30.0, 90.0]])
LOOKS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
CENTERS = np.array([[10.25, 70.25], [30.0, 90.0], [50.0, 20.0]])


def collection(a_town: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    town = np.repeat([0, 1, 2], a_town)
    vectors = LOOKS[town] + rng.normal(0, 0.1, (len(town), 2))
    places = TOWNS[town] + rng.normal(0, 0.002, (len(town), 2))
    return vectors, places, np.array([0, 0, 1])[town]


def refiner(how: str = "prototypes", **changes: float) -> Refiner:
    return Refiner(build(*collection()), CENTERS, how, **changes)


def test_a_cell_with_two_towns_has_two_prototypes_at_their_mean_look() -> None:
    stored = build(*collection())
    away = np.linalg.norm(stored.vectors[:, None] - LOOKS, axis=2)
    assert (away.min(axis=1) < 0.3).all()  # none is a mean of two towns
    found = set(zip(stored.cells.tolist(), away.argmin(axis=1).tolist(), strict=True))
    assert found == {(0, 0), (0, 1), (1, 2)}
    assert len(stored.photo_places) == 36


@pytest.mark.parametrize("how", ["prototypes", "nearest", "weighted"])
def test_the_look_decides_within_the_cell(how: str) -> None:
    points = refiner(how).points(np.array([[0, 1]] * 2), np.array([[0.9, 0.1]] * 2), LOOKS[:2])
    assert (sphere.haversine(points, TOWNS[:2]) < 2).all()


def test_the_mean_is_the_cells_own_place() -> None:
    points = refiner("mean").points(np.array([[1, 0]]), np.array([[0.9, 0.1]]), LOOKS[:1])
    np.testing.assert_allclose(points, CENTERS[[1]])


def test_a_likely_cell_outweighs_a_slightly_better_look() -> None:
    between = np.array([[0.0, 5.2]])  # 0.4 nearer to the town of cell 1
    both = np.array([[0, 1]])
    unlikely = refiner(limit_km=9e9).points(both, np.array([[0.9, 0.1]]), between)
    likely = refiner(limit_km=9e9).points(both, np.array([[0.5, 0.5]]), between)
    assert sphere.haversine(unlikely, TOWNS[0]) < 2
    assert sphere.haversine(likely, TOWNS[2]) < 2


def test_no_point_is_moved_past_the_limit() -> None:
    at_cell_1 = np.array([[0.0, 10.0]])
    found = refiner().points(np.array([[0, 1]]), np.array([[0.6, 0.4]]), at_cell_1)
    np.testing.assert_allclose(found, CENTERS[[0]])  # the town of cell 1 is 3,000 km away


def test_cells_without_prototypes_keep_their_place() -> None:
    found = refiner().points(np.array([[2]]), np.array([[1.0]]), LOOKS[:1])
    np.testing.assert_allclose(found, CENTERS[[2]])


@given(st.integers(0, 200), st.sampled_from(HOWS))
def test_every_point_lies_near_its_likeliest_cell(seed: int, how: str) -> None:
    rng = np.random.default_rng(seed)
    cells = np.array([rng.permutation(3) for _ in range(4)])
    p = rng.dirichlet(np.ones(3), 4)
    found = refiner(how, limit_km=100.0).points(cells, p, rng.normal(0, 9, (4, 2)))
    start = CENTERS[cells[np.arange(4), p.argmax(axis=1)]]
    assert (sphere.haversine(found, start) <= 100.0 + 1e-6).all()


def test_photos_at_one_place_and_unread_photos() -> None:
    vectors, places, cells = collection()
    vectors[0] = np.nan
    stored = build(vectors, np.broadcast_to(TOWNS[0], places.shape), cells)
    assert stored.cells.tolist() == [0, 1]
    assert len(stored.photo_places) == 35
    assert np.isfinite(stored.vectors).all()


def test_no_photo_in_any_cell() -> None:
    vectors, places, cells = collection()
    empty = Refiner(build(vectors, places, np.full_like(cells, -1)), CENTERS)
    found = empty.points(np.array([[1]]), np.array([[1.0]]), LOOKS[:1])
    np.testing.assert_allclose(found, CENTERS[[1]])


def test_vectors_of_another_encoder_are_named() -> None:
    with pytest.raises(GraticuleError, match="length 3, the prototypes' have 2"):
        refiner().points(np.array([[0]]), np.array([[1.0]]), np.zeros((1, 3)))


def test_senseless_settings_are_named() -> None:
    with pytest.raises(GraticuleError, match="'closest'"):
        Refiner(None, CENTERS, "closest")
    for few in (1, 0, -3):
        with pytest.raises(GraticuleError, match=f"min_samples {few}"):
            build(*collection(), min_samples=few)


def test_written_and_read_again(tmp_path: Path) -> None:
    stored = build(*collection())
    stored.save(tmp_path / "p.safetensors")
    again = Prototypes.load(tmp_path / "p.safetensors")
    points = [
        Refiner(s, CENTERS).points(np.array([[0, 1]]), np.array([[0.5, 0.5]]), LOOKS[[1]])
        for s in (stored, again)
    ]
    np.testing.assert_array_equal(*points)
    (tmp_path / "p.safetensors").write_bytes(b"cut off")
    with pytest.raises(BundleError, match="not prototypes"):
        Prototypes.load(tmp_path / "p.safetensors")
