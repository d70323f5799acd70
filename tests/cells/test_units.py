"""Cells hand their probability to the units that their training photos lie in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.cells.gallery import gallery
from graticule.cells.partition import Partition, Tally
from graticule.cells.units import KINDS, shares, tallied
from graticule.errors import PartitionError

AGRA, LUCKNOW, LYON, OCEAN = (27.18, 78.02), (26.85, 80.95), (45.76, 4.84), (-40.0, -120.0)
WIDE, SMALL = 1e6, 1e3


def cells(*areas_km2: float) -> Partition:
    made = gallery([AGRA, LUCKNOW, LYON][: len(areas_km2)])
    return replace(made, areas_km2=np.array(areas_km2))


def table(partition: Partition, kind: str) -> dict[tuple[int, str], float]:
    found: dict[tuple[int, str], float] = {}
    cells_, codes, parts = (column.tolist() for column in shares(partition, kind))
    for cell, code, share in zip(cells_, codes, parts, strict=True):
        found[cell, code] = found.get((cell, code), 0.0) + share
    return found


def test_a_wide_cell_that_nobody_counted_lies_in_no_unit() -> None:
    assert table(cells(WIDE, SMALL, SMALL), "districts") == {(1, "IN-UP/Lucknow"): 1.0}


def test_photos_and_the_center_of_a_small_cell_tell() -> None:
    photos = np.array([AGRA, LUCKNOW, OCEAN, LYON])
    told = tallied(cells(SMALL, WIDE), np.array([0, 0, 0, 1]), photos)
    small = table(told, "districts")
    assert small == {(0, "IN-UP/Agra"): 0.5, (0, "IN-UP/Lucknow"): 0.25}
    # One photo speaks for no whole cell of a thousand kilometres.
    assert sum(p for (cell, _), p in table(told, "regions").items() if cell == 1) == 0.5


def test_photos_in_no_unit_count_for_none() -> None:
    told = tallied(cells(SMALL), np.zeros(3, np.int64), np.array([OCEAN, OCEAN, OCEAN]))
    assert table(told, "regions") == {(0, "IN-UP"): 0.25}
    assert tallied(cells(WIDE), np.empty(0, np.int64), np.empty((0, 2))).tallies == {}


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_the_shares_of_a_cell_never_exceed_one(seed: int, photos: int) -> None:
    rng = np.random.default_rng(seed)
    own = rng.integers(0, 3, photos)
    latlon = np.column_stack([rng.uniform(5, 37, photos), rng.uniform(66, 98, photos)])
    bare = cells(*rng.choice([WIDE, SMALL], 3))
    told = tallied(bare, own, latlon)
    for kind in KINDS:
        cell, _, share = shares(told, kind)
        assert (share > 0).all()
        assert (np.bincount(cell, share, minlength=3) <= 1 + 1e-12).all()
        tally = told.tallies[kind]
        counted = np.bincount(tally.cells, tally.photos, minlength=3)
        np.testing.assert_array_equal(counted, np.bincount(own, minlength=3))
    # Another photo raises its unit's share of its cell, and no other's.
    more = tallied(bare, np.append(own, 0), np.vstack([latlon, AGRA]))
    before, after = table(told, "districts"), table(more, "districts")
    assert after[0, "IN-UP/Agra"] >= before.get((0, "IN-UP/Agra"), 0.0)
    assert all(after[pair] <= p + 1e-12 for pair, p in before.items() if pair[1] != "IN-UP/Agra")


def test_photos_of_a_cell_that_is_none_are_refused() -> None:
    wrong = Tally(np.array([1]), np.array(["IN-UP"]), np.array([2]))
    with pytest.raises(PartitionError, match="photos by regions"):
        replace(cells(WIDE), tallies={"regions": wrong})
