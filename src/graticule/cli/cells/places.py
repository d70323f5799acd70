"""What the commands on cells read from a manifest: places and countries, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from graticule.cells.boundaries import Boundaries


def columns(manifest: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.str_]]:
    """Coordinates (n, 2), NaN where unknown, and country codes (n,), "" where unknown."""
    import numpy as np

    from graticule.photos.manifest import read

    opened = read(manifest)
    wanted = [name for name in ("lat", "lon", "country") if name in opened.columns]
    points: list[npt.NDArray[np.float64]] = [np.empty((0, 2))]
    codes: list[npt.NDArray[np.str_]] = [np.empty(0, "<U2")]
    for batch in opened.batches(wanted):
        unknown = np.full(batch.num_rows, np.nan)
        latlon = [
            np.asarray(batch.column(name).to_numpy(zero_copy_only=False), np.float64)
            if name in wanted
            else unknown
            for name in ("lat", "lon")
        ]
        points.append(np.stack(latlon, axis=1))
        written = batch.column("country").to_pylist() if "country" in wanted else [""] * len(batch)
        codes.append(np.array([value or "" for value in written], dtype=np.str_))
    return np.concatenate(points), np.concatenate(codes)


def located(manifest: Path) -> npt.NDArray[np.float64]:
    """The coordinates of the photos that have any, (n, 2); the others are counted on stderr.

    Raises:
        PartitionError: no photo has a place, or one is no place on Earth.
    """
    import numpy as np
    import typer

    from graticule import sphere
    from graticule.errors import GraticuleError, PartitionError

    latlon, _ = columns(manifest)
    known = np.asarray(~np.isnan(latlon).any(axis=1))
    if not known.any():
        raise PartitionError(
            f"{manifest}: none of its {len(latlon)} photos has a place; fill its lat and lon"
        )
    if not known.all():
        typer.echo(f"{(~known).sum():,} of {len(known):,} photos have no place", err=True)
    try:
        return sphere.as_latlon(latlon[known])
    except GraticuleError as error:
        raise PartitionError(f"{manifest}: {error}; see graticule data check {manifest}") from error


def units(
    level: Literal["countries", "regions", "districts"],
    boundaries: Path | None,
    layer: str | None,
    country: str,
) -> Boundaries:
    """The administrative units that the options name."""
    import typer

    from graticule.cells.boundaries import of_atlas, read_boundaries

    if boundaries is None:
        return of_atlas(level, country)
    found = read_boundaries(boundaries, layer=layer)
    if found.repaired:
        typer.echo(f"{boundaries}: mended the rings of {found.repaired:,} units", err=True)
    return found.within(country) if country else found
