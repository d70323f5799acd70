"""Contact sheets: many photos on one picture, each with a line under it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graticule.files import atomic_path

if TYPE_CHECKING:
    from PIL.Image import Image

_PAPER, _INK, _EMPTY = "#ffffff", "#1d2730", "#e6e7e5"
_GAP, _LINE = 8, 15


def contact_sheet(
    photos: Sequence[tuple[Image | None, str]], *, columns: int = 8, side: int = 160
) -> Image:
    """Lay photos out in rows.

    Args:
        photos: each with the line under it; None leaves a grey field.
        columns: photos in a row.
        side: of the square that a photo is fitted into, in pixels.

    Returns:
        An RGB picture.
    """
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    columns = max(1, min(columns, len(photos)))
    rows = max(1, -(-len(photos) // columns))
    size = (columns * (side + _GAP) + _GAP, rows * (side + _LINE + _GAP) + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for number, (photo, words) in enumerate(photos):
        x = _GAP + number % columns * (side + _GAP)
        y = _GAP + number // columns * (side + _LINE + _GAP)
        if photo is None:
            pen.rectangle((x, y, x + side, y + side), fill=_EMPTY)
        else:
            sheet.paste(ImageOps.pad(photo.convert("RGB"), (side, side), color=_EMPTY), (x, y))
        pen.text((x, y + side + 1), _fitting(words, side, font), fill=_INK, font=font)
    return sheet


def save_sheet(sheet: Image, path: str | os.PathLike[str]) -> None:
    """Write a sheet as JPEG or PNG, by the ending, whole or not at all."""
    with atomic_path(Path(path)) as part:
        sheet.save(part)


def _fitting(words: str, width: int, font: Any) -> str:
    if font.getlength(words) <= width:
        return words
    while words and font.getlength(words + "…") > width:
        words = words[:-1]
    return words + "…"
