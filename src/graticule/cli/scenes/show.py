"""``graticule scenes show``: what kind of place photos show."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graticule.locate.scenes import Seen

#: Names of a long vocabulary that a line of the table has room for.
TOP = 5


def show(
    photos: Annotated[
        list[str], typer.Argument(help="Files, folders, patterns, a manifest, or - for stdin.")
    ],
    model: Annotated[
        str, typer.Option("--model", "-m", help="A model with a scene task.")
    ] = "mini",
    form: Annotated[
        str, typer.Option("--format", "-f", help="table, json (a line each) or csv.")
    ] = "table",
) -> None:
    """Name the scene of each photo: those of the model, for mini S1's four and indoor.

    A model of Places' 365 scenes names the group of 16 and of 3 as well.

    Examples:
        graticule scenes show holiday/
        graticule scenes show *.jpg --model helper --format json | head
    """
    from graticule.errors import GraticuleError
    from graticule.locate.locator import find_model
    from graticule.locate.scenes import SceneReader
    from graticule.photos.inputs import find_photos

    if form not in ("table", "json", "csv"):
        raise GraticuleError(f"--format {form}: table, json or csv")
    reader = SceneReader(find_model(model))
    lines = csv.writer(sys.stdout, lineterminator="\n")
    failed = False
    header = form == "csv"
    for seen in reader.read((path, None) for path in find_photos(photos)):
        if seen.error is not None:
            typer.echo(f"graticule: {seen.error}", err=True)
            failed = True
            continue
        coarser = [level for level in seen.levels if level != "scene"]
        if form == "json":
            typer.echo(json.dumps(_row(seen, coarser), ensure_ascii=False))
        elif form == "csv":
            names = sorted(seen.levels["scene"])
            if header:
                lines.writerow(["photo", "scene", *coarser, *names])
                header = False
            best = [seen.best(level)[0] for level in ("scene", *coarser)]
            shares = (f"{seen.levels['scene'][name]:.4f}" for name in names)
            lines.writerow([seen.photo, *best, *shares])
        else:
            typer.echo(_line(seen, coarser))
    raise typer.Exit(int(failed))


def _row(seen: Seen, coarser: list[str]) -> dict[str, object]:
    name, p = seen.best()
    groups = {
        level: {"name": seen.best(level)[0], "probabilities": seen.levels[level]}
        for level in coarser
    }
    row = {"photo": seen.photo, "name": name, "probability": p}
    return {**row, "probabilities": seen.levels["scene"], **groups}


def _line(seen: Seen, coarser: list[str]) -> str:
    groups = "".join(f" · {name} {p:.0%}" for name, p in map(seen.best, coarser))
    rest = ", ".join(f"{n} {p:.0%}" for n, p in list(seen.levels["scene"].items())[:TOP])
    return f"{seen.best()[0]:<11} {seen.photo}  ({rest}){groups}"
