"""What the commands that read a source share: the notice before, the line after, their options."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from graticule.photos.sources.pictures import Album
    from graticule.photos.sources.source import About, Row

Output: TypeAlias = Annotated[
    Path,
    typer.Option("--output", "-o", help="Folder for manifest.csv, or the .csv or .parquet itself."),
]
Limit: TypeAlias = Annotated[
    int | None, typer.Option("--limit", min=1, help="Stop after so many photos.")
]
Photos: TypeAlias = Annotated[
    Path | None, typer.Option("--photos", help="Folder that holds the photos already.")
]
Size: TypeAlias = Annotated[
    str, typer.Option("--size", help="Flickr's letter: n 320, z 640, b 1024 px; '' the original.")
]


def say(text: str) -> None:
    """A sentence for a person, on stderr."""
    typer.echo(text, err=True)


def write(rows: Iterable[Row], output: Path, about: About, album: Album | None = None) -> None:
    """Write the manifest while a bar moves, and say what is there and what to do next."""
    from graticule.photos.sources.source import manifest_path, write_what_is_there
    from graticule.progress import track

    path = manifest_path(output)
    try:
        count = write_what_is_there(track(rows, about.name), path, about.columns)
    finally:
        if album is not None:
            say(album.summary())
    typer.echo(f"{count:,} photos in {path}; next: graticule data check {path}")


def key_from(variable: str, where: str) -> str:
    """A key from the environment: never an argument, since arguments end up in shell histories.

    Raises:
        GraticuleError: it is not set.
    """
    from graticule.errors import GraticuleError

    key = os.environ.get(variable, "").strip()
    if not key:
        raise GraticuleError(
            f"{variable} is not set; get a key at {where}, then: export {variable}=…"
        )
    return key


def album_in(folder: Path, *trusted: str) -> Album:
    """Where photos are downloaded to: one at a time, five a second at the most."""
    from graticule.download import Client
    from graticule.photos.sources.pictures import Album

    return Album(folder, Client(per_hour=18_000, retries=3, trusted=trusted))


def origin(url: str) -> str:
    """The server of an address that the user gave."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
