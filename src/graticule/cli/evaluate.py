"""``graticule evaluate``: predictions against truth, audited first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    bundle: Annotated[
        Path | None, typer.Argument(help="A bundle to run over the manifest's photos.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", "-m", help="The judged photos and their places.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", "-p", help="A table of any system's predictions instead."),
    ] = None,
    train: Annotated[
        Path | None, typer.Option("--train", help="The training manifest, to look for leaks in.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", help="Judge only rows with COLUMN=VALUE; may be given twice."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the report.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the report calls the system.")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    pixels: Annotated[
        bool, typer.Option(help="Look at the photos too: duplicates, placeholders, EXIF.")
    ] = True,
) -> None:
    """Score predictions against a manifest, after auditing both.

    \b
    Examples:
      graticule evaluate --predictions p.csv --manifest im2gps3k.csv -o report/
      graticule evaluate my-bundle/ --manifest test.csv --train train.csv -o report/
      graticule evaluate mini --manifest photos.csv --where fold=0
    """  # noqa: D301
    from graticule.errors import GraticuleError
    from graticule.evaluation import report as reports
    from graticule.evaluation.predictions import read_predictions
    from graticule.evaluation.run import judged_photos, predict, write_report
    from graticule.evaluation.truth import Truth

    if manifest is None:
        raise GraticuleError("say which photos to judge on: --manifest FILE")
    if (bundle is None) == (predictions is None):
        raise GraticuleError("give either a bundle to run or --predictions FILE, not both")
    table = judged_photos(manifest, where or ())
    said = (
        read_predictions(predictions, name)
        if predictions is not None
        else predict(str(bundle), table, name)
    )
    trained = judged_photos(train, ()) if train is not None else None
    findings = []
    if pixels:
        from graticule.evaluation.pixels import audit_pixels

        findings = audit_pixels(trained, table)
    found = reports.evaluate(
        said,
        Truth.of(table),
        train=Truth.of(trained) if trained is not None else None,
        findings=findings,
        seed=seed,
    )
    typer.echo(found.as_markdown())
    if output is not None:
        page = write_report(found, output)
        typer.echo(f"report: {page}", err=True)
