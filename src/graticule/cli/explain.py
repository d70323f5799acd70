"""``graticule explain``: what in the picture spoke for the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli.options import ModelName
from graticule.errors import GraticuleError

#: What a file's ending asks for.
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_ENDINGS = (".html", ".htm", ".json", *_PICTURES)


def explain(
    photo: Annotated[Path, typer.Argument(help="The photo.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="HTML page, PNG (or JPEG) of the heat alone, or JSON."),
    ] = Path("explain.html"),
    model: ModelName = "mini",
    index: Annotated[
        Path | None,
        typer.Option(help="Photos of your own from graticule index: the most alike are shown."),
    ] = None,
    grid: Annotated[int, typer.Option(min=3, max=24, help="Parts to a side.")] = 8,
) -> None:
    """Hide each part of a photo in turn and draw which parts the answer rested on.

    Runs the model grid × grid times; no gradient and no PyTorch.

    Examples:
        graticule explain street.jpg
        graticule explain street.jpg --grid 12 -o heat.png
        graticule explain street.jpg --index albums.index -o explain.html
    """
    import numpy as np
    from PIL import Image

    from graticule import files
    from graticule.locate import explain as explaining
    from graticule.locate.engine import Engine
    from graticule.locate.explain_page import as_json, page
    from graticule.locate.locator import find_model

    ending = output.suffix.lower()
    if ending not in _ENDINGS:
        raise GraticuleError(f"--output {output}: name a file that ends in .html, .png or .json")
    engine = Engine(find_model(model), index)
    opened = engine.system.open(photo)
    found = explaining.explain(engine, opened, grid=grid)
    if ending in _PICTURES:
        with files.atomic_path(output) as part:
            Image.fromarray(np.asarray(explaining.overlay(found))).save(part)
    elif ending == ".json":
        files.write_json(output, as_json(found, opened.name))
    else:
        shown = (lambda _: None) if engine.album is None else engine.album.file
        with files.atomic(output) as out:
            out.write(page(found, photo.name, shown))
    typer.echo(f"{found.name} {found.probability:.0%}; hiding what speaks most for it:")
    for change in (*found.lost, *found.gained):
        typer.echo(f"  {change.name:<24} {change.before:6.1%} → {change.after:6.1%}")
    for match in found.matches:
        typer.echo(f"  alike in your index: {match.photo} ({match.similarity:.2f})")
    typer.echo(f"graticule: wrote {output}", err=True)
