"""``graticule data mapillary``: street-level photos in a box."""

from __future__ import annotations

from typing import Annotated

import typer

from graticule.cli.data.making import Limit, Output, album_in, key_from, origin, say, write


def mapillary(
    box: Annotated[str, typer.Option("--box", help="SOUTH,WEST,NORTH,EAST in degrees.")],
    output: Output,
    size: Annotated[str, typer.Option(help="Longest side: 256, 1024 or 2048 pixels.")] = "1024",
    per_sequence: Annotated[
        int | None, typer.Option(min=1, help="At most so many of one drive or walk.")
    ] = None,
    limit: Limit = None,
    per_hour: Annotated[
        float, typer.Option(min=1, max=36_000, help="Calls of the API an hour.")
    ] = 3600,
    api: Annotated[str, typer.Option(help="Address of the API.", hidden=True)] = "",
) -> None:
    """Download the photos that Mapillary has in a box.

    The token is read from MAPILLARY_TOKEN (https://www.mapillary.com/dashboard/developers). Run
    the same command again to go on where it stopped.

    Example: graticule data mapillary --box 48.85,2.33,48.86,2.35 --per-sequence 5 -o paris/
    """
    from graticule.photos.sources import mapillary as source
    from graticule.photos.sources.source import manifest_path

    token = key_from(source.TOKEN_VARIABLE, "https://www.mapillary.com/dashboard/developers")
    place = source.parse_box(box)
    say(source.ABOUT.notice())
    base = api or source.API
    client = source.client(token, per_hour=per_hour, trusted=(origin(base),))
    with album_in(manifest_path(output).parent, origin(base)).open() as album:
        rows = source.rows(
            album, client, place, size=size, per_sequence=per_sequence, limit=limit, base=base
        )
        write(rows, output, source.ABOUT, album)
