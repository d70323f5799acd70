"""``graticule compare``: several systems on the same photos, by paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graticule.cli import training
from graticule.cli.audit import Radius, check_model, likeness
from graticule.errors import GraticuleError

if TYPE_CHECKING:
    from graticule.evaluation.compare import Comparison
    from graticule.evaluation.finding import Finding
    from graticule.evaluation.truth import Truth
    from graticule.locate.engine import Engine
    from graticule.photos.manifest import Manifest


@dataclass(frozen=True)
class _Audit:
    """What the audit is to look for, as it was typed."""

    train: Path | None
    radius: float
    pixels: bool
    model: str | None


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
    train: Annotated[
        Path | None, typer.Option("--train", help="The training manifest, to look for leaks in.")
    ] = None,
    radius: Radius = 1.0,
    pixels: Annotated[
        bool, typer.Option(help="Look at the photos too: duplicates, placeholders, metadata.")
    ] = True,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="Of the audit: compare photos with training photos by this model's vectors too; "
            "by default those of the first bundle.",
        ),
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

    The photos are audited first, and where something is found the same table on the clean ones
    stands beside.

    \b
    Examples:
      graticule compare mini my-bundle/ --manifest test.csv --train train.csv -o report/
      graticule compare mini -p theirs.csv -p others.csv --manifest test.csv
      graticule compare --recipe compare --manifest photos/manifest.csv -o report/
    """  # noqa: D301
    if manifest is None:
        raise GraticuleError("say which photos to judge on: --manifest FILE")
    audit = _Audit(train, radius, pixels, model)
    if recipe is not None:
        if bundles or predictions or where:
            raise GraticuleError("--recipe trains its own systems: leave out bundles and tables")
        if output is None:
            raise GraticuleError("--recipe keeps every answer it got: say -o FOLDER")
        if train is not None or model is not None:
            raise GraticuleError("--recipe splits the manifest itself: leave out --train, --model")
        if tested is not None:
            raise GraticuleError(f"--recipe says itself who is tested: --set tested={tested}")
        found = _contest(recipe, manifest, output, changes, features, audit, seed)
    else:
        check_model(model, train, pixels=pixels)
        found = _compared(
            bundles or [], predictions or [], manifest, where or [], tested, seed, audit
        )
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
    audit: _Audit,
) -> list[Comparison]:
    """The comparison as given and, where the audit leaves some out, on the clean photos."""
    from graticule.evaluation.compare import Entry
    from graticule.evaluation.compare_audited import compare_audited
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
    first: Engine | None = None
    for name in bundles:
        engine = Engine(find_model(name))
        first = first or engine
        said = predict(engine, photos)
        cost = measure(engine, photos.files())
        entries.append(Entry(_own_name(said.name, name, entries), (said,), cost))
    for table in tables:
        said = read_predictions(table)
        entries.append(Entry(_own_name(said.name, str(table), entries), (said,)))
    truth = Truth.of(photos)
    findings, notes = _findings(photos, truth, audit, first)
    return compare_audited(entries, truth, findings, notes, tested=tested, seed=seed)


def _findings(
    photos: Manifest, truth: Truth, audit: _Audit, engine: Engine | None
) -> tuple[list[Finding], list[str]]:
    """What the audit finds among the judged photos, and what it could not look at."""
    from graticule.evaluation.audit import audit_tables
    from graticule.evaluation.pixels import PixelAudit, audit_pixels
    from graticule.evaluation.run import judged_photos

    train = None if audit.train is None else judged_photos(audit.train)
    looked = PixelAudit()
    if audit.pixels:
        looked = audit_pixels(train, photos, likeness(audit.model, engine))
    found = [*audit_tables(train, truth, radius_km=audit.radius), *looked.findings]
    notes = list(looked.notes)
    if train is None:
        notes.append("training photos were not given: leaks from training could not be looked for")
    return found, notes


def _own_name(name: str, where: str, entries: Sequence[object]) -> str:
    """A system's name, or where it lies if another is called so."""
    taken = {getattr(entry, "name", "") for entry in entries}
    return where if name in taken else name


def _contest(
    recipe: str,
    manifest: Path,
    output: Path,
    changes: list[str] | None,
    features: Path | None,
    audit: _Audit,
    seed: int,
) -> list[Comparison]:
    training.need_torch("compare --recipe")
    from graticule.evaluation.contest import judge
    from graticule.evaluation.pixels import look
    from graticule.photos import manifest as manifests
    from graticule.training import run
    from graticule.training.contest import hold, load_contest

    wanted = load_contest(recipe, changes)
    options = run.Options(features=features, say=training.say)
    held = hold(wanted, manifests.read(manifest), output / "runs", options)
    seen = look(held.manifest.files(), len(held.manifest)) if audit.pixels else None
    return list(judge(wanted, held, seen=seen, radius_km=audit.radius, seed=seed).values())
