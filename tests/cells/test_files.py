"""Partitions as files that strangers open, and broken ones that are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graticule import sphere
from graticule.cells.adaptive import adaptive
from graticule.cells.cities import cities
from graticule.cells.combinatorial import combinatorial, random_parts
from graticule.cells.countries import countries
from graticule.cells.files import read_partition
from graticule.cells.gallery import gallery
from graticule.cells.partition import Partition, Tally
from graticule.cells.regions import regions
from graticule.errors import PartitionError
from worlds import grid, towns

POINTS = towns([(10.5, 70.5), (10.6, 71.5), (12.2, 73.5)], 30, 20.0)


def every_kind() -> list[Partition]:
    return [
        countries(["FR", "FJ", "FR", "RU"], borders=True),
        regions(POINTS, grid()),
        cities({"FJ:Suva": (-18.14, 178.44), "FR:Paris": (48.86, 2.35)}, radius_km=300),
        adaptive(POINTS, 20, 1),
        gallery(POINTS),
        combinatorial(POINTS, random_parts(POINTS, 2, 5)),
    ]


@pytest.mark.parametrize("made", every_kind(), ids=lambda made: made.kind)
def test_what_is_written_is_read_and_opened_by_geopandas(made: Partition, tmp_path: Path) -> None:
    file = tmp_path / "cells.parquet"
    made.to_parquet(file)
    back = Partition.from_parquet(file)
    assert type(back) is type(made)
    assert (back.ids, back.names, back.parents) == (made.ids, made.names, made.parents)
    np.testing.assert_array_equal(back.centers, made.centers)
    points = np.concatenate([POINTS, sphere.uniform(500, np.random.default_rng(0))])
    np.testing.assert_array_equal(back.assign(points), made.assign(points))

    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.read_parquet(file)
    assert frame["id"].tolist() == list(made.ids)
    assert frame.crs.to_epsg() in {4326, None}
    assert frame.crs.is_geographic
    assert frame.geometry.is_valid.all()
    bounds = frame.total_bounds
    assert (np.abs(bounds) <= [180, 90, 180, 90]).all()


def test_photos_counted_by_unit_are_read_again(tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas")
    for made in every_kind():
        last = len(made) - 1
        cells, units = np.array([0, 0, last]), np.array(["", "IN-TG/Ranga Reddy", "IN-UP"])
        told = replace(made, tallies={"regions": Tally(cells, units, np.array([3, 1, 2]))})
        told.to_parquet(tmp_path / "cells.parquet")
        back = read_partition(tmp_path / "cells.parquet").tallies["regions"]
        np.testing.assert_array_equal(back.cells, cells)
        np.testing.assert_array_equal(back.units, units)
        np.testing.assert_array_equal(back.photos, [3, 1, 2])
        frame = geopandas.read_parquet(tmp_path / "cells.parquet")
        assert dict(frame["photos:regions"][last]) == {"IN-UP": 2}
        made.to_parquet(tmp_path / "cells.parquet")
        assert read_partition(tmp_path / "cells.parquet").tallies == {}


def test_every_place_has_one_cell_or_none_and_a_convex_cell_has_its_centre() -> None:
    points = sphere.uniform(3000, np.random.default_rng(1))
    for made in every_kind():
        own = made.assign(points)
        assert own.shape == (3000,)
        assert own.min() >= -1
        assert own.max() < len(made)
        if made.kind in {"s2", "cities", "gallery"}:
            np.testing.assert_array_equal(made.assign(made.centers), np.arange(len(made)))


def test_broken_files_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    good = tmp_path / "good.parquet"
    cities().to_parquet(good)
    table = pq.read_table(good)
    pq.write_table(table.drop_columns(["lat"]), tmp_path / "bare.parquet")
    with pytest.raises(PartitionError, match="missing or broken columns"):
        read_partition(tmp_path / "bare.parquet")
    words = table.append_column("photos:regions", pa.array(["three"] * len(table)))
    pq.write_table(words, tmp_path / "words.parquet")
    with pytest.raises(PartitionError, match="missing or broken columns"):
        read_partition(tmp_path / "words.parquet")
    whole = good.read_bytes()
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PartitionError, match="not a Parquet"):
        read_partition(tmp_path / "half.parquet")
    newer = table.schema.metadata[b"graticule"].replace(
        b'"schema_version": 1', b'"schema_version": 9'
    )
    pq.write_table(
        table.replace_schema_metadata({**table.schema.metadata, b"graticule": newer}),
        tmp_path / "newer.parquet",
    )
    with pytest.raises(PartitionError, match="newer"):
        read_partition(tmp_path / "newer.parquet")
    with pytest.raises(PartitionError, match="no such partition"):
        read_partition(tmp_path / "none.parquet")
