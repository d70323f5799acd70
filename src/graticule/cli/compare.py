"""``graticule compare``: several systems on the same photos, by paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graticule.cli import training
from graticule.errors import GraticuleError

if TYPE_CHECKING:
    from graticule.evaluation.compare import Comparison


def compare(
    bundles: Annotated[
        list[str] | None, typer.Argument(help="Bundles to run, or names of models.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", "-m", help="The judged photos and their places.")
    ] = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            "--predictions", "-p", help="A table of any system's answers; may be repeated."
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="Train the systems of a comparison (compare, or a file) and judge them."),
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change a value of the comparison: seeds=[0].")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the report.")
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", help="Judge only rows with COLUMN=VALUE.")
    ] = None,
    tested: Annotated[
        str | None, typer.Option(help="The system that is tested against the others.")
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="With --recipe: the folder of the feature cache.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
) -> None:
    """Put systems beside each other on the same photos: one table, paired differences, cost.

    \b
    Examples:
      graticule compare mini my-bundle/ --manifest test.csv -o report/
      graticule compare mini -p theirs.csv -p others.csv --manifest test.csv
      graticule compare --recipe compare --manifest photos/manifest.csv -o report/
    """  # noqa: D301
    if manifest is None:
        raise GraticuleError("say which photos to judge on: --manifest FILE")
    if recipe is not None:
        if bundles or predictions or where:
            raise GraticuleError("--recipe trains its own systems: leave out bundles and tables")
        if output is None:
            raise GraticuleError("--recipe keeps every answer it got: say -o FOLDER")
        found = _contest(recipe, manifest, output, changes, features)
    else:
        found = [_compared(bundles or [], predictions or [], manifest, where or [], tested, seed)]
    from graticule.evaluation import compare_page

    typer.echo("\n".join(compare_page.markdown(one) for one in found).rstrip())
    if output is not None:
        page = compare_page.write(found, output, "Systems compared")
        typer.echo(f"report: {page}", err=True)


def _compared(
    bundles: list[str],
    tables: list[Path],
    manifest: Path,
    where: list[str],
    tested: str | None,
    seed: int,
) -> Comparison:
    from graticule.evaluation.compare import Entry, compare
    from graticule.evaluation.cost import measure
    from graticule.evaluation.predictions import read_predictions
    from graticule.evaluation.run import judged_photos, predict
    from graticule.evaluation.truth import Truth
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model

    if len(bundles) + len(tables) < 2:
        raise GraticuleError("name two systems or more: bundles, or --predictions FILE")
    given = [*bundles, *map(str, tables)]
    for name in given:
        if given.count(name) > 1:
            raise GraticuleError(f"{name} is given twice")
    photos = judged_photos(manifest, where)
    entries: list[Entry] = []
    for name in bundles:
        engine = Engine(find_model(name))
        said = predict(engine, photos)
        cost = measure(engine, photos.files())
        entries.append(Entry(_own_name(said.name, name, entries), (said,), cost))
    for table in tables:
        said = read_predictions(table)
        entries.append(Entry(_own_name(said.name, str(table), entries), (said,)))
    return compare(entries, Truth.of(photos), tested=tested, seed=seed)


def _own_name(name: str, where: str, entries: Sequence[object]) -> str:
    """A system's name, or where it lies if another is called so."""
    taken = {getattr(entry, "name", "") for entry in entries}
    return where if name in taken else name


def _contest(
    recipe: str, manifest: Path, output: Path, changes: list[str] | None, features: Path | None
) -> list[Comparison]:
    training.need_torch("compare --recipe")
    from graticule.evaluation.contest import judge
    from graticule.photos import manifest as manifests
    from graticule.training import run
    from graticule.training.contest import hold, load_contest

    wanted = load_contest(recipe, changes)
    options = run.Options(features=features, say=training.say)
    held = hold(wanted, manifests.read(manifest), output / "runs", options)
    return list(judge(wanted, held).values())
