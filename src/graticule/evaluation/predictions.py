"""Predictions of any system, read from the table it wrote.

A CSV with ``path``, ``lat``, ``lon``; optional ``country`` (the first choice) or ``countries``
(best first, separated by ``;``), ``cities`` likewise, ``confidence``, and radii ``radius_50`` … in
km. Or the JSON lines that ``graticule locate --format json`` writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule.errors import GraticuleError

FloatArray = npt.NDArray[np.float64]

#: Names other projects give to the columns.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "path": ("img_id", "img_path", "image", "file", "filename", "photo", "id"),
    "lat": ("latitude", "pred_lat", "p_lat"),
    "lon": ("lng", "long", "longitude", "pred_lon", "pred_lng", "p_lon"),
    "country": ("country_code", "pred_country"),
}


@dataclass(frozen=True)
class Predictions:
    """What one system said, one row a photo.

    Attributes:
        name: of the system.
        paths: photo of each row.
        latlon: float64 (n, 2), NaN where it gave no point (it abstained, or has none to give).
        countries: for each photo the codes it named, best first; empty where it named none.
        cities: likewise, names.
        radius_km: coverage in percent → float64 (n,).
        confidence: float64 (n,), probability of the first choice; NaN where unknown.
        abstained: bool (n,).
        notes: what was suspected or mended while reading, one line each.
    """

    name: str
    paths: tuple[str, ...]
    latlon: FloatArray
    countries: tuple[tuple[str, ...], ...] = ()
    cities: tuple[tuple[str, ...], ...] = ()
    radius_km: Mapping[int, FloatArray] = field(default_factory=dict)
    confidence: FloatArray = field(default_factory=lambda: np.empty(0))
    abstained: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.paths)
        if not self.countries:
            object.__setattr__(self, "countries", ((),) * n)
        if not self.cities:
            object.__setattr__(self, "cities", ((),) * n)
        if len(self.confidence) == 0:
            object.__setattr__(self, "confidence", np.full(n, np.nan))
        if len(self.abstained) == 0:
            object.__setattr__(self, "abstained", np.isnan(self.latlon).any(axis=1))

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, rows: npt.NDArray[np.int64]) -> Predictions:
        """The given rows, in the given order."""
        return Predictions(
            self.name,
            tuple(self.paths[i] for i in rows),
            self.latlon[rows],
            tuple(self.countries[i] for i in rows),
            tuple(self.cities[i] for i in rows),
            {level: km[rows] for level, km in self.radius_km.items()},
            self.confidence[rows],
            self.abstained[rows],
            self.notes,
        )


def read_predictions(path: str | Path, name: str | None = None) -> Predictions:
    """Read a CSV or JSON-lines file of predictions.

    Raises:
        GraticuleError: the file is missing, empty, or has no column for the photo or the place.
    """
    source = Path(path)
    if not source.is_file():
        raise GraticuleError(f"{source}: no such file of predictions")
    if source.suffix.lower() in {".jsonl", ".ndjson", ".json"}:
        return _from_answers(source, name or source.stem)
    return _from_csv(source, name or source.stem)


def _from_csv(source: Path, name: str) -> Predictions:
    import pyarrow as pa
    import pyarrow.csv as pacsv

    text = pacsv.ConvertOptions(column_types={}, strings_can_be_null=True)
    try:
        table = pacsv.read_csv(source, convert_options=text)
    except pa.ArrowInvalid as error:
        raise GraticuleError(f"{source}: not a CSV table ({str(error).splitlines()[0]})") from error
    names: dict[str, str] = {
        column.strip().lstrip("\ufeff").lower(): column for column in table.column_names
    }

    def find(wanted: str) -> str | None:
        for known in (wanted, *SYNONYMS.get(wanted, ())):
            if known in names:
                return names[known]
        return None

    photo = find("path")
    if photo is None:
        raise GraticuleError(
            f"{source}: no column 'path' (there is {', '.join(table.column_names)}); "
            "name the column that holds the photo 'path'"
        )
    if find("lat") is None and find("country") is None and "countries" not in names:
        raise GraticuleError(f"{source}: neither 'lat' and 'lon' nor 'country' is a column")

    def numbers(column: str | None) -> FloatArray:
        if column is None:
            return np.full(len(table), np.nan)
        values = table[column]
        if pa.types.is_string(values.type):
            return np.array([_number(v) for v in values.to_pylist()])
        return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False))

    def lists(plural: str, single: str | None) -> tuple[tuple[str, ...], ...]:
        column = names.get(plural) or single
        if column is None:
            return ()
        return tuple(_split(v) for v in table[column].to_pylist())

    latlon = np.stack([numbers(find("lat")), numbers(find("lon"))], axis=1)
    radii = {
        level: numbers(names[f"radius_{level}"])
        for level in range(1, 100)
        if f"radius_{level}" in names
    }
    return Predictions(
        name,
        tuple(str(v) for v in table[photo].to_pylist()),
        latlon,
        lists("countries", find("country")),
        lists("cities", names.get("city")),
        radii,
        numbers(names.get("confidence")),
    )


def _from_answers(source: Path, name: str) -> Predictions:
    rows = []
    with source.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise GraticuleError(
                    f"{source}: line {number} is not JSON ({error.msg})"
                ) from error
    if not rows:
        raise GraticuleError(f"{source}: no predictions in it")
    return from_answers(rows, name)


def from_answers(rows: Sequence[Mapping[str, object]], name: str) -> Predictions:
    """Predictions from answers as JSON objects (``Answer.model_dump(mode="json")``)."""

    def coordinates(row: Mapping[str, object]) -> tuple[float, float]:
        point = row.get("point")
        if not isinstance(point, Mapping):
            return (np.nan, np.nan)
        return float(point["lat"]), float(point["lon"])

    def field_of(row: Mapping[str, object], key: str, inner: str) -> tuple[str, ...]:
        found = row.get(key) or ()
        return tuple(str(item[inner]) for item in found)  # type: ignore[attr-defined]

    levels = sorted({int(level) for row in rows for level in (row.get("radius_km") or {})})  # type: ignore[attr-defined]
    return Predictions(
        name,
        tuple(str(row["photo"]) for row in rows),
        np.array([coordinates(row) for row in rows], dtype=np.float64).reshape(-1, 2),
        tuple(field_of(row, "countries", "code") for row in rows),
        tuple(field_of(row, "cities", "name") for row in rows),
        {
            level: np.array(
                [(row.get("radius_km") or {}).get(str(level), np.nan) for row in rows]  # type: ignore[attr-defined]
            )
            for level in levels
        },
        np.array(
            [
                (row["countries"][0]["probability"] if row.get("countries") else np.nan)  # type: ignore[index]
                for row in rows
            ],
            dtype=np.float64,
        ),
        np.array([bool(row.get("abstained")) or bool(row.get("error")) for row in rows]),
    )


def _split(value: object) -> tuple[str, ...]:
    if value is None or str(value).strip() == "":
        return ()
    return tuple(part.strip() for part in str(value).split(";") if part.strip())


def _number(value: object) -> float:
    try:
        return float(str(value).strip())
    except ValueError:
        return float("nan")
