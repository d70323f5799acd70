"""``graticule gallery``: places of the user's own, for models that compare photos with places."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graticule.cli.app import CONTEXT

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=CONTEXT,
    epilog="Example: graticule gallery build --box 47.3,8.4,47.5,8.7 --spacing 1km "
    "-o zurich.parquet",
)


class By(StrEnum):
    """How points are drawn on land."""

    population = "population"
    area = "area"


@app.callback()
def gallery() -> None:
    """Places of your own for models that compare photos with places, as geoclip."""


@app.command()
def build(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="GeoParquet file to write.")
    ],
    manifest: Annotated[
        Path | None, typer.Option("--manifest", "-m", metavar="FILE", help="Places of photos.")
    ] = None,
    points: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with columns lat and lon.")
    ] = None,
    box: Annotated[
        str | None, typer.Option(help="Fill a box: SOUTH,WEST,NORTH,EAST in degrees.")
    ] = None,
    spacing: Annotated[str, typer.Option(help="Between the points of --box: 1km, 500m.")] = "1km",
    draw: Annotated[By | None, typer.Option(help="Draw points on land.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", help="How many to draw.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Of the drawing: same seed, same points.")] = 0,
    name: Annotated[str, typer.Option(help="What the gallery is called.")] = "gallery",
) -> None:
    """Write a gallery: where photos are, from a list, filling a box, or drawn on land.

    Points given twice or at sea are kept and counted; rows of a list that are no place are left out
    and counted. The file is a partition as well: graticule cells show draws it.

    Examples:
        graticule gallery build --manifest photos/manifest.csv -o mine.parquet
        graticule gallery build --box 47.3,8.4,47.5,8.7 --spacing 1km -o zurich.parquet
        graticule gallery build --draw population -n 20000 -o towns.parquet
        graticule locate street.jpg --model geoclip --gallery zurich.parquet
    """
    import numpy as np

    from graticule.cells.gallery import Points, drawn_on_land, grid, read_points
    from graticule.cells.gallery import gallery as make
    from graticule.cli.cells.build import check_ending
    from graticule.cli.cells.places import located
    from graticule.errors import PartitionError

    check_ending(output)
    if sum(source is not None for source in (manifest, points, box, draw)) != 1:
        raise PartitionError("choose one of --manifest, --points, --box and --draw")
    counts = None
    if manifest is not None:
        places, counts = np.unique(located(manifest), axis=0, return_counts=True)
        found = Points(places)
    elif points is not None:
        found = read_points(points)
    elif box is not None:
        found = Points(grid(_box(box), kilometres(spacing)))
    else:
        found = Points(drawn_on_land(number, draw.value if draw else "area", seed))
    make(found.latlon, counts=counts, name=name).to_parquet(output)
    typer.echo(f"{output}: {found}")


def kilometres(text: str) -> float:
    """A distance as "1km", "500 m" or "2.5", which is in km.

    Raises:
        PartitionError: it is none.
    """
    from graticule.errors import PartitionError

    words = text.strip().lower()
    unit = next((end for end in ("km", "m") if words.endswith(end)), "")
    try:
        value = float(words.removesuffix(unit)) / (1000 if unit == "m" else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 20_000:
        raise PartitionError(f"--spacing {text!r}: write it as 1km or 500m")
    return value


def _box(text: str) -> tuple[float, float, float, float]:
    from graticule.errors import PartitionError

    try:
        south, west, north, east = (float(part) for part in text.split(","))
    except ValueError:
        raise PartitionError(f"--box {text!r}: write it as SOUTH,WEST,NORTH,EAST") from None
    return south, west, north, east
