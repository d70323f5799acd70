"""``graticule audit``: what leaks from one table of photos into another, and what spoils either."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graticule.errors import GraticuleError

if TYPE_CHECKING:
    from graticule.evaluation.finding import Finding
    from graticule.evaluation.pixels import Likeness
    from graticule.evaluation.report import Report
    from graticule.locate.engine import Engine


def _a_number(value: float) -> float:
    # Older releases of click let NaN through bounds.
    if math.isnan(value):
        raise typer.BadParameter("is not a number of km")
    return value


Radius = Annotated[
    float,
    typer.Option(
        "--radius",
        min=0,
        max=20_000,
        callback=_a_number,
        help="How near a training photo is too near, km.",
    ),
]


def audit(
    test: Annotated[Path, typer.Option("--test", help="The photos a system is judged on.")],
    train: Annotated[
        Path | None, typer.Option("--train", help="The photos it learnt from, to look for leaks.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            "--predictions",
            "-p",
            help="A system's predictions: prints its headline as given, without each finding, and "
            "clean.",
        ),
    ] = None,
    radius: Radius = 1.0,
    pixels: Annotated[
        bool, typer.Option(help="Open the photos too: duplicates, placeholders, screens, metadata.")
    ] = True,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="Compare photos by this model's vectors too, not by hash alone."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the findings as JSON as well.")
    ] = None,
) -> None:
    """Look for leaks between two manifests and for defects of the test itself.

    Exits with 1 when something was found.

    \b
    Examples:
      graticule audit --train train.csv --test test.csv --model mini
      graticule audit --train train.csv --test test.csv --radius 5 --predictions p.csv
      graticule audit --test benchmark.csv --no-pixels -o findings.json
    """  # noqa: D301
    from graticule import files
    from graticule.evaluation.audit import audit_tables
    from graticule.evaluation.pixels import PixelAudit, audit_pixels
    from graticule.evaluation.run import judged_photos
    from graticule.evaluation.truth import Truth

    check_model(model, train, pixels=pixels)
    judged = judged_photos(test)
    learnt = judged_photos(train) if train is not None else None
    looked = audit_pixels(learnt, judged, likeness(model)) if pixels else PixelAudit()
    truth = Truth.of(judged)
    report = None
    if predictions is None:
        found = [*audit_tables(learnt, truth, radius_km=radius), *looked.findings]
    else:
        from graticule.evaluation.predictions import read_predictions
        from graticule.evaluation.report import evaluate

        report = evaluate(
            read_predictions(predictions),
            truth,
            train=learnt,
            radius_km=radius,
            findings=looked.findings,
            notes=looked.notes,
        )
        found, truth = list(report.findings), report.truth
    for note in (*truth.notes, *looked.notes) if report is None else report.notes:
        typer.echo(note, err=True)
    for finding in found:
        typer.echo(f"{finding.count:>8,}  {finding.kind}" + (" (leak)" if finding.leak else ""))
        for example in finding.examples[:3]:
            typer.echo(f"          {example}")
    if report is not None:
        from graticule.evaluation.markdown import headlines

        typer.echo("\n".join(["", *headlines(report)]))
    if output is not None:
        files.write_json(output, _json(found, truth.paths, report))
    raise typer.Exit(int(any(finding.count for finding in found)))


def check_model(model: str | None, train: Path | None, *, pixels: bool) -> None:
    """Make sure that vectors can be compared where a model is named for it.

    Raises:
        GraticuleError: there are no training photos, or photos are not to be opened.
    """
    if model is None:
        return
    if train is None:
        raise GraticuleError(f"--model {model} compares photos with training photos: --train FILE")
    if not pixels:
        raise GraticuleError(
            f"--model {model} has to open the photos: name their manifest, leave out --no-pixels"
        )


def likeness(model: str | None, judged: Engine | None = None) -> Likeness | None:
    """The check of vectors by a model's encoder, else by that of a judged bundle; None of neither.

    Args:
        model: its name or folder.
        judged: a bundle that is judged, already open.
    """
    if model is None and judged is None:
        return None
    from graticule.evaluation.likeness import alike_by
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model

    engine = judged if model is None else Engine(find_model(model))
    return None if engine is None else alike_by(engine)


def _json(found: list[Finding], paths: tuple[str, ...], report: Report | None) -> dict[str, Any]:
    """Each finding with the rows it names and, where a system was judged, its headlines."""
    from graticule.evaluation.finding import clean_rows
    from graticule.evaluation.report import Headline

    whole: dict[str, Any] = {"photos": len(paths), "findings": []}
    for number, f in enumerate(found):
        told = {
            "kind": f.kind,
            "photos": f.count,
            "leak": f.leak,
            "means": f.means,
            "examples": list(f.examples),
            "rows": [paths[i] for i in f.rows.nonzero()[0]],
        }
        if report is not None:
            told["headline_without"] = report.without[number].as_json()
        whole["findings"].append(told)
    if report is not None:
        clean = clean_rows(report.findings, len(paths))
        whole["as_given"] = Headline.of(report.found).as_json()
        whole["clean"] = Headline.of(report.found, clean).as_json()
    return whole
