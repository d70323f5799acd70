"""``graticule index``: the user's own located photos, as evidence for ``locate --index``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli.options import ModelName


def index(
    manifest: Annotated[
        Path | None,
        typer.Argument(help="Photos with lat and lon to add, CSV or Parquet.", show_default=False),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the index; made, or changed.")
    ] = Path("photos.index"),
    model: ModelName = "mini",
    delete: Annotated[
        list[str] | None,
        typer.Option(help="Take out photos of this name; * and ? match any. Repeatable."),
    ] = None,
) -> None:
    """Index located photos of your own; a photo that is there already is passed over.

    A run that was killed goes on with the same command. How much matches count beside the model is
    fitted on the index itself, each photo left out in turn. Without a manifest and --delete, says
    what the index holds.

    Examples:
        graticule data folder albums/ -o albums.csv
        graticule index albums.csv -o albums.index
        graticule locate unsorted/ --index albums.index -f json
        graticule index -o albums.index --delete '2019/party-*'
    """
    from graticule.refine.photo_index import PhotoIndex

    if delete:
        gone = PhotoIndex(output).delete(delete)
        typer.echo(f"{output}: {gone:,} photos taken out, {len(PhotoIndex(output)):,} left")
    if manifest is not None:
        _add(manifest, output, model)
    elif not delete:
        found = PhotoIndex(output)
        about = found.about
        typer.echo(f"{output}: {len(found):,} photos, {about['width']} numbers, {about['model']}")


def _add(manifest: Path, output: Path, model: str) -> None:
    from graticule.locate import albums
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model
    from graticule.photos.manifest import read
    from graticule.refine.coarse import EXACT
    from graticule.refine.neighbours import FEWEST, weighing_of

    table = read(manifest)
    engine = Engine(find_model(model))
    found = albums.open_index(engine, output)
    added = albums.add(
        engine, found, table, lambda words: typer.echo(f"graticule: {words}", err=True)
    )
    typer.echo(f"{output}: {added:,} photos added, {len(found):,} in all")
    if len(found) > EXACT and "coarse" not in found.about:
        typer.echo(
            f"graticule: beyond {EXACT:,} photos each is compared with all of them; pip install "
            "'graticule[index]' and this command again make that faster",
            err=True,
        )
    weighing = weighing_of(found)
    if weighing.photos:
        typer.echo(
            f"graticule: a match counts up to {weighing.weight:.0%}, half of that at cosine "
            f"{weighing.middle:.2f}; fitted on {weighing.photos} photos",
            err=True,
        )
    else:
        typer.echo(
            f"graticule: fewer than {FEWEST} usable photos: how much matches count is a guess",
            err=True,
        )
