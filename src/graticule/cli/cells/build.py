"""``graticule cells build``: one command for each kind of partition."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graticule.cli.app import CONTEXT

if TYPE_CHECKING:
    from graticule.cells.partition import Partition
    from graticule.cells.semantic import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=CONTEXT,
    epilog="Example: graticule cells build semantic --manifest photos/manifest.csv --country IN "
    "-o india.parquet",
)

ManifestOption = Annotated[
    Path, typer.Option("--manifest", "-m", metavar="FILE", help="Table of photos: CSV or Parquet.")
]
Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="GeoParquet file to write.")
]
Name = Annotated[str, typer.Option(help="What the partition is called.")]
BoundariesOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Your own borders: GeoJSON, GeoParquet or GeoPackage."),
]
Layer = Annotated[str | None, typer.Option(help="Layer of a GeoPackage with several.")]
Country = Annotated[str, typer.Option(help="Only this country, by ISO code, e.g. IN.")]


class Center(StrEnum):
    """What represents a cell."""

    photos = "photos"
    polygon = "polygon"


class Level(StrEnum):
    """Administrative levels of the atlas."""

    countries = "countries"
    regions = "regions"
    districts = "districts"


@app.callback()
def build() -> None:
    """Make a partition from a table of photos. The file appears when it is complete.

    Points as cells have a command of their own: graticule gallery build.
    """


def _write(partition: Partition, output: Path) -> None:
    check_ending(output)
    partition.to_parquet(output)
    typer.echo(f"{output}: {len(partition):,} cells with {partition.counts.sum():,} photos")


def check_ending(output: Path) -> None:
    """Fail before the work, not after it."""
    from graticule.errors import PartitionError

    if output.suffix.lower() != ".parquet":
        raise PartitionError(
            f"{output}: partitions are GeoParquet; call the file {output.stem}.parquet"
        )


@app.command()
def s2(
    manifest: ManifestOption,
    output: Output,
    preset: Annotated[
        str, typer.Option(help="coarse, middle, fine (ISNs) or planet: sets τ.")
    ] = "fine",
    tau_max: Annotated[int | None, typer.Option(help="Split cells with more photos.")] = None,
    tau_min: Annotated[int | None, typer.Option(help="Drop cells with fewer.")] = None,
    levels: Annotated[str, typer.Option(help="Coarsest and finest S2 level.")] = "2-30",
    name: Name = "s2",
) -> None:
    """S2 cells as fine as there are photos.

    Example: graticule cells build s2 -m photos.csv --tau-max 200 --tau-min 10 -o s2.parquet
    """
    from graticule.cells.adaptive import PRESETS, adaptive
    from graticule.cli.cells.places import located
    from graticule.errors import PartitionError

    check_ending(output)
    if preset not in PRESETS:
        raise PartitionError(f"no preset {preset!r}; choose from {', '.join(PRESETS)}")
    low, high = PRESETS[preset]
    first, _, last = levels.partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        raise PartitionError(f"levels {levels!r}: write them as 2-30")
    made = adaptive(
        located(manifest),
        high if tau_max is None else tau_max,
        low if tau_min is None else tau_min,
        levels=(int(first), int(last)),
        name=name,
    )
    _write(made, output)


@app.command()
def countries(
    manifest: ManifestOption,
    output: Output,
    center: Annotated[Center, typer.Option(help="A country's point.")] = Center.photos,
    name: Name = "countries",
) -> None:
    """Countries that have photos; the country column counts, else the place.

    Example: graticule cells build countries -m photos/manifest.csv -o countries.parquet
    """
    import numpy as np

    from graticule import atlas, sphere
    from graticule.cells.countries import countries as make
    from graticule.cli.cells.places import columns

    check_ending(output)
    latlon, codes = columns(manifest)
    bare = (codes == "") & np.isfinite(latlon).all(axis=1)
    if bare.any():
        codes = codes.astype("<U2")
        codes[bare] = atlas.countries(sphere.as_latlon(latlon[bare]))
    _write(make(codes, latlon, center=center.value, borders=True, name=name), output)


@app.command()
def regions(
    manifest: ManifestOption,
    output: Output,
    level: Annotated[Level, typer.Option(help="Of the atlas; districts are India's.")] = (
        Level.regions
    ),
    boundaries: BoundariesOption = None,
    layer: Layer = None,
    country: Country = "",
    center: Annotated[Center, typer.Option(help="A region's point.")] = Center.photos,
    min_photos: Annotated[int, typer.Option(min=1, help="Leave out regions with fewer.")] = 1,
    name: Name = "regions",
) -> None:
    """Regions that have photos, of the atlas or of your own GADM or geoBoundaries file.

    Examples:
      graticule cells build regions -m photos/manifest.csv -o regions.parquet
      graticule cells build regions -m photos/manifest.csv --boundaries gadm41_FRA.gpkg \
