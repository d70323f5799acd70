"""``graticule models``: which models are on this machine."""

from __future__ import annotations

from typing import Annotated

import typer


def models(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Add licences and the folder of each.")
    ] = False,
) -> None:
    """List the models that graticule locate --model takes by name.

    Examples:
        graticule models
        graticule models --verbose
    """
    from graticule.locate.locator import installed_models
    from graticule.systems.bundle import Bundle

    found = installed_models()
    if not found:
        typer.echo("graticule: no model is installed; graticule train makes one", err=True)
        raise typer.Exit(1)
    width = max(len(name) for name in found)
    for name, folder in found.items():
        bundle = Bundle(folder)
        about = bundle.manifest
        tasks = ", ".join(sorted(n.stem for n in (folder / "partitions").glob("*.parquet")))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
        calibrated = "calibrated" if bundle.has("calibration.json") else "not calibrated"
        typer.echo(
            f"{name:<{width}}  version {about.version}  {about.system}  {tasks}  "
            f"{size:.1f} MB  {calibrated}  {bundle.sha256[:8]}"
        )
        if verbose:
            typer.echo(f"{'':<{width}}  {folder}")
            for line in about.licences:
                typer.echo(f"{'':<{width}}  {line}")
