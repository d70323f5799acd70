"""``graticule evaluate``: predictions against truth, audited first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli.audit import Radius, check_model, likeness


def evaluate(
    bundle: Annotated[
        str | None, typer.Argument(help="A model or bundle to run over the manifest's photos.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            "-m",
            help="The judged photos and their places; a table of predictions may hold them itself.",
        ),
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
    subset: Annotated[
        bool,
        typer.Option(
            "--subset",
            help="Judge only photos that have a prediction; else the others are silence.",
        ),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the report.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the report calls the system.")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    pixels: Annotated[
        bool, typer.Option(help="Look at the photos too: duplicates, placeholders, metadata.")
    ] = True,
    radius: Radius = 1.0,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="Of the audit: compare photos with training photos by this model's vectors too; "
            "by default those of the bundle that is judged.",
        ),
    ] = None,
    geodesic: Annotated[
        bool,
        typer.Option("--geodesic", help="Distances on the ellipsoid; the field's are on a sphere."),
    ] = False,
) -> None:
    """Score predictions against a manifest, after auditing both.

    \b
    Examples:
      graticule evaluate --predictions p.csv --manifest im2gps3k.csv -o report/
      graticule evaluate --predictions p.csv --manifest test.csv --train train.csv --model mini
      graticule evaluate my-bundle/ --manifest test.csv --train train.csv -o report/
      graticule evaluate mini --manifest photos.csv --where fold=0
    """  # noqa: D301
    from graticule import sphere
    from graticule.errors import GraticuleError
    from graticule.evaluation import report as reports
    from graticule.evaluation.pixels import PixelAudit, audit_pixels
    from graticule.evaluation.predictions import read_predictions, truth_beside
    from graticule.evaluation.run import (
        judged_photos,
        own_section,
        own_tables,
        predict,
        trained_on,
        write_report,
    )
    from graticule.evaluation.truth import Truth

    if bundle is None and predictions is None:
        raise GraticuleError(
            "say what to judge: a model (graticule evaluate mini -m photos.csv) or --predictions "
            "FILE"
        )
    if bundle is not None and predictions is not None:
        raise GraticuleError(
            f"give either {bundle} to run or --predictions {predictions}, not both"
        )
    check_model(model, train, pixels=pixels and manifest is not None)
    table = None if manifest is None else judged_photos(manifest, where or ())
    said = None if predictions is None else read_predictions(predictions, name)
    truth = Truth.of(table) if table is not None else None
    if truth is None and predictions is not None:
        truth = truth_beside(predictions)
    if truth is None:
        raise GraticuleError(
            "say which photos to judge on: --manifest FILE (or true places beside the predicted "
            "ones, as gt_lat and gt_lon)"
        )
    trained = judged_photos(train) if train is not None else None
    engine = None
    columns = {}
    if said is None and table is not None:
        from graticule.locate.engine import Engine
        from graticule.locate.locator import find_model

        engine = Engine(find_model(str(bundle)))
        said = predict(engine, table, name)
        columns = trained_on(engine, truth) if trained is None else {}
    if said is None:
        raise GraticuleError("a bundle needs photos to run on: --manifest FILE")
    looked = PixelAudit()
    if pixels and table is not None:
        looked = audit_pixels(trained, table, likeness(model, engine))
    found = reports.evaluate(
        said,
        truth,
        train=trained,
        radius_km=radius,
        findings=looked.findings,
        columns=columns | dict(looked.columns),
        notes=looked.notes,
        subset=subset,
        distance=sphere.geodesic if geodesic else sphere.haversine,
        seed=seed,
    )
    typer.echo(found.as_markdown())
    tables = None if engine is None or table is None else own_tables(engine, table)
    if tables is not None:
        typer.echo(own_section(tables[1]))
    if output is not None:
        page = write_report(found, output, table, tables)
        typer.echo(f"report: {page}", err=True)
