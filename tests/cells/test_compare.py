"""The table that sets partitions side by side."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.cells.adaptive import adaptive
from graticule.cells.cities import cities
from graticule.cells.compare import compare, gini, lines
from graticule.errors import PartitionError
from worlds import towns


def test_gini_of_known_counts() -> None:
    assert gini([5, 5, 5]) == pytest.approx(0)
    assert gini([0, 0, 0, 8]) == pytest.approx(0.75)
    assert gini([1, 3]) == pytest.approx(0.25)
    assert gini([]) == 0


def test_rows_say_what_the_cells_hold() -> None:
    points = np.concatenate([towns([(48.8566, 2.3522)], 30, 2.0), [[0.0, 0.0]]])
    ten, fine = compare([cities(), adaptive(points, 5, 1, name="fine")], points)
    assert (ten.cells, ten.used, ten.fewest, ten.most) == (10, 1, 30, 30)
    assert ten.outside == pytest.approx(1 / 31)
    assert 0 < ten.median_km < 4
    assert fine.median_km < ten.median_km
    table = lines([ten, fine])
    assert table[0].startswith("partition")
    assert "cities" in table[1]
    assert len({len(line) for line in table}) == 1


def test_photos_all_outside_and_none_at_all() -> None:
    (row,) = compare([cities()], [[0, 0]])
    assert (row.used, row.most, row.outside) == (0, 0, 1)
    assert np.isnan(row.median_km)
    with pytest.raises(PartitionError, match="no photo"):
        compare([cities()], np.empty((0, 2)))
