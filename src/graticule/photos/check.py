"""What is wrong with the rows of a manifest: row, value and mend; nothing is changed.

One pass over the batches, so that memory does not grow with the rows but for nine bytes each: the
hash of the path, which finds duplicates, and whether the row is good.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from graticule.errors import ManifestError
from graticule.photos import scene_names, schema, suggest
from graticule.photos.manifest import Manifest, path_problem, write
from graticule.photos.tables import BadRow, numbers, trimmed

if TYPE_CHECKING:
    import pyarrow as pa

#: Problems of one kind that :class:`Findings` keeps to show.
EXAMPLES = 5
#: Share of located rows at sea, with land at the swapped place, that makes the columns suspect.
SWAPPED_SHARE = 0.5


class Problem(NamedTuple):
    """One thing wrong with one row.

    Attributes:
        row: as a spreadsheet counts them; the header is row 1.
        column: where.
        value: what stands there.
        kind: the same word for the same kind of problem.
        mend: what to do about it.
        error: the row cannot be used as it is; a doubt otherwise.
    """

    row: int
    column: str
    value: str
    kind: str
    mend: str
    error: bool = True

    def __str__(self) -> str:
        return f"row {self.row}: {self.column} {self.value!r}: {self.kind}; {self.mend}"


@dataclass
class Findings:
    """All that was found.

    Attributes:
        rows: rows that were read, the malformed ones included.
        good: (rows that could be read,) whether each is free of errors.
        counts: problems by kind.
        examples: the first few of each kind.
    """

    rows: int = 0
    good: npt.NDArray[np.bool_] = field(default_factory=lambda: np.ones(0, dtype=bool))
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Problem]] = field(default_factory=dict)

    @property
    def bad_rows(self) -> int:
        """Rows with an error."""
        return self.rows - int(self.good.sum())

    def add(self, problem: Problem) -> None:
        """Count a problem, and keep it if it is among the first of its kind."""
        self.counts[problem.kind] += 1
        kept = self.examples.setdefault(problem.kind, [])
        if len(kept) < EXAMPLES:
            kept.append(problem)


def check(
    manifest: Manifest,
    *,
    files: bool = True,
    scenes: Collection[str] = (),
    on_problem: Callable[[Problem], None] | None = None,
) -> Findings:
    """Look at every row.

    Args:
        manifest: what to check.
        files: look whether the photos are there, too.
        scenes: words that ``scene`` may hold beside graticule's own.
        on_problem: gets every problem as it is found, for those who want more than examples.

    Raises:
        ManifestError: the file breaks off.
    """
    findings = Findings()
    hashes, good, malformed = [], [], list[BadRow]()
    land = _Land()
    vocabulary = scene_names.known_names() | set(scenes)

    def report(problem: Problem) -> None:
        findings.add(problem)
        if on_problem is not None:
            on_problem(problem)

    start = 0
    for batch in manifest.source.raw(list(manifest.columns), malformed):
        rows = _row_numbers(start, batch.num_rows, malformed)
        fine = np.ones(batch.num_rows, dtype=bool)
        for index, problem in _problems(manifest, batch, rows, land, vocabulary, files):
            report(problem)
            fine[index] &= not problem.error
        hashes.append(_hashes(_texts(batch, "path")))
        good.append(fine)
        start += batch.num_rows
    findings.good = np.concatenate(good) if good else np.ones(0, dtype=bool)
    findings.rows = start + len(malformed)
    for bad in malformed:
        mend = f"the header has {bad.expected} columns; mend the separators or quotes of this line"
        report(Problem(bad.row, "line", bad.text, f"has {bad.values} values", mend))
    if hashes:
        for index, problem in _duplicates(manifest, np.concatenate(hashes), malformed):
            report(problem)
            findings.good[index] = False
    if land.at_sea > max(20, SWAPPED_SHARE * land.located):
        kind = "most places lie at sea, and on land if latitude and longitude are swapped"
        share = f"{land.at_sea} of {land.located}"
        report(Problem(1, "lat, lon", share, kind, "are the two columns swapped?", error=False))
    return findings


def write_good_rows(manifest: Manifest, findings: Findings, path: str | os.PathLike[str]) -> int:
    """Write the rows without errors to ``path``, in order; returns how many.

    Raises:
        ManifestError: there is none, or ``path`` is the manifest itself.
        GraticuleError: the file cannot be written.
    """
    import pyarrow as pa

    if os.path.exists(path) and os.path.samefile(path, manifest.path):  # noqa: PTH110, PTH121
        raise ManifestError(f"{path}: is the manifest itself, which is never changed; name another")
    if not findings.good.any():
        raise ManifestError(f"{manifest.path}: no good rows to write")

    def kept() -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in manifest.batches():
            part = findings.good[start : start + batch.num_rows]
            start += batch.num_rows
            yield batch.filter(pa.array(part))

    return write(kept(), path)


@dataclass
class _Land:
    """How many places were looked up, and how many would be on land only if swapped."""

    located: int = 0
    at_sea: int = 0


def _row_numbers(start: int, n: int, malformed: list[BadRow]) -> npt.NDArray[np.int64]:
    """Spreadsheet rows of the good rows start … start+n−1; malformed lines count between them."""
    plain = np.arange(start, start + n, dtype=np.int64) + 2
    if not malformed:
        return plain
    bad = np.sort(np.array([row.row for row in malformed], dtype=np.int64))
    return plain + np.searchsorted(bad - np.arange(len(bad)), plain, side="right")


def _texts(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column as trimmed text, "" for null."""
    import pyarrow.compute as pc

    return pc.fill_null(trimmed(batch.column(batch.schema.get_field_index(name))), "")