--layer ADM_ADM_2 -o departements.parquet
    """
    from graticule.cells.regions import regions as make
    from graticule.cli.cells.places import located, units

    check_ending(output)
    found = units(level.value, boundaries, layer, country)
    made = make(located(manifest), found, center=center.value, name=name, min_photos=min_photos)
    _write(made, output)


@app.command()
def cities(
    output: Output,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", "-m", metavar="FILE", help="Photos to count.")
    ] = None,
    places: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV with columns id (CC:Name), lat, lon.")
    ] = None,
    radius: Annotated[float, typer.Option(help="km from its centre that are of the city.")] = 25.0,
    name: Name = "cities",
) -> None:
    """Cities as discs: the ten of S3, or your own list.

    Example: graticule cells build cities --places mine.csv --radius 20 -o cities.parquet
    """
    from dataclasses import replace

    import numpy as np

    from graticule.cells.cities import cities as make
    from graticule.cells.cities import read_cities
    from graticule.cli.cells.places import located

    check_ending(output)
    made = make(None if places is None else read_cities(places), radius_km=radius, name=name)
    if manifest is not None:
        own = made.assign(located(manifest))
        counts = np.bincount(own[own >= 0], minlength=len(made)).astype(np.int64)
        made = replace(made, counts=counts)
    _write(made, output)


@app.command()
def nested(
    manifest: ManifestOption,
    output: Output,
    presets: Annotated[str, typer.Option(help="S2 presets, by commas.")] = "coarse,middle,fine",
    tau_min: Annotated[int, typer.Option(help="Drop S2 cells with fewer photos.")] = 50,
    admin: Annotated[
        bool, typer.Option("--admin", help="Country > region > semantic cell instead of S2.")
    ] = False,
    country: Country = "",
    size: Annotated[str, typer.Option(help="With --admin: small or large cells.")] = "small",
) -> None:
    """A stack of partitions, coarse to fine, for hierarchical decoding.

    The finest is written to the output, each coarser one beside it with its name.

    Example: graticule cells build nested -m photos/manifest.csv --tau-min 10 -o s2.parquet
    """
    from graticule.cells.nested import nested_admin, nested_s2
    from graticule.cli.cells.places import located, units

    check_ending(output)
    points = located(manifest)
    if admin:
        stack = nested_admin(points, units("districts", None, None, country), _settings(size))
    else:
        names = [name.strip() for name in presets.split(",") if name.strip()]
        stack = nested_s2(points, names, tau_min)
    for level, file in zip(stack.levels, stack.to_parquet(output), strict=True):
        typer.echo(f"{file}: {level.name}, {len(level):,} cells")


def _settings(
    preset: str, low: int | None = None, high: int | None = None, *, halve: bool = False
) -> Settings:
    from graticule.cells.semantic import PRESETS, Settings
    from graticule.errors import PartitionError

    if preset not in PRESETS:
        raise PartitionError(f"no preset {preset!r}; choose from {', '.join(PRESETS)}")
    base = PRESETS[preset]
    return Settings(
        base.min_photos if low is None else low,
        base.max_photos if high is None else high,
        base.rounds,
        halve,
    )


@app.command()
def semantic(
    manifest: ManifestOption,
    output: Output,
    country: Country = "",
    preset: Annotated[
        str, typer.Option(help="PIGEON's sizes and OPTICS rounds: small or large.")
    ] = "small",
    min_photos: Annotated[int | None, typer.Option(help="Merge cells with fewer.")] = None,
    max_photos: Annotated[int | None, typer.Option(help="Split cells with more.")] = None,
    halve: Annotated[
        bool, typer.Option("--halve", help="Cut in two what has no clusters to split by.")
    ] = False,
    level: Annotated[
        Level, typer.Option(help="Units to begin from; districts are regions outside India.")
    ] = Level.districts,
    boundaries: BoundariesOption = None,
    layer: Layer = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what happened here, as JSON.")
    ] = None,
    name: Name = "semantic",
) -> None:
    """Borders where photos are few, clusters where they are many (PIGEON; S2).

    Examples:
      graticule cells build semantic -m photos/manifest.csv --country IN -o india.parquet
      graticule cells build semantic -m photos/manifest.csv --preset large -o world.parquet
    """
    from graticule.cells.semantic import semantic as make
    from graticule.cli.cells.places import located, units
    from graticule.files import write_json

    check_ending(output)
    settings = _settings(preset, min_photos, max_photos, halve=halve)
    found = units(level.value, boundaries, layer, country)
    made, told = make(located(manifest), found, settings, name=name)
    for line in told.lines():
        typer.echo(line, err=True)
    if report is not None:
        write_json(report, told.to_json())
    _write(made, output)


@app.command()
def combinatorial(
    manifest: ManifestOption,
    output: Output,
    parts: Annotated[int, typer.Option(min=2, help="Coarse partitions to overlay.")] = 3,
    cells: Annotated[int, typer.Option(min=2, help="Cells of each.")] = 100,
    seed: Annotated[int, typer.Option(help="Same seed, same cells.")] = 0,
    name: Name = "combinatorial",
) -> None:
    """Coarse partitions overlaid: many small cells told by few classes (CPlaNet).

    Example: graticule cells build combinatorial -m photos/manifest.csv --cells 50 -o cp.parquet
    """
    from graticule.cells.combinatorial import combinatorial as make
    from graticule.cells.combinatorial import random_parts
    from graticule.cli.cells.places import located

    check_ending(output)
    points = located(manifest)
    _write(make(points, random_parts(points, parts, cells, seed), name=name), output)
