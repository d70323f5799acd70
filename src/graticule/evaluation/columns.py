"""Tables as other projects write them: any separator, any of the usual names, every value a text.

Values are read as texts and turned into numbers here, so that a photo called ``0001`` keeps its
zeros and Namibia, ``NA``, is no missing value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule.errors import GraticuleError

if TYPE_CHECKING:
    import pyarrow as pa

FloatArray = npt.NDArray[np.float64]

#: What a predicted coordinate is called; those that cannot be the truth's come first, since many
#: tables hold both (``gt_lat``, ``predicted_lat``).
PREDICTED: Mapping[str, str] = {
    "path": "path img_id img_path image_id image_path image image_name file filename file_name "
    "filepath file_path photo photo_id name id key",
    "lat": "pred_lat predicted_lat lat_pred p_lat prediction_lat lat_prediction pred_latitude "
    "predicted_latitude latitude_pred latitude_predicted lat_predicted est_lat lat_est guess_lat "
    "lat_guess lat latitude",
    "lon": "pred_lon pred_lng pred_long predicted_lon predicted_lng predicted_long lon_pred "
    "lng_pred long_pred p_lon p_lng p_long prediction_lon prediction_lng lon_prediction "
    "lng_prediction pred_longitude predicted_longitude longitude_pred longitude_predicted "
    "lon_predicted lng_predicted est_lon est_lng lon_est lng_est guess_lon guess_lng lon_guess "
    "lng_guess lon lng long longitude",
    "country": "pred_country predicted_country country_pred country country_code",
    "region": "pred_region predicted_region region_pred region",
    "city": "pred_city predicted_city city_pred city",
    "confidence": "confidence score prob probability",
}
#: One column that holds both numbers of a predicted place.
PREDICTED_PAIR = (
    "pred predicted prediction pred_coords predicted_coords pred_gps coordinates coords"
)
#: What the truth is called in a table of predictions; a bare ``lat`` is truth only beside a
#: prediction of another name.
TRUTH: Mapping[str, str] = {
    "lat": "gt_lat true_lat truth_lat lat_true lat_gt target_lat label_lat actual_lat gt_latitude "
    "true_latitude latitude_true latitude_gt lat latitude",
    "lon": "gt_lon gt_lng gt_long true_lon true_lng true_long truth_lon truth_lng lon_true "
    "lng_true long_true lon_gt lng_gt long_gt target_lon target_lng label_lon label_lng actual_lon "
    "actual_lng gt_longitude true_longitude longitude_true longitude_gt lon lng long longitude",
}
#: What a manifest's columns are called in the tables of benchmarks.
BENCHMARK: Mapping[str, str] = {
    "path": PREDICTED["path"],
    "lat": TRUTH["lat"],
    "lon": TRUTH["lon"],
    "country": "country country_code iso cc",
    "region": "region",
    "city": "city",
    "photographer": "photographer author user user_id owner userid uid",
    "sequence": "sequence sequence_id",
    "captured_at": "captured_at date_taken datetaken",
}


def read_table(source: Path, notes: list[str] | None = None) -> pa.Table:
    """A CSV, TSV, Parquet, JSON or JSON-lines file, every value as text ("" where there is none).

    Args:
        source: the file.
        notes: a list that gets a line on rows that are none.

    Raises:
        GraticuleError: the file is missing, empty, or none of these.
    """
    if not source.is_file():
        raise GraticuleError(f"{source}: no such file")
    kind = source.suffix.lower()
    if kind in {".parquet", ".pq"}:
        return _parquet(source)
    if kind in {".json", ".jsonl", ".ndjson"}:
        return _objects(source)
    return _separated(source, [] if notes is None else notes)


def _separated(source: Path, notes: list[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as pacsv

    with source.open(encoding="utf-8-sig", errors="replace") as handle:
        head = handle.readline().rstrip("\r\n")
    if not head.strip():
        raise GraticuleError(f"{source}: empty; a table of predictions has a header and rows")
    mark = max("\t;,", key=head.count)
    cells = [cell.strip().strip('"') for cell in head.split(mark)]
    # A first row of path, number, number is no header.
    bare = len(cells) >= 3 and not np.isnan(number(cells[1])) and not np.isnan(number(cells[2]))
    names = ["path", "lat", "lon", *(f"column {i}" for i in range(4, len(cells) + 1))]
    bad: list[int] = []

    def skip(row: Any) -> str:
        bad.append(row.number or 0)
        return "skip"

    reading = pacsv.ReadOptions(column_names=names if bare else None, use_threads=False)
    parsing = pacsv.ParseOptions(delimiter=mark, invalid_row_handler=skip)
    try:
        with pacsv.open_csv(source, reading, parsing) as reader:
            columns = reader.schema.names
        bad.clear()
        table = pacsv.read_csv(
            source,
            reading,
            parsing,
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise GraticuleError(f"{source}: not a CSV table ({str(error).splitlines()[0]})") from error
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise GraticuleError(f"{source}: two columns are called {twice!r}; rename one")
    if bad:
        notes.append(
            f"{len(bad):,} lines of {source.name} have too many or too few values and were left "
            f"out, the first is line {min(bad)}"
        )
    return table


def _parquet(source: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(source)
    except (pa.ArrowInvalid, OSError) as error:
        raise GraticuleError(f"{source}: not a Parquet file") from error
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            columns[name] = pc.fill_null(column.cast(pa.string()), "")
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            columns[name] = pa.array([_text(value) for value in column.to_pylist()], pa.string())
    return pa.table(columns)


def _objects(source: Path) -> pa.Table:
    import pyarrow as pa

    rows = json_objects(source)
    names: dict[str, None] = {}
    for row in rows:
        names |= dict.fromkeys(row)
    return pa.table(
        {name: pa.array([_text(row.get(name)) for row in rows], pa.string()) for name in names}
    )


def json_objects(source: Path) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file, of a JSON array, or of a JSON object of photo → place.

    Raises:
        GraticuleError: it is none of these, or empty; a broken line is named.
    """
    text = source.read_text(encoding="utf-8-sig")
    rows: list[Any] = []
    try:
        whole = json.loads(text) if source.suffix.lower() == ".json" else None
    except json.JSONDecodeError:
        whole = None
    if isinstance(whole, list):
        rows = whole
    elif isinstance(whole, dict) and "photo" not in whole:
        rows = [_of_pair(name, value) for name, value in whole.items()]
    else:
        for line_number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise GraticuleError(
                    f"{source}: line {line_number} is not JSON ({error.msg})"
                ) from error
    if not rows:
        raise GraticuleError(f"{source}: no predictions in it")
    if not all(isinstance(row, dict) for row in rows):
        raise GraticuleError(f"{source}: each prediction must be an object of named values")
    return rows