#: Every path that :func:`path_problem` finds fault with, and some that it does not.
_ODD_PATH = r"^$|^[/\\]|^.:|\.\.|\x00"

_Found = Iterator[tuple[int, Problem]]


def _problems(
    manifest: Manifest,
    batch: pa.RecordBatch,
    rows: npt.NDArray[np.int64],
    land: _Land,
    vocabulary: Collection[str],
    files: bool,
) -> _Found:
    names = set(batch.schema.names)
    yield from _paths(manifest, batch, rows, files)
    latlon = None
    if "lat" in names:
        latlon = np.full((batch.num_rows, 2), np.nan)
        yield from _coordinates(batch, rows, latlon)
    if "country" in names:
        yield from _words(batch, rows, "country", suggest.countries(), suggest.country)
    if latlon is not None:
        yield from _places(batch, rows, latlon, land)
    if "scene" in names:
        yield from _words(batch, rows, "scene", vocabulary, suggest.scene)
    if "captured_at" in names:
        yield from _dates(batch, rows)
    for name in batch.schema.names:
        if name not in schema.BY_NAME and schema.kind_of(name) == "number":
            yield from _probabilities(batch, rows, name)
        elif re.match(schema.PATTERNS[0][0], name):
            yield from _words(
                batch, rows, name, {"train", "val", "test"}, lambda _: "write train, val or test"
            )


def _paths(
    manifest: Manifest, batch: pa.RecordBatch, rows: npt.NDArray[np.int64], files: bool
) -> _Found:
    import pyarrow.compute as pc

    texts = _texts(batch, "path")
    if files:
        looked = list(range(batch.num_rows))
    else:  # only those that may be wrong: a million plain paths need no look each
        looked = np.flatnonzero(
            pc.match_substring_regex(texts, _ODD_PATH).to_numpy(zero_copy_only=False)
        ).tolist()
    for i in looked:
        name = texts[i].as_py()
        problem = path_problem(name)
        if problem:
            mend = "write a path inside the manifest's folder, or give --root"
            yield i, Problem(int(rows[i]), "path", name, problem, mend)
        elif files:
            try:
                size = os.stat(manifest.root / name).st_size  # noqa: PTH116 - millions of calls
            except (OSError, ValueError):
                mend = f"put it into {manifest.root}, or leave the row out"
                yield i, Problem(int(rows[i]), "path", name, "no such file", mend)
            else:
                if not size:
                    mend = "fetch it again, or leave the row out"
                    yield i, Problem(int(rows[i]), "path", name, "empty file", mend)


