"""Votes of training photos: whom they are for, and that compression keeps them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule.errors import BundleError
from graticule.refine.memory import Memory, build


def three_cells(n: int = 60, dim: int = 32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    cells = np.arange(n) % 3
    centers = 3 * rng.standard_normal((3, dim))
    return (centers[cells] + rng.standard_normal((n, dim))).astype(np.float32), cells


def test_a_photo_like_those_of_a_cell_is_voted_into_it() -> None:
    vectors, cells = three_cells()
    votes = build(vectors, cells, np.ones(60), 16).votes(vectors, 5, 0.05)
    assert (votes.argmax(axis=1) == cells).all()
    np.testing.assert_allclose(votes.sum(axis=1), 1)
    assert (votes[:, 3:] == 0).all()  # no photo is of these


def test_votes_weigh_and_do_not_depend_on_the_order_of_the_photos() -> None:
    vectors, cells = three_cells()
    weight = np.where(cells == 2, 1000.0, 1.0)
    turn = np.random.default_rng(1).permutation(60)
    query = vectors[:4].mean(axis=0, keepdims=True)
    even = build(vectors, cells, np.ones(60), 16).votes(query, 3, 0.5)
    heavy = build(vectors, cells, weight, 16).votes(query, 3, 0.5)
    turned = build(vectors[turn], cells[turn], weight[turn], 16).votes(query, 3, 0.5)
    assert heavy[0, 2] > even[0, 2]
    np.testing.assert_allclose(heavy, turned, atol=1e-5)


def test_photos_without_a_cell_or_a_vector_are_left_out() -> None:
    vectors, cells = three_cells()
    vectors[0], cells[1] = np.nan, -1
    assert len(build(vectors, cells, np.ones(60), 8)) == 58


def test_saved_and_loaded_it_votes_the_same(tmp_path: Path) -> None:
    vectors, cells = three_cells()
    made = build(vectors, cells, np.ones(60), 16)
    made.save(tmp_path / "m.safetensors")
    again = Memory.load(tmp_path / "m.safetensors")
    np.testing.assert_allclose(made.votes(vectors, 3, 0.1), again.votes(vectors, 3, 0.1), atol=0.02)


def test_another_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(b"nonsense")
    with pytest.raises(BundleError, match=r"m\.safetensors: not a memory"):
        Memory.load(tmp_path / "m.safetensors")
