"""Where the rows of a manifest come from: a CSV, a Parquet file, or a table in memory; lazily.

Every source yields the same thing: batches in the file's order, numbers as float64 and everything
else as text, unknown values null.
"""

from __future__ import annotations

import csv
import difflib
import io
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graticule.errors import ManifestError
from graticule.photos import schema

if TYPE_CHECKING:
    import pyarrow as pa

#: Bytes of a CSV that are parsed at a time; some 40,000 rows.
BLOCK_BYTES = 4 << 20
#: Rows of a Parquet batch.
BATCH_ROWS = 65_536

_DECIMAL_COMMA = r"^\s*([+-]?\d+),(\d+)\s*$"
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"


class BadRow(NamedTuple):
    """A line of a CSV that has more or fewer values than the header has columns."""

    row: int
    values: int
    expected: int
    text: str


class Source(ABC):
    """Rows of a manifest."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""

    @abstractmethod
    def raw(
        self, columns: list[str], bad_rows: list[BadRow] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Pass over the rows, in order, as they stand in the file.

        Args:
            columns: those wanted.
            bad_rows: gets the lines that have too many or too few values and are passed over.
        """

    def batches(
        self, columns: list[str], bad_rows: list[BadRow] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Pass over the rows, in order, every column in the type of the schema."""
        yield from map(typed, self.raw(columns, bad_rows))


def open_source(path: Path) -> Source:
    """The rows of a file, by its ending.

    Raises:
        ManifestError: it is not there, not a table, or its columns cannot be a manifest's.
    """
    if not path.is_file():
        why = "a folder, not a table" if path.is_dir() else "no such file"
        raise ManifestError(
            f"{path}: {why}; a manifest is a CSV or Parquet file (docs/manifest.md)"
        )
    source = ParquetSource(path) if path.suffix.lower() in {".parquet", ".pq"} else CsvSource(path)
    _check_columns(path, source.columns)
    return source


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise ManifestError(f"{path}: column {twice[0]!r} stands twice in the header; rename one")
    for name in ("path", *(pair for pair in ("lat", "lon") if {"lat", "lon"} & set(columns))):
        if name not in columns:
            raise ManifestError(
                f"{path}: no column {name!r} (it has: {', '.join(columns[:12])})"
                + _rename(name, columns)
            )


def _rename(name: str, columns: tuple[str, ...]) -> str:
    others = schema.OTHER_NAMES.get(name, "").split()
    near = [column for column in columns if column.strip().lower() in {name, *others}]
    near = near or difflib.get_close_matches(name, columns, n=1, cutoff=0.75)
    return f"; rename {near[0]!r} to {name!r}" if near else "; add it"


def numbers(column: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Read text as numbers.

    A decimal comma is read as a point; words for "unknown" become null.

    Returns:
        float64 values, null where unknown or unreadable, and which values are unreadable.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        values = column.cast(pa.float64())
        return pc.if_else(pc.is_nan(values), None, values), pa.nulls(
            len(values), pa.bool_()
        ).fill_null(False)
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    unknown = pc.or_kleene(pc.is_null(text), pc.is_in(text, pa.array(schema.UNKNOWN_NUMBER)))
    good = pc.fill_null(pc.match_substring_regex(text, _NUMBER), False)
    if pc.any(pc.and_not(pc.invert(unknown), good)).as_py():
        text = pc.replace_substring_regex(text, _DECIMAL_COMMA, r"\1.\2")
        good = pc.fill_null(pc.match_substring_regex(text, _NUMBER), False)
    values = pc.if_else(good, text, None).cast(pa.float64())
    return values, pc.and_not(pc.invert(unknown), good)


def trimmed(column: pa.Array) -> pa.Array:
    """Values as text without space around; moments as ISO 8601."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        seconds = column.cast(pa.timestamp("s", column.type.tz), safe=False)
        column = pc.strftime(seconds, format="%Y-%m-%dT%H:%M:%S")
    return pc.utf8_trim_whitespace(column.cast(pa.string()))


def _text(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = trimmed(column)
    return pc.if_else(pc.is_in(text, pa.array(schema.UNKNOWN_TEXT)), None, text)


def typed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch with every column in the type of the schema."""
    import pyarrow as pa

    arrays = [
        numbers(batch.column(i))[0] if schema.kind_of(name) == "number" else _text(batch.column(i))
        for i, name in enumerate(batch.schema.names)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


@dataclass(frozen=True)
class MemorySource(Source):
    """A table in memory, as :func:`typed` leaves it."""

    table: pa.Table

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.table.schema.names)

    def raw(
        self, columns: list[str], bad_rows: list[BadRow] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows as they stand in the table."""
        yield from self.table.select(columns).to_batches(BATCH_ROWS)


@dataclass(frozen=True)
class ParquetSource(Source):
    """A Parquet file, read a batch at a time."""

    path: Path

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return tuple(pq.read_schema(self.path).names)
        except (pa.ArrowInvalid, OSError) as error:
            raise ManifestError(f"{self.path}: not a Parquet file ({_first_line(error)})") from None

    def raw(
        self, columns: list[str], bad_rows: list[BadRow] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows as they stand in the file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            # Not as a dataset, whose scan reads ahead of who asks, up to the whole file.
            with pq.ParquetFile(self.path, pre_buffer=False) as file:
                for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                    if batch.num_rows:
                        yield batch.select(columns)
        except (pa.ArrowInvalid, OSError) as error:
            raise ManifestError(f"{self.path}: breaks off ({_first_line(error)})") from None


@dataclass(frozen=True)
class CsvSource(Source):
    """A CSV file, read as a stream of blocks."""

    path: Path

    @cached_property
    def _head(self) -> tuple[str, tuple[str, ...]]:
        """The separator and the names of the columns."""
        with self.path.open("rb") as handle:
            start = handle.read(65_536)
        if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            raise ManifestError(f"{self.path}: UTF-16 text; save it as UTF-8")
        if not start.strip():
            raise ManifestError(
                f"{self.path}: empty file; a manifest needs at least a column 'path'"
            )
        if b"\0" in start:
            raise ManifestError(f"{self.path}: not a text file; a manifest is CSV or Parquet")
        line = start.decode("utf-8-sig", "replace").lstrip().splitlines()[0]
        separator = max(",;\t", key=line.count)
        names = next(csv.reader(io.StringIO(line), delimiter=separator))
        known = {name: name for name in schema.BY_NAME}
        return separator, tuple(known.get(n.strip().lower(), n.strip()) for n in names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self._head[1]

    def raw(
        self, columns: list[str], bad_rows: list[BadRow] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows as text, nothing changed."""
        import pyarrow as pa
        import pyarrow.csv as pa_csv

        def note(row: Any) -> str:
            if bad_rows is not None:
                bad_rows.append(
                    BadRow(row.number, row.actual_columns, row.expected_columns, row.text[:120])
                )
            return "skip"

        separator, names = self._head
        try:
            with pa_csv.open_csv(
                self.path,
                # One thread: only then are rows numbered, and the parser is not what takes time.
                read_options=pa_csv.ReadOptions(
                    use_threads=False, block_size=BLOCK_BYTES, skip_rows=1, column_names=list(names)
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=separator, newlines_in_values=True, invalid_row_handler=note
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=False,
                    include_columns=columns,
                ),
            ) as reader:
                for batch in reader:
                    if batch.num_rows:
                        yield batch
        except pa.ArrowInvalid as error:
            words = _first_line(error)
            if "UTF8" in words:
                raise ManifestError(f"{self.path}: not UTF-8 ({words}); save it as UTF-8") from None
            if "Empty CSV" in words:
                return
            raise ManifestError(f"{self.path}: not a CSV table ({words})") from None
        except OSError as error:
            raise ManifestError(f"{self.path}: cannot be read ({_first_line(error)})") from None


@dataclass(frozen=True)
class JoinedSource(Source):
    """Rows of one source with columns of a table beside them, matched by a key.

    Attributes:
        left: whose rows pass.
        right: the key, unique, and the columns to add.
        on: the key.
    """

    left: Source
    right: pa.Table
    on: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the left, then those that are added."""
        return (*self.left.columns, *(n for n in self.right.column_names if n != self.on))

    def batches(
        self, columns: list[str], bad_rows: list[BadRow] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Pass over the left's rows, in order, in the types of the schema."""
        yield from self._joined(self.left.batches(self._needed(columns), bad_rows), columns)

    def raw(
        self, columns: list[str], bad_rows: list[BadRow] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Pass over the left's rows as they stand in its file."""
        yield from self._joined(self.left.raw(self._needed(columns), bad_rows), columns)

    def _needed(self, columns: list[str]) -> list[str]:
        return [name for name in self.left.columns if name in columns or name == self.on]

    def _joined(
        self, batches: Iterator[pa.RecordBatch], columns: list[str]
    ) -> Iterator[pa.RecordBatch]:
        import pyarrow.compute as pc

        keys = self.right.column(self.on).combine_chunks()
        for batch in batches:
            # The row of the right for each of the left, null where there is none.
            rows = pc.index_in(batch.column(self.on), value_set=keys)
            for name in self.right.column_names:
                if name != self.on and name in columns:
                    taken = self.right.column(name).combine_chunks().take(rows)
                    batch = batch.append_column(name, taken)  # noqa: PLW2901
            yield batch.select(columns)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