def _coordinates(
    batch: pa.RecordBatch, rows: npt.NDArray[np.int64], out: npt.NDArray[np.float64]
) -> _Found:
    """Problems of the numbers themselves; good coordinates are left in ``out``."""
    import pyarrow.compute as pc

    wrong = np.zeros(len(out), dtype=bool)
    texts = {}
    for axis, name in enumerate(("lat", "lon")):
        values, unreadable = numbers(batch.column(batch.schema.get_field_index(name)))
        out[:, axis] = pc.fill_null(values, np.nan).to_numpy(zero_copy_only=False)
        texts[name] = _texts(batch, name)
        for i in np.flatnonzero(unreadable.to_numpy(zero_copy_only=False)):
            wrong[i] = True
            mend = "write decimal degrees as 48.8584, or leave it empty"
            text = texts[name][int(i)].as_py()
            yield int(i), Problem(int(rows[i]), name, text, "not a number", mend)
    lat, lon = out[:, 0], out[:, 1]
    known = np.isfinite(out)
    half = (known.sum(axis=1) == 1) & ~wrong
    for i in np.flatnonzero(half):
        there, missing = ("lat", "lon") if known[i, 0] else ("lon", "lat")
        value = f"{out[i, 0 if known[i, 0] else 1]:g}"
        mend = f"fill {missing}, or leave both empty"
        yield int(i), Problem(int(rows[i]), there, value, f"has no {missing}", mend)
    both = known.all(axis=1)
    outside = both & ((np.abs(lat) > 90) | (np.abs(lon) > 180))
    for i in np.flatnonzero(outside):
        if abs(lat[i]) <= 180 and abs(lon[i]) <= 90:
            kind, mend = "latitude beyond ±90", "swap lat and lon"
        elif abs(lat[i]) <= 90 and abs(lon[i]) <= 360:
            kind = "longitude beyond ±180"
            mend = f"write {(lon[i] + 180) % 360 - 180:g} for the same place"
        else:
            kind, mend = "not degrees", "convert to WGS84 degrees, or leave both empty"
        yield int(i), Problem(int(rows[i]), "lat, lon", _pair(out[i]), kind, mend)
    null_island = both & (lat == 0) & (lon == 0)
    for i in np.flatnonzero(null_island):
        kind = "0, 0 is open sea and mostly means unknown"
        yield int(i), Problem(int(rows[i]), "lat, lon", "0, 0", kind, "leave both empty")
    out[wrong | half | outside | null_island] = np.nan


def _pair(latlon: npt.NDArray[np.float64]) -> str:
    return f"{latlon[0]:g}, {latlon[1]:g}"


def _places(
    batch: pa.RecordBatch,
    rows: npt.NDArray[np.int64],
    latlon: npt.NDArray[np.float64],
    land: _Land,
) -> _Found:
    """Places that are not in the country that their row names, or that look swapped."""
    from graticule import atlas

    located = np.flatnonzero(np.isfinite(latlon).all(axis=1))
    if not len(located):
        return
    found = atlas.countries(latlon[located])
    if "country" in batch.schema.names:
        stated = np.array(_texts(batch, "country").to_pylist())[located]
    else:
        stated = np.full(len(located), "")
    land.located += len(located)
    odd = np.flatnonzero(((found != stated) & (stated != "")) | (found == ""))
    can = odd[np.abs(latlon[located[odd], 1]) <= 90]
    swapped = np.full(len(located), "", dtype=found.dtype)
    if len(can):
        swapped[can] = atlas.countries(latlon[located[can]][:, ::-1])
    land.at_sea += int(((found == "") & (swapped != "")).sum())
    for j in odd:
        if not stated[j] or stated[j] not in suggest.countries():
            continue
        i, value = int(located[j]), _pair(latlon[located[j]])
        if swapped[j] == stated[j]:
            kind = f"not in {stated[j]}, but the swapped place is"
            yield i, Problem(int(rows[i]), "lat, lon", value, kind, "swap lat and lon")
        elif found[j]:
            kind = "lies in another country than the row says"
            mend = f"country is {stated[j]} and the place is in {found[j]}: mend the wrong one"
            yield i, Problem(int(rows[i]), "lat, lon", value, kind, mend, error=False)


