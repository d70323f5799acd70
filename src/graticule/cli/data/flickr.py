"""``graticule data flickr``: photos of cities from the Flickr API."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from graticule.cli.data.making import Output, album_in, key_from, origin, say, write


def flickr(
    output: Output,
    city: Annotated[
        list[str] | None,
        typer.Option("--city", help="One of the ten by name, or NAME=LAT,LON; again for more."),
    ] = None,
    keyword: Annotated[str, typer.Option(help="Word to search for.")] = "streets",
    per_city: Annotated[int, typer.Option("--per-city", min=1, help="Photos a city.")] = 4100,
    size: Annotated[
        str, typer.Option(help="t 100, q 150, m 240, n 320, w 400, z 640, c 800, b 1024 pixels.")
    ] = "n",
    licence: Annotated[
        list[str] | None,
        typer.Option("--licence", help="Flickr's number, as 4 for CC BY 2.0; all open ones."),
    ] = None,
    radius_km: Annotated[float, typer.Option(help="Around the city's centre, up to 32.")] = 20.0,
    per_hour: Annotated[
        float, typer.Option(min=1, max=3600, help="Calls of the API an hour.")
    ] = 3600,
    api: Annotated[str, typer.Option(help="Address of the API.", hidden=True)] = "",
) -> None:
    """Download geotagged photos of cities; by default ten cities and the word "streets".

    The key is read from FLICKR_API_KEY (https://www.flickr.com/services/apps/create/). Run the
    same command again to go on where it stopped.

    Examples:
      graticule data flickr --city Paris --per-city 100 -o flickr/

      graticule data flickr --city Rome=41.9,12.5 --keyword piazza --licence 4 -o rome/
    """
    from graticule.download import Client
    from graticule.photos.sources import flickr as source
    from graticule.photos.sources.source import manifest_path

    key = key_from(source.KEY_VARIABLE, "https://www.flickr.com/services/apps/create/")
    search = source.Search(keyword, size, tuple(licence or ()), radius_km)
    cities = [source.parse_city(text) for text in city] if city else source.TEN_CITIES
    say(source.ABOUT.notice())
    base = api or source.API
    client = Client(per_hour=per_hour, trusted=(origin(base),))
    names = source.licence_names(client, key, base)
    if not search.licences:
        search = replace(search, licences=tuple(n for n in names if n != source.RESERVED))
    with album_in(manifest_path(output).parent, origin(base)).open() as album:
        rows = (
            row
            for place in cities
            for row in source.rows(album, client, key, place, search, per_city, base, names)
        )
        write(rows, output, source.ABOUT, album)
