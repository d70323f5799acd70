"""``graticule audit``: what leaks from one table of photos into another, and what spoils either."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graticule.evaluation.pixels import Likeness


def audit(
    test: Annotated[Path, typer.Option("--test", help="The photos a system is judged on.")],
    train: Annotated[
        Path | None, typer.Option("--train", help="The photos it learnt from, to look for leaks.")
    ] = None,
    pixels: Annotated[
        bool, typer.Option(help="Open the photos too: duplicates, placeholders, screens, EXIF.")
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

    Examples:
        graticule audit --train train.csv --test test.csv --model mini
        graticule audit --test benchmark.csv --no-pixels -o findings.json
    """
    from graticule import files
    from graticule.evaluation.audit import audit_tables
    from graticule.evaluation.run import judged_photos
    from graticule.evaluation.truth import Truth

    judged = judged_photos(test)
    learnt = judged_photos(train) if train is not None else None
    found = audit_tables(Truth.of(learnt) if learnt is not None else None, Truth.of(judged))
    if pixels:
        from graticule.evaluation.pixels import audit_pixels

        looked = audit_pixels(learnt, judged, _likeness(model))
        found += looked.findings
        for note in looked.notes:
            typer.echo(note, err=True)
    for finding in found:
        typer.echo(f"{finding.count:>8,}  {finding.kind}" + (" (leak)" if finding.leak else ""))
        for example in finding.examples[:3]:
            typer.echo(f"          {example}")
    if output is not None:
        files.write_json(
            output,
            [
                {
                    "kind": f.kind,
                    "photos": f.count,
                    "leak": f.leak,
                    "means": f.means,
                    "examples": list(f.examples),
                    "rows": [judged.column("path")[i] for i in f.rows.nonzero()[0]],
                }
                for f in found
            ],
        )
    raise typer.Exit(int(any(finding.count for finding in found)))


def _likeness(model: str | None) -> Likeness | None:
    if model is None:
        return None
    from graticule.evaluation.likeness import alike_by
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model

    return alike_by(Engine(find_model(model)))
