"""``graticule teach``: a place of your own, from a handful of photos, without training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.errors import GraticuleError


def teach(
    bundle: Annotated[
        str, typer.Argument(help="A bundle folder, or with -o a name from graticule models.")
    ],
    name: Annotated[str, typer.Option("--name", "-n", help="What the place is called.")] = "",
    photos: Annotated[
        list[str] | None,
        typer.Option("--photos", "-p", help="Photos of it: files, folders. Repeatable."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="LAT,LON of the place; else where its photos say they are, or a town of its name."
        ),
    ] = None,
    others: Annotated[
        list[str] | None,
        typer.Option(
            help="Photos of elsewhere, a folder for each place: what the new one is told from. "
            "Models with prototypes (S2) need none."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Teach a copy and leave BUNDLE as it is.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the taught places.")] = False,
    forget: Annotated[
        list[str] | None, typer.Option(help="Take a taught place out again. Repeatable.")
    ] = None,
) -> None:
    """Add a place to a model by a few photos; it is named in answers from then on.

    More photos of a known name are added to it. Nothing is trained: the photos' mean vector is a
    prototype beside those of the model.

    Examples:
        graticule teach my-india --name Hampi --photos hampi/ --at 15.335,76.46
        graticule teach mini -o my-mini --name Home --photos home/ --others albums/
        graticule teach my-india --list
        graticule teach my-india --forget Hampi
    """
    from contextlib import nullcontext

    from graticule.locate import teach as teaching
    from graticule.locate.locator import find_model, shipped
    from graticule.photos.inputs import find_photos
    from graticule.systems.bundle import Bundle

    def complain(words: str) -> None:
        typer.echo(f"graticule: {words}", err=True)

    wanted = bool(name or photos)
    if wanted and not (name and photos):
        raise GraticuleError("give both --name and --photos to teach a place")
    if not (wanted or listing or forget):
        raise GraticuleError("nothing to do: give --name and --photos, --list or --forget")
    where = _latlon(at)
    opened = find_model(bundle)
    if output is None and shipped(opened) and (wanted or forget):
        raise GraticuleError(f"{bundle}: all users share this model; teach a copy with -o FOLDER")
    own = nullcontext(opened) if output is None else teaching.copied(opened, output)
    said = opened if output is None else output
    with own as folder:
        for one in forget or ():
            gone = teaching.forget(folder, one)
            complain(f"{said}: {gone.name} forgotten, {_photos(len(gone.photos))}")
        if photos and name:
            place = teaching.teach(
                folder,
                name,
                list(find_photos(photos, complain)),
                at=where,
                others=list(find_photos(others, complain)) if others else (),
                complain=complain,
            )
            complain(f"{said}: {place.name} at {place.lat:g}, {place.lon:g} is known by "
                     f"{_photos(len(place.photos))}")  # fmt: skip
        if listing:
            found = teaching.taught(Bundle(folder))
            for place in found.places if found else ():
                typer.echo(
                    f"{place.name}\t{place.lat:g},{place.lon:g}\t{_photos(len(place.photos))}"
                )
            if not found:
                complain(f"{said}: was taught no place")


def _photos(number: int) -> str:
    return "1 photo" if number == 1 else f"{number:,} photos"


def _latlon(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError as error:
        raise GraticuleError(
            f"--at {text}: two numbers with a comma, latitude first: 15.335,76.46"
        ) from error
    return lat, lon
