"""``graticule data preview``: what an augmentation does to a table's photos, as a contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def preview(
    manifest: Annotated[Path, typer.Argument(help="The table of photos.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The sheet, .png or .jpg.")],
    augment: Annotated[str, typer.Option(help="none, s1, s1-grey, s3, s5 or strong.")] = "s1",
    photos: Annotated[int, typer.Option(min=1, max=200, help="Photos, one a row.")] = 6,
    draws: Annotated[int, typer.Option(min=1, max=20, help="Times each is drawn.")] = 7,
    size: Annotated[int, typer.Option(min=8, max=1024, help="Side in pixels.")] = 224,
    seed: Annotated[int, typer.Option(help="Which photos, and what is drawn.")] = 0,
) -> None:
    """Show photos as training sees them: first as they are, then as an augmentation draws them.

    Example: graticule data preview photos/manifest.csv --augment s1 -o sheet.png
    """
    import numpy as np
    from PIL import Image

    from graticule.draw.sheet import contact_sheet, save_sheet
    from graticule.errors import GraticuleError, PhotoError
    from graticule.photos import manifest as manifests
    from graticule.photos.augment import draw, find_augment
    from graticule.photos.photo import open_photo

    change = find_augment(augment)
    files = manifests.read(manifest).files()
    if not files:
        raise GraticuleError(f"{manifest}: no rows to show")
    chosen = np.random.default_rng(seed).permutation(len(files))[:photos]
    cells: list[tuple[Image.Image | None, str]] = []
    for row in chosen:
        name = files[row].name
        try:
            image = open_photo(files[row]).image
        except PhotoError:
            cells += [(None, f"{name}: unreadable"), *[(None, "")] * draws]
            continue
        cells.append((image, name))
        for epoch in range(draws):
            pixels = change(image, size, draw(seed, epoch, int(row)))
            cells.append((Image.fromarray(pixels), f"{augment}, draw {epoch + 1}"))
    save_sheet(contact_sheet(cells, columns=draws + 1), output)
    typer.echo(str(output))
