"""From files to a report and back: what `graticule evaluate` does around the scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import GraticuleError, ManifestError, PhotoError
from graticule.evaluation import columns, slices
from graticule.evaluation.predictions import Predictions, from_answers
from graticule.evaluation.report import Report
from graticule.evaluation.truth import Truth
from graticule.photos.manifest import Manifest, from_table, read
from graticule.progress import track

if TYPE_CHECKING:
    from graticule.locate.engine import Engine
    from graticule.systems.system import System


def judged_photos(path: Path, where: Sequence[str] = ()) -> Manifest:
    """The rows of a manifest that fulfil every ``COLUMN=VALUE``.

    A table of a benchmark under its own names (``IMG_ID``, ``LAT``, ``LON``, ``AUTHOR``) will do.

    Raises:
        GraticuleError: a condition is not of that form, names no column, or leaves no row.
    """
    manifest = _manifest(path)
    for condition in where:
        name, sign, value = condition.partition("=")
        if not sign:
            raise GraticuleError(
                f"--where {condition}: write COLUMN=VALUE, e.g. --where split=test"
            )
        manifest.need(name)
        manifest = manifest.filter(manifest.column(name) == value)
    if not len(manifest):
        raise GraticuleError(
            f"{path}: no row left to judge ({' '.join(where) or 'the table is empty'})"
        )
    return manifest


def _manifest(path: Path) -> Manifest:
    import pyarrow as pa

    try:
        return read(path)
    except ManifestError:
        if not path.is_file():
            raise
        table = columns.read_table(path)
        use = {name: columns.find(table, names) for name, names in columns.BENCHMARK.items()}
        if use["path"] is None:
            raise
    renamed = {
        name: pa.array(columns.numbers(table, column)) if name in ("lat", "lon") else table[column]
        for name, column in use.items()
        if column is not None
    }
    taken = set(use.values())
    rest = {
        name: table[name]
        for name in table.column_names
        if name not in taken and name not in renamed
    }
    return from_table(pa.table(renamed | rest), path)


def predict(engine: Engine, manifest: Manifest, name: str | None = None) -> Predictions:
    """Run a bundle over the photos of a manifest, always answering, every country listed.

    Photos it would not have answered keep their point and count as abstained.
    """
    from graticule.locate.decode import NOVEL, Options

    paths = manifest.column("path").tolist()
    photos = ((str(manifest.file(path)), path) for path in paths)
    answers = engine.locate(photos, Options(always_answer=True, all_places=True, areas=True))
    rows = [a.model_dump(mode="json") for a in track(answers, "locating", len(paths))]
    said = from_answers(rows, name or engine.system.bundle.manifest.name, reads_files=False)
    silent = np.array([row["reason"] not in (None, NOVEL) for row in rows], dtype=bool)
    if not silent.any():
        return said
    note = (
        f"of {silent.sum():,} of {len(silent):,} photos it would have said nothing; scores over "
        "all photos count its point there"
    )
    return replace(said, abstained=said.abstained | silent, notes=(*said.notes, note))


def trained_on(engine: Engine, truth: Truth) -> dict[str, npt.NDArray[np.str_]]:
    """How many photos the bundle was trained on in the cell of each photo, to slice by."""
    partition = engine.system.partitions.get(engine.system.point_task)
    if partition is None or not partition.counts.any():
        return {}
    found = np.full(len(truth), -1, dtype=np.int64)
    cells = partition.assign(truth.latlon[truth.located])
    found[truth.located] = np.where(cells >= 0, partition.counts[np.maximum(cells, 0)], 0)
    return {"training photos in the cell": slices.count_classes(found)}


def own_tables(engine: Engine, manifest: Manifest) -> tuple[dict[str, Any], str] | None:
    """The tables that the system's training reports, for the photos of a manifest.

    The networks run over the photos once more: a router's answer needs one classifier, its table
    all of them.

    Returns:
        As numbers and as Markdown; None for a system without, or photos that they say nothing of.
    """
    from graticule.systems.plan import Rows

    nobody = np.zeros(len(manifest), dtype=bool)
    columns = {n: manifest.column(n) for n in manifest.columns if n not in ("lat", "lon")}
    rows = Rows(columns, manifest.latlon, nobody, nobody, ~nobody, str(manifest.path))
    return engine.system.report(rows, _crops(engine.system, manifest.files()))


def _crops(
    system: System, paths: Sequence[Path]
) -> Iterator[tuple[npt.NDArray[np.int64], list[npt.NDArray[np.uint8]]]]:
    """Numbers of photos and what the networks take of them, in batches; unreadable ones in none."""
    from graticule.encoders.onnx import available_cores
    from graticule.locate.engine import BATCH, in_order

    def crops(path: Path) -> list[npt.NDArray[np.uint8]] | None:
        try:
            return system.crops(system.open(str(path)).image)
        except (PhotoError, MemoryError):
            return None

    with ThreadPoolExecutor(available_cores() + 1) as pool:
        ready = in_order(pool, paths, crops, ahead=3 * BATCH)
        numbered = track(enumerate(ready), "running the system's own tables", len(paths))
        good = ((i, views) for i, views in numbered if views is not None)
        while batch := list(islice(good, BATCH)):
            stacked = [np.stack(view) for view in zip(*(views for _, views in batch), strict=True)]
            yield np.array([i for i, _ in batch], dtype=np.int64), stacked


def own_section(tables: str) -> str:
    """The system's tables as the last part of a page of Markdown."""
    return f"\n## The system's own tables\n\n{tables}"


def write_report(
    report: Report,
    folder: Path,
    manifest: Manifest | None = None,
    own: tuple[dict[str, Any], str] | None = None,
) -> Path:
    """Write ``report.json``, ``report.md`` and ``report.html``; returns the page's path.

    Args:
        report: what to write.
        folder: where to.
        manifest: of the judged photos, to show the best and the worst of them.
        own: the system's tables, see :func:`own_tables`.
    """
    from graticule.evaluation.page import page

    folder.mkdir(parents=True, exist_ok=True)
    tables = {} if own is None else {"system_tables": own[0]}
    section = "" if own is None else own_section(own[1])
    files.write_json(folder / "report.json", report.as_json() | tables)
    with files.atomic(folder / "report.md") as text:
        text.write(report.as_markdown() + section)
    with files.atomic(folder / "report.html") as text:
        text.write(page(report, None if manifest is None else manifest.file, section))
    return folder / "report.html"
