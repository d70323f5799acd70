"""Cities as discs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule import sphere
from graticule.cells.cities import TEN_CITIES, Cities, cities
from graticule.cells.files import read_partition
from graticule.errors import PartitionError


def test_the_ten_of_s3_hold_their_own_centres() -> None:
    ten = cities()
    assert len(ten) == len(TEN_CITIES) == 10
    assert ten.assign(ten.centers).tolist() == list(range(10))


def test_the_radius_is_the_border() -> None:
    one = cities({"FJ:Suva": (-18.14, 178.44)}, radius_km=200)
    ring = sphere.circle(one.centers[0], 199.9)
    assert (one.assign(ring) == 0).all()
    assert (one.assign(sphere.circle(one.centers[0], 200.1)) == -1).all()


def test_saved_and_loaded_is_equal(tmp_path: Path) -> None:
    ten = cities(counts=np.arange(10), radius_km=30)
    ten.to_parquet(tmp_path / "c.parquet")
    back = read_partition(tmp_path / "c.parquet")
    assert isinstance(back, Cities)
    assert (back.ids, back.names, back.radius_km) == (ten.ids, ten.names, 30)
    np.testing.assert_array_equal(back.centers, ten.centers)
    np.testing.assert_array_equal(back.counts, ten.counts)
    assert back.parents == ten.parents


@pytest.mark.parametrize(
    ("places", "radius", "words"),
    [
        ({}, 1, "no city"),
        ({"Paris": (48, 2)}, 1, "COUNTRY:Name"),
        ({"FR:Paris": (48, 2)}, 0, "positive"),
        ({"FR:Paris": (480, 2)}, 1, "latitude"),
    ],
)
def test_bad_lists_are_named(places: dict, radius: float, words: str) -> None:
    from graticule.errors import GraticuleError

    with pytest.raises(GraticuleError, match=words):
        cities(places, radius_km=radius)


def test_a_parquet_file_of_others_is_no_partition(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x": [1]}), tmp_path / "x.parquet")
    with pytest.raises(PartitionError, match="not a partition"):
        read_partition(tmp_path / "x.parquet")
    (tmp_path / "y.parquet").write_bytes(b"no")
    with pytest.raises(PartitionError, match="not a Parquet"):
        read_partition(tmp_path / "y.parquet")
