"""Is it a photo at all? A screenshot, a scan of a page or a drawing says nothing about a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

#: The picture is looked at this small; nearest pixels, so that flat areas stay flat.
_SIDE = 256


def flatness(image: Image) -> float:
    """Share of pixels that equal their right and lower neighbours exactly, between 0 and 1.

    A camera's noise leaves few such pixels; the even grounds of screens, pages and drawings are
    made of them. A clear over-exposed sky can reach a half, so the threshold is calibrated.
    """
    from PIL import Image as PillowImage

    width, height = image.size
    if min(width, height) < 2:
        return 1.0
    # A crop of the middle at its own scale: resampling would blend flat areas with their borders.
    side = min(_SIDE * 2, width, height)
    left, top = (width - side) // 2, (height - side) // 2
    middle = image.crop((left, top, left + side, top + side))
    if side > _SIDE:
        middle = middle.resize((_SIDE, _SIDE), PillowImage.Resampling.NEAREST)
    # Four bytes of a pixel as one number: one comparison instead of three.
    pixels = np.asarray(middle.convert("RGBA")).view(np.uint32)[:, :, 0]
    right = pixels[:-1, 1:] == pixels[:-1, :-1]
    below = pixels[1:, :-1] == pixels[:-1, :-1]
    return float((right & below).mean())