def _words(
    batch: pa.RecordBatch,
    rows: npt.NDArray[np.int64],
    name: str,
    allowed: Collection[str],
    mend: Callable[[str], str],
) -> _Found:
    """Values of a column that are not among the allowed words; unknown is allowed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = _texts(batch, name)
    words = pa.array([*allowed, *schema.UNKNOWN_TEXT])
    for i in np.flatnonzero(~pc.is_in(texts, words).to_numpy(zero_copy_only=False)):
        value = texts[int(i)].as_py()
        yield int(i), Problem(int(rows[i]), name, value, f"unknown {name}", mend(value))


def _dates(batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> _Found:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = _texts(batch, "captured_at")
    good = pc.or_(
        pc.match_substring_regex(texts, schema.DATE_PATTERN),
        pc.is_in(texts, pa.array(schema.UNKNOWN_TEXT)),
    )
    for i in np.flatnonzero(~good.to_numpy(zero_copy_only=False)):
        value = texts[int(i)].as_py()
        mend = suggest.date(value)
        yield int(i), Problem(int(rows[i]), "captured_at", value, "not an ISO 8601 date", mend)


def _probabilities(batch: pa.RecordBatch, rows: npt.NDArray[np.int64], name: str) -> _Found:
    import pyarrow.compute as pc

    values, unreadable = numbers(batch.column(batch.schema.get_field_index(name)))
    p = pc.fill_null(values, 0.5).to_numpy(zero_copy_only=False)
    bad = (p < 0) | (p > 1) | unreadable.to_numpy(zero_copy_only=False)
    for i in np.flatnonzero(bad):
        value = _texts(batch, name)[int(i)].as_py()
        mend = "write a number from 0 to 1, or leave it empty"
        yield int(i), Problem(int(rows[i]), name, value, "not a probability", mend)


_WEIGHTS = np.random.default_rng(20).integers(1, 2**63, 4096, dtype=np.uint64) * 2 + 1


def _hashes(texts: pa.Array) -> npt.NDArray[np.uint64]:
    """A 64-bit multilinear hash of each string, (n,): Σ (byte + 1) · weight of its position."""
    import pyarrow as pa

    texts = pa.concat_arrays([texts])  # an array of its own begins at offset 0
    if not len(texts):
        return np.empty(0, dtype=np.uint64)
    buffers = texts.buffers()
    offsets = np.frombuffer(buffers[1], dtype=np.int32)[: len(texts) + 1].astype(np.int64)
    data = np.frombuffer(buffers[2] or b"", dtype=np.uint8)[: offsets[-1]].astype(np.uint64)
    lengths = np.diff(offsets)
    position = np.arange(len(data)) - np.repeat(offsets[:-1], lengths)
    terms = (data + np.uint64(1)) * _WEIGHTS[position % len(_WEIGHTS)]
    sums = np.zeros(len(data) + 1, dtype=np.uint64)
    np.cumsum(terms, out=sums[1:])  # wraps round, as its differences do
    return (sums[offsets[1:]] - sums[offsets[:-1]]) ^ (lengths.astype(np.uint64) << np.uint64(48))


def _duplicates(
    manifest: Manifest, hashes: npt.NDArray[np.uint64], malformed: list[BadRow]
) -> _Found:
    """Rows whose path an earlier row has. Equal hashes are held against the paths themselves."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    same = np.zeros(len(hashes), dtype=bool)
    twins = np.flatnonzero(ordered[1:] == ordered[:-1])
    same[order[twins]] = same[order[twins + 1]] = True
    if not len(twins):
        return
    first: dict[str, int] = {}
    start = 0
    for batch in manifest.source.raw(["path"], []):
        rows = _row_numbers(start, batch.num_rows, malformed)
        texts = _texts(batch, "path")
        for i in np.flatnonzero(same[start : start + batch.num_rows]):
            name = texts[int(i)].as_py()
            row = int(rows[i])
            if not name:
                continue  # already said to be empty
            if name in first:
                kind, mend = "the same path twice", f"row {first[name]} has it too; keep one"
                yield start + int(i), Problem(row, "path", name, kind, mend)
            else:
                first[name] = row
        start += batch.num_rows
