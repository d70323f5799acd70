"""From files to a report and back: what `graticule evaluate` does around the scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from graticule import files
from graticule.errors import GraticuleError
from graticule.evaluation.predictions import Predictions, from_answers
from graticule.evaluation.report import Report
from graticule.photos.manifest import Manifest, read
from graticule.progress import track


def judged_photos(path: Path, where: Sequence[str]) -> Manifest:
    """The rows of a manifest that fulfil every ``COLUMN=VALUE``.

    Raises:
        GraticuleError: a condition is not of that form, names no column, or leaves no row.
    """
    manifest = read(path)
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


def predict(model: str, manifest: Manifest, name: str | None = None) -> Predictions:
    """Run a bundle over the photos of a manifest, always answering, every country listed."""
    from graticule.locate.decode import Options
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model

    engine = Engine(find_model(model))
    paths = manifest.column("path").tolist()
    photos = ((str(manifest.file(path)), path) for path in paths)
    answers = engine.locate(photos, Options(always_answer=True, all_places=True))
    rows = [a.model_dump(mode="json") for a in track(answers, "locating", len(paths))]
    return from_answers(rows, name or engine.system.bundle.manifest.name)


def write_report(report: Report, folder: Path) -> Path:
    """Write ``report.json``, ``report.md`` and ``report.html``; returns the page's path."""
    from graticule.evaluation.page import page

    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "report.json", report.as_json())
    with files.atomic(folder / "report.md") as text:
        text.write(report.as_markdown())
    with files.atomic(folder / "report.html") as text:
        text.write(page(report))
    return folder / "report.html"
