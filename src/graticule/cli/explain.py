"""``graticule explain``: what in the picture spoke for the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def explain(
    photo: Annotated[Path, typer.Argument(help="The photo.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="HTML page, or a PNG of the heat alone.")
    ] = Path("explain.html"),
    model: Annotated[
        str, typer.Option("--model", "-m", help="A name from graticule models, or a bundle folder.")
    ] = "mini",
    grid: Annotated[int, typer.Option(min=3, max=24, help="Parts to a side.")] = 8,
) -> None:
    """Hide each part of a photo in turn and draw which parts the answer rested on.

    Runs the model grid × grid times; no gradient and no PyTorch.

    Examples:
        graticule explain street.jpg
        graticule explain street.jpg --grid 12 -o heat.png
    """
    import numpy as np
    from PIL import Image

    from graticule import atlas, files
    from graticule.locate import explain as explaining
    from graticule.locate.engine import Engine
    from graticule.locate.explain_page import page
    from graticule.locate.locator import find_model

    engine = Engine(find_model(model))
    found = explaining.explain(engine, engine.system.open(photo), grid=grid)
    if output.suffix.lower() == ".png":
        with files.atomic_path(output) as part:
            Image.fromarray(np.asarray(explaining.overlay(found))).save(part)
    else:
        with files.atomic(output) as out:
            out.write(page(found, photo.name))
    name = atlas.country_name(found.cell) if found.task == "countries" else found.cell
    typer.echo(f"{name} {found.probability:.0%}; hiding what speaks most for it:")
    for change in (*found.lost, *found.gained):
        typer.echo(f"  {change.code:<8} {change.before:6.1%} → {change.after:6.1%}")
    typer.echo(f"wrote {output}", err=True)
