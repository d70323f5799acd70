"""``graticule scenes``: what kind of place photos show."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    epilog="Example: graticule scenes show holiday/ --format csv",
)


@app.callback()
def scenes() -> None:
    """What kind of place photos show."""


@app.command()
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

    Examples:
        graticule scenes show holiday/
        graticule scenes show *.jpg --format json | head
    """
    from graticule.errors import GraticuleError
    from graticule.locate.decode import Options
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model
    from graticule.photos.inputs import find_photos

    if form not in ("table", "json", "csv"):
        raise GraticuleError(f"--format {form}: table, json or csv")
    engine = Engine(find_model(model))
    failed = False
    first = True
    for answer in engine.locate(((path, None) for path in find_photos(photos)), Options()):
        if answer.error is not None:
            typer.echo(f"graticule: {answer.error}", err=True)
            failed = True
            continue
        if answer.scene is None:
            raise GraticuleError(f"{model}: this model tells no scenes; mini does")
        if form == "json":
            row = {"photo": answer.photo, **answer.scene.model_dump(mode="json")}
            typer.echo(json.dumps(row, ensure_ascii=False))
        elif form == "csv":
            names = sorted(answer.scene.probabilities)
            if first:
                typer.echo(",".join(["photo", "scene", *names]))
            shares = [f"{answer.scene.probabilities[name]:.4f}" for name in names]
            quoted = '"' + answer.photo.replace('"', '""') + '"'
            typer.echo(",".join([quoted, answer.scene.name, *shares]))
        else:
            rest = ", ".join(f"{n} {p:.0%}" for n, p in answer.scene.probabilities.items())
            typer.echo(f"{answer.scene.name:<11} {answer.photo}  ({rest})")
        first = False
    raise typer.Exit(int(failed))
