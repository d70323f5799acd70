"""The learned offset: it follows what the picture says, and moves nothing where that is noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule import sphere
from graticule.errors import BundleError, GraticuleError
from graticule.refine.offset import Offsets, fit
from graticule.refine.prototypes import Refiner

CENTERS = np.array([[20.0, 75.0], [10.0, 78.0], [30.0, 90.0]])


def collection(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photos up to 40 km from their cell: numbers 0 and 1 of a vector say where, cells differ."""
    rng = np.random.default_rng(seed)
    cells = np.repeat([0, 1], n)
    km = rng.uniform(-30, 30, (2 * n, 2))
    turned = np.where(cells[:, None] == 1, -km, km)  # the same look means another direction
    vectors = np.concatenate([turned / 10, rng.normal(size=(2 * n, 6))], axis=1)
    bearing = np.degrees(np.arctan2(km[:, 0], km[:, 1]))
    places = sphere.offset(CENTERS[cells], bearing, np.linalg.norm(km, axis=1))
    return vectors.astype(np.float32), places, cells


def test_photos_that_were_left_out_come_nearer() -> None:
    vectors, places, cells = collection()
    learned = np.arange(len(cells)) % 3 > 0
    made = fit(vectors[learned], places[learned], cells[learned], CENTERS)
    found = made.points(CENTERS, cells[~learned], vectors[~learned])
    before = sphere.haversine(CENTERS[cells[~learned]], places[~learned])
    after = sphere.haversine(found, places[~learned])
    assert np.median(after) < 0.3 * np.median(before)


def test_noise_moves_nothing_but_to_the_mean_of_the_photos() -> None:
    vectors, places, cells = collection()
    noise = np.random.default_rng(1).normal(size=vectors.shape).astype(np.float32)
    made = fit(noise, places, cells, CENTERS)
    found = made.points(CENTERS, cells, noise)
    mean = sphere.group_means(places, cells, 2)[cells]
    assert np.median(sphere.haversine(found, mean)) < 3


def test_no_point_leaves_the_reach_of_its_cells_photos() -> None:
    vectors, places, cells = collection()
    made = fit(vectors, places, cells, CENTERS)
    found = made.points(CENTERS, cells, 1000 * vectors)
    assert (sphere.haversine(found, CENTERS[cells]) <= made.reach_km[cells] + 1e-3).all()


def test_cells_of_few_photos_and_photos_without_a_vector_stay() -> None:
    vectors, places, cells = collection()
    made = fit(vectors, places, cells, CENTERS)
    found = made.points(CENTERS, np.array([2]), vectors[:1])
    np.testing.assert_allclose(found, CENTERS[[2]], atol=1e-9)
    lost = made.points(CENTERS, np.array([0]), np.full((1, 8), np.nan, np.float32))
    assert sphere.haversine(lost, CENTERS[[0]]) < 5
    few = fit(vectors[:4], places[:4], cells[:4], CENTERS)
    np.testing.assert_allclose(few.points(CENTERS, cells[:4], vectors[:4]), CENTERS[cells[:4]])


def test_photos_at_one_place() -> None:
    vectors, places, cells = collection()
    made = fit(vectors, np.broadcast_to(CENTERS[0], places.shape), np.zeros_like(cells), CENTERS)
    found = made.points(CENTERS, np.zeros_like(cells), vectors)
    assert (sphere.haversine(found, CENTERS[0]) < 1e-3).all()


def test_the_refiner_takes_it_within_its_limit() -> None:
    vectors, places, cells = collection()
    made = fit(vectors, places, cells, CENTERS)
    top, p = cells[:, None], np.ones((len(cells), 1))
    found = Refiner(None, CENTERS, "offset", offsets=made).points(top, p, vectors)
    np.testing.assert_allclose(found, made.points(CENTERS, cells, vectors))
    held = Refiner(None, CENTERS, "offset", limit_km=0.0, offsets=made).points(top, p, vectors)
    np.testing.assert_allclose(held, CENTERS[cells])
    without = Refiner(None, CENTERS, "offset").points(top, p, vectors)
    np.testing.assert_allclose(without, CENTERS[cells])


def test_vectors_of_another_encoder_are_named() -> None:
    made = fit(*collection(), CENTERS)
    with pytest.raises(GraticuleError, match="length 3, the offsets' have 8"):
        made.points(CENTERS, np.array([0]), np.zeros((1, 3), np.float32))


def test_written_and_read_again(tmp_path: Path) -> None:
    vectors, places, cells = collection()
    made = fit(vectors, places, cells, CENTERS)
    made.save(tmp_path / "o.safetensors")
    again = Offsets.load(tmp_path / "o.safetensors")
    np.testing.assert_array_equal(
        made.points(CENTERS, cells, vectors), again.points(CENTERS, cells, vectors)
    )
    assert again.ridge == made.ridge
    (tmp_path / "o.safetensors").write_bytes(b"cut off")
    with pytest.raises(BundleError, match="not offsets"):
        Offsets.load(tmp_path / "o.safetensors")
