"""``graticule data planet``: draw a synthetic planet to test on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def planet(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make.")],
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Photos.")] = 2000,
    countries: Annotated[int, typer.Option(help="Countries, 1 to 30.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 7,
    exif: Annotated[
        bool, typer.Option("--exif", help="Write GPS and date into the files, as a camera does.")
    ] = False,
) -> None:
    """Draw a made-up world whose pictures depend on where they are, with a full manifest.

    For tests and for trying things out without a download: no accuracy on it says anything about
    photographs of the Earth.

    Example: graticule data planet -n 2000 --countries 12 --seed 7 -o planet/
    """
    from graticule.photos import planet as drawn

    made = drawn.make(output, number, countries=countries, seed=seed, exif=exif)
    typer.echo(
        f"{len(made):,} photos of {countries} countries in {made.path}; "
        f"next: graticule data check {made.path}"
    )
