"""A manifest: the one table that photos and what is known of them come in.

CSV or Parquet, one row a photo; ``graticule.photos.schema`` names the columns and
``docs/manifest.md`` explains them. A manifest is read lazily: :meth:`Manifest.batches` passes over
millions of rows in bounded memory, :attr:`Manifest.table` holds all of them for whoever needs it.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule.errors import ManifestError
from graticule.photos import schema
from graticule.photos.tables import BadRow, Source, open_source

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc


def read(path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None) -> Manifest:
    """Open a manifest; its rows are read when they are asked for.

    Separators (comma, semicolon, tab), a byte-order mark, Windows line ends and decimal commas are
    understood. A coordinate that is not a number reads as unknown and a row with too many or too
    few values is passed over; ``graticule data check`` names each.

    Args:
        path: a ``.csv``, ``.tsv`` or ``.parquet`` file.
        root: the folder that ``path`` values are relative to; the manifest's own by default.

    Raises:
        ManifestError: the file cannot be read, or has no column ``path``.
    """
    file = Path(path)
    return Manifest(file, Path(root) if root is not None else file.parent, open_source(file))


def from_table(table: pa.Table, path: str | os.PathLike[str]) -> Manifest:
    """A manifest of a table in memory, which belongs at ``path``."""
    from graticule.photos.tables import MemorySource

    file = Path(path)
    return Manifest(file, file.parent, MemorySource(table))


@dataclass(frozen=True, eq=False)
class Manifest:
    """Photos and what is known of them.

    Attributes:
        path: the file.
        root: the folder that the photos' paths are relative to.
        source: where batches of rows come from.
        where: only rows that fulfil this expression, or None for all.
    """

    path: Path
    root: Path
    source: Source
    where: pc.Expression | None = field(default=None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the file's order."""
        return self.source.columns

    def batches(
        self, columns: Sequence[str] | None = None, *, bad_rows: list[BadRow] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Pass over the rows in the file's order, some ten thousand at a time.

        Numbers are float64, everything else is text; unknown values are null.

        Args:
            columns: only these, all by default.
            bad_rows: a list that gets the lines which are no rows.

        Raises:
            ManifestError: a column is not there, or the file breaks off.
        """
        wanted = list(self.columns if columns is None else columns)
        for name in wanted:
            self.need(name)
        if self.where is None:
            yield from self.source.batches(wanted, bad_rows)
            return
        for batch in self.source.batches(list(self.columns), bad_rows):
            kept = batch.filter(self.where)
            if kept.num_rows:
                yield kept.select(wanted)

    def need(self, name: str) -> None:
        """Make sure that there is a column ``name``.

        Raises:
            ManifestError: there is none; the message names the columns that are there.
        """
        if name not in self.columns:
            raise ManifestError(
                f"{self.path}: no column {name!r} (it has: {', '.join(self.columns)})"
            )

    @cached_property
    def table(self) -> pa.Table:
        """All rows in memory."""
        import pyarrow as pa

        batches = list(self.batches())
        if not batches:
            kinds = {"number": pa.float64(), "text": pa.string()}
            return pa.schema(
                [(name, kinds[schema.kind_of(name)]) for name in self.columns]
            ).empty_table()
        return pa.Table.from_batches(batches)

    def __len__(self) -> int:
        if "table" in self.__dict__:
            return int(self.table.num_rows)
        return sum(batch.num_rows for batch in self.batches(["path"]))

    @cached_property
    def latlon(self) -> npt.NDArray[np.float64]:
        """Coordinates, float64 (n, 2) degrees, latitude first; NaN where unknown."""
        if "lat" not in self.columns:
            return np.full((len(self), 2), np.nan)
        # From the batches, so that the rest of the table need not be in memory.
        parts = [np.empty((0, 2))]
        for batch in self.batches(["lat", "lon"]):
            pair = [batch.column(i).to_numpy(zero_copy_only=False) for i in range(2)]
            parts.append(np.stack(pair, axis=1).astype(np.float64))
        return np.concatenate(parts)

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """A column of numbers, float64 (n,); NaN where unknown or where there is no such column."""
        if name not in self.columns:
            return np.full(len(self), np.nan)
        return np.asarray(self.table.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)

    def column(self, name: str) -> npt.NDArray[np.str_]:
        """A column as text (n,); "" where unknown or where there is no such column."""
        if name not in self.columns:
            return np.full(len(self), "", dtype=np.str_)
        return np.array(["" if v is None else str(v) for v in self.table.column(name).to_pylist()])

    def files(self) -> list[Path]:
        """The photos as files, in the order of the rows.

        Raises:
            ManifestError: a path is empty, absolute or leaves the manifest's folder.
        """
        return [self.file(name) for name in self.column("path")]

    def file(self, name: str) -> Path:
        """The file of one ``path`` value.

        Raises:
            ManifestError: it is empty, absolute or leaves the manifest's folder.
        """
        problem = path_problem(name)
        if problem:
            raise ManifestError(
                f"{self.path}: path {str(name)!r} {problem}; graticule data check {self.path} "
                "--good-rows FILE leaves such rows out"
            )
        return self.root / name

    def filter(self, rows: pc.Expression | npt.NDArray[Any]) -> Manifest:
        """Only some rows: by an expression (lazily), a mask (n,) or row numbers (k,)."""
        if isinstance(rows, np.ndarray):
            import pyarrow as pa

            from graticule.photos.tables import MemorySource

            chosen = (
                self.table.filter(pa.array(rows)) if rows.dtype == bool else self.table.take(rows)
            )
            return Manifest(self.path, self.root, MemorySource(chosen))
        return replace(self, where=rows if self.where is None else self.where & rows)

    def join(self, other: Manifest, columns: Sequence[str], *, on: str = "path") -> Manifest:
        """This manifest with columns of another beside it, matched by a key; lazily.

        Rows pass in this manifest's order, those without a match with unknown values; the other's
        key and columns are held in memory.

        Args:
            other: where the columns come from; its keys must differ.
            columns: which of its columns.
            on: the key, a column of both.

        Raises:
            ManifestError: a column is missing or would stand twice, or a key of ``other`` repeats.
        """
        from graticule.photos.tables import JoinedSource

        for manifest, names in ((self, [on]), (other, [on, *columns])):
            for name in names:
                manifest.need(name)
        double = sorted(set(columns) & set(self.columns))
        if double:
            raise ManifestError(f"{self.path}: has a column {double[0]!r} already; leave it out")
        right = other.table.select([on, *columns])
        keys = right.column(on)
        if len(keys.unique()) < len(keys):
            raise ManifestError(
                f"{other.path}: {on!r} names some photos twice; graticule data check finds them"
            )
        return replace(self, source=JoinedSource(self.source, right, on))


def path_problem(name: str) -> str:
    """Why a ``path`` value may not be followed, "" if it may.

    A manifest is data, perhaps of somebody else: it must not name files outside its folder.
    """
    if not name:
        return "is empty"
    plain = name.replace("\\", "/")
    if plain.startswith("/") or plain[1:2] == ":":
        return "is absolute (paths are relative to the manifest)"
    if posixpath.normpath(plain).split("/")[0] == "..":
        return "leaves its folder"
    if "\0" in name:
        return "holds a NUL"
    return ""


def write(batches: Iterable[pa.RecordBatch] | pa.Table, path: str | os.PathLike[str]) -> int:
    """Write rows as CSV or Parquet by the file's ending, whole or not at all.

    Args:
        batches: a table, or batches of one schema, which are written as they come.
        path: where to; ``.parquet`` writes Parquet, anything else CSV.

    Returns:
        The number of rows.

    Raises:
        ManifestError: there is no batch to take the columns from.
        GraticuleError: the file cannot be written; what was there is whole.
    """
    import pyarrow as pa

    from graticule.files import atomic_path

    source = batches.to_batches() if isinstance(batches, pa.Table) else batches
    if isinstance(batches, pa.Table) and not batches.num_rows:
        source = [pa.RecordBatch.from_pylist([], schema=batches.schema)]
    iterator = iter(source)
    first = next(iterator, None)
    if first is None:
        raise ManifestError(f"{path}: no rows to write")
    rows = 0
    with atomic_path(path) as part, _writer(part, first.schema) as writer:
        while first is not None:
            writer.write_batch(first)
            rows += first.num_rows
            first = next(iterator, None)
    return rows


def replace_column(
    manifest: Manifest, name: str, values: npt.NDArray[np.object_], path: str | os.PathLike[str]
) -> int:
    """Write the manifest with one column replaced or added; see :func:`replace_columns`."""
    return replace_columns(manifest, {name: values}, path)


def replace_columns(
    manifest: Manifest,
    columns: Mapping[str, npt.NDArray[np.object_]],
    path: str | os.PathLike[str],
) -> int:
    """Write the manifest with columns of values (n,), in bounded memory; returns the rows.

    A column of that name is replaced where it stands, others are added at the end; every other
    stays as it is. "" and NaN are written as unknown.

    Raises:
        ManifestError: lines of the file cannot be read as rows; they would be lost.
        GraticuleError: the file cannot be written; what was there is whole.
    """
    import pyarrow as pa

    malformed: list[BadRow] = []
    names = list(dict.fromkeys((*manifest.columns, *columns)))
    types = {
        name: pa.float64() if schema.kind_of(name) == "number" else pa.string() for name in columns
    }

    def filled() -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in manifest.batches(bad_rows=malformed):
            here = dict(zip(batch.schema.names, batch.columns, strict=True))
            for name, values in columns.items():
                part = values[start : start + batch.num_rows]
                known = [None if v == "" or v != v else v for v in part]  # noqa: PLR0124
                here[name] = pa.array(known, type=types[name])
            start += batch.num_rows
            yield pa.RecordBatch.from_arrays([here[n] for n in names], names=names)
        if malformed:
            raise ManifestError(
                f"{manifest.path}: row {malformed[0].row} has {malformed[0].values} values for "
                f"{malformed[0].expected} columns and would be lost; graticule data check "
                f"{manifest.path} --good-rows FILE, then use that"
            )

    return write(filled(), path)


def _writer(part: Path, columns: pa.Schema) -> Any:
    if part.suffix.lower() in {".parquet", ".pq"}:
        import pyarrow.parquet as pq

        return pq.ParquetWriter(part, columns, compression="zstd")
    return CsvWriter(part, columns)


class CsvWriter:
    """Batches as CSV: commas, Unix line ends, quotes only where a value needs them.

    Arrow's own writer quotes every text.
    """

    def __init__(self, path: Path, columns: pa.Schema) -> None:
        import csv

        self._handle = path.open("w", encoding="utf-8", newline="")
        csv.writer(self._handle, lineterminator="\n").writerow(columns.names)

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a batch."""
        import pyarrow.compute as pc

        lines = pc.binary_join_element_wise(*(_quoted(column) for column in batch.columns), ",")
        for line in lines.to_pylist():
            self._handle.write(line + "\n")

    def __enter__(self) -> CsvWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.close()


def _quoted(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.fill_null(column.cast(pa.string()), "")
    special = pc.match_substring_regex(text, r'[",\r\n]')
    if not pc.any(special).as_py():
        return text
    doubled = pc.replace_substring(text, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), text)
