"""``graticule calibrate``: probabilities, radii and verdicts that hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    bundle: Annotated[str, typer.Argument(help="A name from graticule models, or a folder.")],
    manifest: Annotated[
        Path, typer.Option("--manifest", "-m", help="Photos of known places it did not learn from.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new bundle.")],
    seed: Annotated[int, typer.Option(help="Of the claims moved to fit verdicts.")] = 0,
) -> None:
    """Fit temperature, radii, abstention and verdicts, and write a calibrated copy.

    Examples:
        graticule calibrate mini --manifest my-photos.csv -o my-mini
        graticule calibrate geoclip/ --manifest holdout.csv -o geoclip-calibrated
    """
    from graticule.evaluation import calibrate as fitting
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model
    from graticule.photos.manifest import read

    engine = Engine(find_model(bundle))
    fitted = fitting.calibrate(engine, read(manifest), seed=seed)
    fitting.write(engine.system.bundle, fitted, output)
    about = fitted.fitted_on
    typer.echo(
        f"calibrated on {about['with_coordinates']} photos with coordinates at "
        f"{about['independent_places']} independent places"
    )
    if not about["coverage_may_be_claimed"]:
        typer.echo(
            f"fewer than {fitting.CLAIM_PLACES} independent places: the radii are a guide, "
            "no promise",
            err=True,
        )
    for task, temperature in fitted.temperatures.items():
        typer.echo(f"  temperature of {task}: {temperature:.2f}")
    typer.echo(f"wrote {output}", err=True)
