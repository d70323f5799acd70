"""Products of coarse partitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule.belief import normalise
from graticule.cells.combinatorial import Combinatorial, combinatorial, random_parts
from graticule.cells.files import read_partition
from graticule.errors import PartitionError
from worlds import towns

POINTS = towns([(10, 20), (12, 22), (48, 2), (-33, 151), (0, 180)], 60, 80.0)


def made() -> Combinatorial:
    return combinatorial(POINTS, random_parts(POINTS, 3, 8, seed=4))


def test_products_are_finer_than_their_parts_and_hold_every_photo() -> None:
    cells = made()
    own = cells.assign(POINTS)
    assert len(cells) > 8
    np.testing.assert_array_equal(np.bincount(own, minlength=len(cells)), cells.counts)
    for part, column in zip(cells.parts, cells.codes.T, strict=True):
        np.testing.assert_array_equal(part.assign(POINTS), column[own])


def test_sum_and_product_of_beliefs() -> None:
    cells = made()
    rng = np.random.default_rng(0)
    log_p = [normalise(rng.normal(size=(1, 8))) for _ in range(3)]
    p = np.stack([np.exp(part[0])[own] for part, own in zip(log_p, cells.codes.T, strict=True)])
    np.testing.assert_allclose(np.exp(cells.combine(log_p)[0]), p.sum(axis=0), rtol=1e-5)
    product = cells.combine(log_p, "product")[0]
    np.testing.assert_allclose(np.exp(product), p.prod(axis=0), rtol=1e-5)


def test_saved_and_loaded_is_equal(tmp_path: Path) -> None:
    cells = made()
    cells.to_parquet(tmp_path / "c.parquet")
    back = read_partition(tmp_path / "c.parquet")
    assert isinstance(back, Combinatorial)
    assert back.ids == cells.ids
    np.testing.assert_array_equal(back.assign(POINTS), cells.assign(POINTS))


def test_a_combination_without_photos_is_outside() -> None:
    one, other = random_parts(POINTS, 2, 8)
    few = combinatorial(POINTS[:60], [one, other])
    assert (few.assign(POINTS[120:180]) == -1).all()


def test_what_cannot_be_overlaid_is_named() -> None:
    one, _ = random_parts(POINTS, 2, 8)
    with pytest.raises(PartitionError, match="two partitions"):
        combinatorial(POINTS, [one])
    with pytest.raises(PartitionError, match="different names"):
        combinatorial(POINTS, [one, one])
    with pytest.raises(PartitionError, match="places"):
        random_parts(POINTS[:3], 2, 8)