def _of_pair(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"path": name, **value}
    if isinstance(value, list) and len(value) >= 2:
        return {"path": name, "lat": value[0], "lon": value[1]}
    return {"path": name, "pred": value}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value) if not isinstance(value, list | tuple) else ";".join(map(str, value))


def find(table: pa.Table, names: str) -> str | None:
    """The table's column that has the first of these names, whatever its case."""
    known = {plain(column): column for column in reversed(table.column_names)}
    return next((known[name] for name in names.split() if name in known), None)


def plain(name: str) -> str:
    """A column's name without case, spaces, dashes and a byte-order mark."""
    return re.sub(r"[\s.-]+", "_", name.strip().lstrip("\ufeff").lower())


def texts(table: pa.Table, column: str | None) -> list[str]:
    """A column's texts, "" everywhere if there is none."""
    if column is None:
        return [""] * table.num_rows
    return [value or "" for value in table[column].to_pylist()]


def numbers(table: pa.Table, column: str | None) -> FloatArray:
    """A column as float64 (n,), NaN for what is no number; decimal commas are understood."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column is None:
        return np.full(table.num_rows, np.nan)
    trimmed = pc.utf8_trim_whitespace(table[column])
    empty = pc.equal(trimmed, "")
    try:
        parsed = pc.if_else(empty, None, trimmed).cast(pa.float64())
        return np.asarray(parsed.to_numpy(zero_copy_only=False), dtype=np.float64)
    except pa.ArrowInvalid:
        return np.array([number(value) for value in trimmed.to_pylist()], dtype=np.float64)


def number(text: str) -> float:
    """One number, NaN where it is none."""
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 else text)
    except ValueError:
        return float("nan")


def pairs(values: Sequence[str]) -> FloatArray:
    """Two numbers from each text as ``(48.85, 2.35)``, float64 (n, 2), NaN where there are none."""
    out = np.full((len(values), 2), np.nan)
    for row, text in enumerate(values):
        found = re.findall(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text)
        if len(found) == 2:
            out[row] = [float(value) for value in found]
    return out
