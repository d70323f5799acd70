"""``graticule data duplicates``: put near-duplicates in one group."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def duplicates(
    manifest: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    radius: Annotated[
        int, typer.Option(min=0, max=12, help="Bits of 64 in which two hashes may differ.")
    ] = 6,
    embeddings: Annotated[
        Path | None, typer.Option(help="A .npy of one vector a row, to confirm and to find more.")
    ] = None,
    cosine: Annotated[
        float, typer.Option(min=-1, max=1, help="What is near for the embeddings.")
    ] = 0.95,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of into the manifest.")
    ] = None,
) -> None:
    """Find pictures that are nearly the same and give them one value in the column group.

    Groups that are there are joined with what is found, never cut. `graticule data split` keeps a
    group on one side.

    Examples:
      graticule data duplicates photos/manifest.csv
      graticule data duplicates photos/manifest.csv --radius 4 -o photos/grouped.csv
    """
    import numpy as np

    from graticule.cli.data.targets import beside
    from graticule.photos import duplicates as found
    from graticule.photos import splits
    from graticule.photos.manifest import read, replace_column

    opened = read(manifest)
    target = beside(manifest if output is None else output, opened.root)
    hashes, readable = found.hash_photos(opened.files())
    names = opened.column("group").astype(object)
    known = splits.codes(opened, "group") if (names != "").any() else None
    vectors = None if embeddings is None else _vectors(embeddings, len(hashes))
    numbers = found.groups(
        hashes, readable, radius=radius, embeddings=vectors, cosine=cosine, known=known
    )
    for number in range(numbers.max(initial=-1) + 1):
        rows = np.flatnonzero(numbers == number)
        given = [name for name in names[rows] if name]
        names[rows] = given[0] if given else f"near{rows[0] + 2}"
    replace_column(opened, "group", names, target)
    unread = int((~readable).sum())
    typer.echo(
        f"{target}: {int((numbers >= 0).sum()):,} photos in {numbers.max(initial=-1) + 1:,} groups"
        + (f"; {unread:,} could not be read (graticule data check {manifest})" if unread else "")
    )


def _vectors(path: Path, rows: int) -> npt.NDArray[np.floating]:
    import numpy as np

    from graticule.errors import GraticuleError

    try:
        vectors = np.load(path, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise GraticuleError(f"{path}: not an array of numbers ({error})") from None
    if vectors.ndim != 2 or len(vectors) != rows:
        raise GraticuleError(f"{path}: has shape {vectors.shape}; the manifest has {rows} rows")
    return vectors  # type: ignore[no-any-return]
