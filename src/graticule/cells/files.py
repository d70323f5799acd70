"""Partitions on disk: GeoParquet that QGIS and geopandas open, one row a cell.

The geometry is WKB, the polygon of a cell or else its point; the rest are plain columns, and a map
for each kind of unit that training photos were counted by. What the kind of partition needs beside
its cells (an S2 level, a radius) stands in the file's metadata.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule.errors import PartitionError
from graticule.files import atomic_path

if TYPE_CHECKING:
    import pyarrow as pa

    from graticule.cells.partition import Partition, Tally

#: The newest layout this version reads.
SCHEMA_VERSION = 1
_KEY = b"graticule"

#: Kind in the file → "module:class".
KINDS: dict[str, str] = {
    "semantic": "graticule.cells.semantic.build:Semantic",
    "areas": "graticule.cells.areas:Areas",
    "regions": "graticule.cells.regions:Regions",
    "s2": "graticule.cells.adaptive:S2Cells",
    "countries": "graticule.cells.countries:Countries",
    "cities": "graticule.cells.cities:Cities",
    "gallery": "graticule.cells.gallery:Gallery",
    "combinatorial": "graticule.cells.combinatorial:Combinatorial",
}


def write_partition(partition: Partition, path: str | Path) -> None:
    """Write a partition as GeoParquet 1.1, whole or not at all."""
    import pyarrow.parquet as pq

    with atomic_path(path) as part:
        pq.write_table(_table(partition), part, compression="zstd")


def to_bytes(partition: Partition) -> bytes:
    """The file that :func:`write_partition` writes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(_table(partition), sink, compression="zstd")
    return bytes(sink.getvalue())


def _table(partition: Partition) -> pa.Table:
    import pyarrow as pa
    import shapely

    points = shapely.points(partition.centers[:, 1], partition.centers[:, 0])
    geometry = points if partition.polygons is None else partition.polygons
    columns: dict[str, Any] = {
        "id": list(partition.ids),
        "name": list(partition.names),
        "lat": partition.centers[:, 0],
        "lon": partition.centers[:, 1],
        "photos": partition.counts,
        "area_km2": partition.areas_km2,
    }
    columns |= {f"parent:{name}": list(ids) for name, ids in partition.parents.items()}
    columns |= {
        f"photos:{kind}": _maps(tally, len(partition)) for kind, tally in partition.tallies.items()
    }
    columns["geometry"] = shapely.to_wkb(geometry).tolist()
    own = {
        "schema_version": SCHEMA_VERSION,
        "kind": partition.kind,
        "name": partition.name,
        "settings": partition.settings(),
    }
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        # Without a CRS the standard means OGC:CRS84: WGS84 degrees, longitude first.
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
    }
    metadata = {_KEY: json.dumps(own).encode(), b"geo": json.dumps(geo).encode()}
    return pa.table(columns).replace_schema_metadata(metadata)


def _maps(tally: Tally, cells: int) -> pa.Array:
    """A tally as a column: of each cell, code of a unit → photos."""
    import pyarrow as pa

    rows: list[list[tuple[str, int]]] = [[] for _ in range(cells)]
    entries = zip(tally.cells.tolist(), tally.units.tolist(), tally.photos.tolist(), strict=True)
    for cell, unit, photos in entries:
        rows[cell].append((unit, photos))
    return pa.array(rows, pa.map_(pa.string(), pa.int64()))


def read_partition(path: str | Path) -> Partition:
    """Read a partition that :func:`write_partition` wrote.

    Raises:
        PartitionError: the file is missing, is not a partition, or is from a newer version.
    """
    source = Path(path)
    if not source.is_file():
        raise PartitionError(f"{source}: no such partition; see graticule cells build --help")
    return _read(source, str(source))


def from_bytes(content: bytes) -> Partition:
    """Read what :func:`to_bytes` made; raises as :func:`read_partition`."""
    import pyarrow as pa

    return _read(pa.BufferReader(content), "a partition inside a file")


def _read(source: Any, title: str) -> Partition:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A file, not a dataset: a folder named like key=value must not add a column.
        table = pq.ParquetFile(source).read()
    except (pa.ArrowInvalid, OSError) as error:
        raise PartitionError(f"{title}: not a Parquet file ({error})") from error
    try:
        own = json.loads((table.schema.metadata or {})[_KEY])
        version, target = int(own["schema_version"]), KINDS.get(own["kind"])
    except (KeyError, ValueError, TypeError) as error:
        raise PartitionError(
            f"{title}: a Parquet file, but not a partition of graticule; "
            "graticule cells build makes one"
        ) from error
    if version > SCHEMA_VERSION or target is None:
        raise PartitionError(
            f"{title}: partition layout {version}, kind {own['kind']!r}, is newer than this "
            "graticule; pip install -U graticule"
        )
    try:
        return _build(target, own, table)
    except (KeyError, TypeError, ValueError, pa.ArrowInvalid) as error:
        raise PartitionError(
            f"{title}: a partition with missing or broken columns ({error}); build it again"
        ) from error


def _numbers(table: pa.Table, column: str) -> npt.NDArray[np.float64]:
    # pyarrow's own way to numpy imports pandas where it is installed: half a second of each start.
    return np.array(table[column].to_pylist(), dtype=np.float64)


def _tally(table: pa.Table, column: str) -> Tally:
    """What :func:`_maps` wrote."""
    from graticule.cells.partition import Tally

    rows = enumerate(table[column].to_pylist())
    entries = [(cell, unit, photos) for cell, row in rows for unit, photos in row or ()]
    cells, units, photos = zip(*entries, strict=True) if entries else ((), (), ())
    return Tally(np.array(cells, np.int64), np.array(units, np.str_), np.array(photos, np.int64))


def _build(target: str, own: dict[str, Any], table: pa.Table) -> Partition:
    """The partition of a file's table and metadata."""
    import shapely

    geometry = shapely.from_wkb(np.array(table["geometry"].to_pylist(), dtype=object))
    only_points = bool((shapely.get_type_id(geometry) == 0).all())
    module, name = target.split(":")
    kind: type[Partition] = getattr(importlib.import_module(module), name)
    return kind.from_settings(
        name=own["name"],
        ids=tuple(table["id"].to_pylist()),
        centers=np.stack([_numbers(table, "lat"), _numbers(table, "lon")], axis=1),
        names=tuple(table["name"].to_pylist()),
        counts=_numbers(table, "photos").astype(np.int64),
        areas_km2=_numbers(table, "area_km2"),
        polygons=None if only_points else geometry,
        parents={
            column.removeprefix("parent:"): tuple(table[column].to_pylist())
            for column in table.column_names
            if column.startswith("parent:")
        },
        tallies={
            column.removeprefix("photos:"): _tally(table, column)
            for column in table.column_names
            if column.startswith("photos:")
        },
        **own["settings"],
    )
