"""``graticule data split``: write a split that does not leak, as a column."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graticule.photos.manifest import Manifest
    from graticule.photos.splits import IntArray


class By(StrEnum):
    """What no two sides may share."""

    random = "random"
    photographer = "photographer"
    sequence = "sequence"
    group = "group"
    source = "source"
    place = "place"
    time = "time"


def split(
    manifest: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    by: Annotated[By, typer.Option("--by", help="What no two sides may share.")],
    sizes: Annotated[
        str, typer.Option(help="Shares of train, val and test, by commas.")
    ] = "0.8,0.1,0.1",
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same split.")] = 0,
    stratify: Annotated[
        str, typer.Option(help="Column whose values each side gets its share of; '' for none.")
    ] = "country",
    together: Annotated[
        str, typer.Option(help="Column that is never cut, whatever the split; '' for none.")
    ] = "group",
    level: Annotated[
        int, typer.Option(min=0, max=30, help="place: S2 level of the blocks (6: about 150 km).")
    ] = 6,
    buffer: Annotated[
        float,
        typer.Option(min=0, help="place: km between sides; rows inside are left out."),
    ] = 25.0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of into the manifest.")
    ] = None,
) -> None:
    """Write a column split_KEY: train, val or test, empty for a row left out.

    Rows of one photographer, sequence, group or source are on one side; place keeps whole blocks
    of the Earth and a buffer between sides; time puts train before val before test. A split
    that came with the data (the column split) stays as it is.

    Examples:
      graticule data split photos/manifest.csv --by photographer
      graticule data split photos/manifest.csv --by place --buffer 50 -o photos/blocks.parquet
    """
    from graticule.cli.data.targets import beside
    from graticule.errors import GraticuleError
    from graticule.photos import splits
    from graticule.photos.manifest import read, replace_column

    opened = read(manifest)
    target = beside(manifest if output is None else output, opened.root)
    try:
        shares = [float(share) for share in sizes.split(",")]
    except ValueError:
        raise GraticuleError(f"--sizes {sizes!r}: write three shares, as 0.8,0.1,0.1") from None
    sides = _sides(opened, by, shares, seed, stratify, together, level, buffer)
    name = f"split_{by.value}"
    rows = replace_column(opened, name, splits.words(sides), target)
    counts = ", ".join(f"{side} {int((sides == i).sum()):,}" for i, side in enumerate(splits.SIDES))
    out = int((sides < 0).sum())
    why = {"place": "no place, or inside the buffer", "time": "no date, or a group cut in two"}
    left = f", left out {out:,} ({why.get(by.value, '')})" if out else ""
    typer.echo(f"{target}: {name}: {counts}{left} of {rows:,}")
    for i, (side, share) in enumerate(zip(splits.SIDES, shares, strict=True)):
        if share > 0 and not (sides == i).any():
            typer.echo(f"graticule: {side} is empty: there is too little to deal out", err=True)


def _sides(
    opened: Manifest,
    by: By,
    shares: list[float],
    seed: int,
    stratify: str,
    together: str,
    level: int,
    buffer: float,
) -> IntArray:
    import numpy as np

    from graticule.photos import splits

    strata = _codes(opened, stratify)
    held = _codes(opened, together)
    if by is By.time:
        opened.need("captured_at")
        return splits.by_time(splits.moments(opened), sizes=shares, together=held)
    if by is By.place:
        from graticule.cells import s2

        opened.need("lat")
        latlon = opened.latlon
        located = np.isfinite(latlon).all(axis=1)
        blocks = np.full(len(latlon), -1, dtype=np.int64)
        ids = s2.cell_ids(latlon[located], level)
        blocks[located] = np.unique(ids, return_inverse=True)[1]
        return splits.by_place(
            latlon,
            blocks,
            buffer_km=buffer,
            sizes=shares,
            together=held,
            strata=strata,
            seed=seed,
        )
    keys = [] if by is By.random else [splits.codes(opened, by.value)]
    if held is not None and by is not By.group:
        keys.append(held)
    components = splits.join(*keys) if keys else np.arange(len(opened), dtype=np.int64)
    return splits.by_key(components, sizes=shares, strata=strata, seed=seed)


def _codes(opened: Manifest, name: str) -> IntArray | None:
    """Codes of an optional column; None where the manifest has none."""
    from graticule.errors import ManifestError
    from graticule.photos import splits

    if not name or name not in opened.columns:
        return None
    try:
        return splits.codes(opened, name)
    except ManifestError:  # the column is empty
        return None
