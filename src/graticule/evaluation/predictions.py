"""Predictions of any system, read from the table it wrote.

A table with ``path``, ``lat``, ``lon``, under these names or those of other projects
(:mod:`graticule.evaluation.columns`); optional ``country`` (the first choice) or ``countries``
(best first, separated by ``;``) with ``probabilities`` likewise, ``regions``, ``cities``,
``confidence`` (by default the first of ``probabilities``), radii ``radius_50`` … in km and areas
``area_50`` … in km². Or the JSON lines that ``graticule locate --format json`` writes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule.errors import GraticuleError
from graticule.evaluation import columns, probabilities
from graticule.evaluation.names import country_codes

if TYPE_CHECKING:
    import pyarrow as pa

    from graticule.evaluation.truth import Truth

FloatArray = npt.NDArray[np.float64]
Names = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Predictions:
    """What one system said, one row a photo.

    Attributes:
        name: of the system.
        paths: photo of each row.
        latlon: float64 (n, 2), NaN where it gave no point (it abstained, or has none to give).
        countries: for each photo the codes it named, best first; empty where it named none.
        shares: the probabilities of ``countries``, where it gave them.
        regions: names, likewise.
        cities: names, likewise.
        radius_km: coverage in percent → float64 (n,).
        area_km2: share of the belief in percent → area of the smallest set of cells that holds it,
            float64 (n,).
        confidence: float64 (n,), probability of the first choice; NaN where unknown.
        abstained: bool (n,), photos it would rather not have answered; a point or country that it
            gave all the same counts.
        notes: what was suspected or mended while reading, one line each.
        reads_files: whether the system might have read the files' metadata; ours do not.
    """

    name: str
    paths: tuple[str, ...]
    latlon: FloatArray
    countries: Names = ()
    shares: tuple[tuple[float, ...], ...] = ()
    regions: Names = ()
    cities: Names = ()
    radius_km: Mapping[int, FloatArray] = field(default_factory=dict)
    area_km2: Mapping[int, FloatArray] = field(default_factory=dict)
    confidence: FloatArray = field(default_factory=lambda: np.empty(0))
    abstained: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))
    notes: tuple[str, ...] = ()
    reads_files: bool = True

    def __post_init__(self) -> None:
        n = len(self.paths)
        for name in ("countries", "shares", "regions", "cities"):
            if not getattr(self, name):
                object.__setattr__(self, name, ((),) * n)
        if len(self.confidence) == 0:
            object.__setattr__(self, "confidence", np.full(n, np.nan))
        if len(self.abstained) == 0:
            silent = np.isnan(self.latlon).any(axis=1)
            if silent.all():  # it names countries alone
                silent = np.array([not named for named in self.countries], dtype=bool)
            object.__setattr__(self, "abstained", silent)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, rows: npt.NDArray[np.int64]) -> Predictions:
        """The given rows, in the given order."""
        return replace(
            self,
            paths=tuple(self.paths[i] for i in rows),
            latlon=self.latlon[rows],
            countries=tuple(self.countries[i] for i in rows),
            shares=tuple(self.shares[i] for i in rows),
            regions=tuple(self.regions[i] for i in rows),
            cities=tuple(self.cities[i] for i in rows),
            radius_km={level: km[rows] for level, km in self.radius_km.items()},
            area_km2={share: km2[rows] for share, km2 in self.area_km2.items()},
            confidence=self.confidence[rows],
            abstained=self.abstained[rows],
        )

    def beside(self, paths: tuple[str, ...], rows: npt.NDArray[np.int64]) -> Predictions:
        """One row for each of ``paths``: the given one, or where it is −1 that of silence."""
        silent = rows < 0

        def texts(column: tuple[tuple[Any, ...], ...]) -> tuple[tuple[Any, ...], ...]:
            return tuple(() if row < 0 else column[row] for row in rows.tolist())

        def numbers(column: FloatArray) -> FloatArray:
            return np.where(silent, np.nan, column[rows])

        return replace(
            self,
            paths=paths,
            latlon=np.where(silent[:, None], np.nan, self.latlon[rows]),
            countries=texts(self.countries),
            shares=texts(self.shares),
            regions=texts(self.regions),
            cities=texts(self.cities),
            radius_km={level: numbers(km) for level, km in self.radius_km.items()},
            area_km2={share: numbers(km2) for share, km2 in self.area_km2.items()},
            confidence=numbers(self.confidence),
            abstained=silent | self.abstained[rows],
        )


def read_predictions(path: str | Path, name: str | None = None) -> Predictions:
    """Read a table or JSON-lines file of predictions.

    Raises:
        GraticuleError: the file is missing, empty, or has no column for the photo or the place.
    """
    source = Path(path)
    if not source.is_file():
        raise GraticuleError(f"{source}: no such file of predictions")
    if source.suffix.lower() in {".jsonl", ".ndjson", ".json"}:
        rows = columns.json_objects(source)
        if "photo" in rows[0] and not {"lat", "pred_lat", "latitude"} & set(rows[0]):
            return from_answers(rows, name or source.stem)
    notes: list[str] = []
    table = columns.read_table(source, notes)
    return from_table(table, source, name or source.stem, notes)


def from_table(table: pa.Table, source: Path, name: str, notes: Sequence[str] = ()) -> Predictions:
    """Predictions of a table of texts.

    Raises:
        GraticuleError: a column is missing, there is no row, or probabilities are none.
    """
    said = list(notes)
    table = _one_partitioning(table, said)
    use = {key: columns.find(table, names) for key, names in columns.PREDICTED.items()}
    if use["path"] is None:
        raise GraticuleError(
            f"{source}: no column 'path' (there is {', '.join(table.column_names)}); "
            "name the column that holds the photo 'path'"
        )
    pair = columns.find(table, columns.PREDICTED_PAIR) if use["lat"] is None else None
    plural = {key: columns.find(table, key) for key in ("countries", "regions", "cities")}
    if not any((use["lat"] and use["lon"], pair, use["country"], plural["countries"])):
        raise GraticuleError(
            f"{source}: neither 'lat' and 'lon' nor 'country' is a column "
            f"(there is {', '.join(table.column_names)})"
        )
    if not table.num_rows:
        raise GraticuleError(f"{source}: no predictions in it, only a header")
    renamed = [f"{key} from {use[key]!r}" for key in ("path", "lat", "lon") if _other(use, key)]
    if renamed:
        said.append(f"columns of {source.name} were understood as {', '.join(renamed)}")
    if pair is not None:
        latlon = columns.pairs(columns.texts(table, pair))
    else:
        latlon = np.stack([columns.numbers(table, use[key]) for key in ("lat", "lon")], axis=1)

    def lists(many: str, one: str) -> Names:
        column = plural[many] or use[one]
        return tuple(map(_split, columns.texts(table, column))) if column else ()

    paths = tuple(columns.texts(table, use["path"]))
    column = columns.find(table, "probabilities country_probabilities")
    shares: probabilities.Shares = ()
    if column is not None:
        shares = probabilities.shares(columns.texts(table, column), paths, source, said)
    confidence = np.array([row[0] if row else np.nan for row in shares], dtype=np.float64)
    if use["confidence"] is not None:
        confidence = columns.numbers(table, use["confidence"])
        confidence = probabilities.confidence(confidence, use["confidence"], said)
    return Predictions(
        name,
        paths,
        latlon,
        lists("countries", "country"),
        shares,
        lists("regions", "region"),
        lists("cities", "city"),
        _by_level(table, "radius"),
        _by_level(table, "area"),
        confidence,
        notes=tuple(said),
    )


def truth_beside(path: str | Path) -> Truth | None:
    """The truth that stands in a table of predictions itself, None where it holds none.

    Raises:
        GraticuleError: the table cannot be read.
    """
    from graticule.evaluation.truth import Truth

    source = Path(path)
    table = _one_partitioning(columns.read_table(source), [])
    use = {key: columns.find(table, columns.PREDICTED[key]) for key in ("path", "lat", "lon")}
    true = {key: columns.find(table, columns.TRUTH[key]) for key in ("lat", "lon")}
    if use["path"] is None or None in true.values() or true["lat"] == use["lat"]:
        return None
    latlon = np.stack([columns.numbers(table, true[key]) for key in ("lat", "lon")], axis=1)
    country = columns.find(table, "gt_country true_country country_true country_gt")
    paths = columns.texts(table, use["path"])
    first = list({path: row for row, path in reversed(list(enumerate(paths)))}.values())[::-1]
    stated, notes = country_codes(np.array(columns.texts(table, country), dtype=np.str_))
    return Truth(tuple(paths), latlon, {"country": stated} if country else {}, notes).take(
        np.array(first, dtype=np.int64)
    )


def _one_partitioning(table: pa.Table, notes: list[str]) -> pa.Table:
    """One row a photo of a table that lists each photo under several partitionings (``p_key``)."""
    import pyarrow.compute as pc

    key = columns.find(table, "p_key partitioning")
    if key is None or not table.num_rows:
        return table
    there = pc.unique(table[key]).to_pylist()
    chosen = next((name for name in ("hierarchy", "fine") if name in there), there[-1])
    if len(there) > 1:
        notes.append(f"of the partitionings {', '.join(there)}, the rows of {chosen!r} were read")
    return table.filter(pc.equal(table[key], chosen))


def _other(use: Mapping[str, str | None], key: str) -> bool:
    column = use[key]
    return column is not None and columns.plain(column) != key


def _by_level(table: pa.Table, what: str) -> dict[int, FloatArray]:
    found = {}
    for column in table.column_names:
        match = re.fullmatch(rf"{what}_(\d\d?)(_km2?)?", columns.plain(column))
        if match:
            found[int(match[1])] = columns.numbers(table, column)
    return dict(sorted(found.items()))


def from_answers(
    rows: Sequence[Mapping[str, Any]], name: str, *, reads_files: bool = True
) -> Predictions:
    """Predictions from answers as JSON objects (``Answer.model_dump(mode="json")``)."""

    def coordinates(row: Mapping[str, Any]) -> tuple[float, float]:
        point = row.get("point")
        if not isinstance(point, Mapping):
            return (np.nan, np.nan)
        return float(point["lat"]), float(point["lon"])

    def of(key: str, inner: str) -> Names:
        return tuple(tuple(str(item[inner]) for item in row.get(key) or ()) for row in rows)

    def levels(key: str) -> dict[int, FloatArray]:
        there = sorted({int(level) for row in rows for level in (row.get(key) or {})})
        return {
            level: np.array(
                [(row.get(key) or {}).get(str(level), np.nan) for row in rows], dtype=np.float64
            )
            for level in there
        }

    try:
        shares = tuple(
            tuple(float(item["probability"]) for item in row.get("countries") or ()) for row in rows
        )
        return Predictions(
            name,
            tuple(str(row["photo"]) for row in rows),
            np.array([coordinates(row) for row in rows], dtype=np.float64).reshape(-1, 2),
            of("countries", "code"),
            shares,
            of("regions", "name"),
            of("cities", "name"),
            levels("radius_km"),
            levels("area_km2"),
            np.array([share[0] if share else np.nan for share in shares], dtype=np.float64),
            np.array([bool(row.get("abstained")) or bool(row.get("error")) for row in rows]),
            reads_files=reads_files,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GraticuleError(
            f"{name}: not what graticule locate --format json writes "
            f"({type(error).__name__}: {error})"
        ) from error


def _split(value: str) -> tuple[str, ...]:
    if not value:
        return ()
    # One string a place, however many photos name it.
    return tuple(sys.intern(part.strip()) for part in value.split(";") if part.strip())
