"""``graticule data check``: name what is wrong with a manifest, by row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graticule.photos.check import Findings


def check(
    manifest: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    root: Annotated[
        Path | None, typer.Option(help="Folder that paths are relative to; the manifest's own.")
    ] = None,
    files: Annotated[
        bool, typer.Option("--files/--no-files", help="Look whether the photos are there.")
    ] = True,
    scenes: Annotated[
        str, typer.Option(help="Further words the scene column may hold, by commas.")
    ] = "",
    good_rows: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rows without errors here.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every problem here, as CSV.")
    ] = None,
) -> None:
    """Name what is wrong with a manifest: row, value and mend. Nothing is changed.

    Ends with 1 if a row cannot be used as it is; a doubt alone does not. What columns mean is in
    docs/manifest.md.

    Examples:
      graticule data check photos/manifest.csv

      graticule data check photos/manifest.csv --good-rows photos/good.csv --report problems.csv
    """
    from graticule.cli.data.targets import beside
    from graticule.photos.check import check as look
    from graticule.photos.check import write_good_rows
    from graticule.photos.manifest import read

    opened = read(manifest, root=root)
    declared = [word.strip() for word in scenes.split(",") if word.strip()]
    if report is None:
        findings = look(opened, files=files, scenes=declared)
    else:
        import csv

        from graticule.files import atomic

        with atomic(report) as handle:
            table = csv.writer(handle)
            table.writerow(("row", "column", "value", "kind", "mend", "error"))
            findings = look(opened, files=files, scenes=declared, on_problem=table.writerow)
    _tell(manifest, findings, report)
    if good_rows is not None:
        if root is None:
            beside(good_rows, opened.root)
        written = write_good_rows(opened, findings, good_rows)
        typer.echo(f"{good_rows}: {written:,} good rows")
    elif findings.bad_rows:
        typer.echo(f"next: graticule data check {manifest} --good-rows FILE leaves those rows out")
    if findings.bad_rows:
        raise typer.Exit(1)


def _tell(manifest: Path, findings: Findings, report: Path | None) -> None:
    for kind, count in findings.counts.most_common():
        shown = findings.examples[kind]
        for problem in shown:
            typer.echo(f"{'error' if problem.error else 'doubt'}: {problem}")
        if count > len(shown):
            where = f"in {report}" if report else "with --report FILE"
            typer.echo(f"       … {count - len(shown):,} more of these, {where}")
    verdict = f"{findings.bad_rows:,} with errors" if findings.bad_rows else "none with errors"
    typer.echo(f"{manifest}: {findings.rows:,} rows, {verdict}")
