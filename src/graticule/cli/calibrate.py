"""``graticule calibrate``: probabilities, radii and verdicts that hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.errors import GraticuleError


def calibrate(
    bundle: Annotated[str, typer.Argument(help="A name from graticule models, or a folder.")],
    manifest: Annotated[
        Path, typer.Option("--manifest", "-m", help="Photos of known places it did not learn from.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new bundle.")],
    index: Annotated[
        Path | None, typer.Option(help="Fit beside this index of your photos as well.")
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="Fit for this gallery of your places instead.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the claims moved to fit verdicts.")] = 0,
) -> None:
    """Fit temperature, radii, sets, abstention, novelty and verdicts, and write a calibrated copy.

    Where the manifest names sources, each is judged by levels fitted on the others, and the table
    goes into the model card.

    Radii hold for what was run: with --index or --gallery, give locate the same ones. An index that
    has changed since, or another gallery, is answered as not calibrated.

    Examples:
        graticule calibrate mini --manifest my-photos.csv -o my-mini
        graticule calibrate geoclip --manifest holdout.csv -o my-geoclip
        graticule calibrate geoclip -m holdout.csv --index albums.index -o my-geoclip
    """
    if output.exists():  # before the work, not after it
        raise GraticuleError(f"{output}: exists; choose another -o for the calibrated bundle")
    from graticule.conformal import CLAIM_PLACES
    from graticule.evaluation import calibrate as fitting
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model
    from graticule.photos.manifest import read

    engine = Engine(find_model(bundle), index, gallery)
    for note in engine.system.notes:
        typer.echo(f"graticule: {note}", err=True)
    fitted = fitting.calibrate(engine, read(manifest), seed=seed)
    fitting.write(engine.system.bundle, fitted, output)
    about = fitted.fitted_on
    typer.echo(
        f"calibrated on {about['with_coordinates']} photos with coordinates at "
        f"{about['independent_places']} independent places"
    )
    if not about["coverage_may_be_claimed"]:
        typer.echo(
            f"fewer than {CLAIM_PLACES} independent places: the radii are a guide, no promise",
            err=True,
        )
    for task, temperature in fitted.temperatures.items():
        typer.echo(f"  temperature of {task}: {temperature:.2f}")
    for task, power in fitted.density.items():
        typer.echo(f"  {task} weigh by their area to the power {power:.2f}")
    if fitted.index is not None:
        weighing = fitted.index.weighing
        typer.echo(
            f"  a match counts up to {weighing['weight']:.0%}, half of that at cosine "
            f"{weighing['middle']:.2f}"
        )
    words = fitting.drift_table(fitted)
    typer.echo(
        "\n".join(words).rstrip()
        or "one source: how radii hold elsewhere could not be measured; fill the column source"
    )
    kept = ", ".join(f"{risk} %" for risk in sorted(fitted.risk_confidence)) or "none of them"
    typer.echo(f"risks that --max-risk can keep: {kept}")
    for line in fitting.verdict_lines(fitted):
        typer.echo(line)
    typer.echo(f"wrote {output}", err=True)
