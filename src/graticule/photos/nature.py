"""Is it a photo at all? A screenshot, a scan of a page or a drawing says nothing about a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from graticule.photos.photo import resized

if TYPE_CHECKING:
    from PIL.Image import Image

#: Shares of a page that are evenly lit and that are paper, either pair of them: dense text leaves
#: less paper, so its page has to be more even.
_SHARES = ((0.9, 0.7), (0.98, 0.58))
#: How dark paper may be, and what it may differ from the paper around and across the page, of 255.
#: These and the shares are set on half of 13,367 real photos.
_DARKEST, _GRAIN, _SHADE = 150, 14, 25
_PAGE_SIDE = 320
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


def looks_like_page(image: Image) -> bool:
    """Whether a picture is mostly even, bright paper: a scanned page, a drawing, a diagram.

    Unlike :func:`flatness` it stands the grain of a scanner and of a JPEG. A snowfield in fog or a
    plate on white is like that too; ``results/marks.json`` has how many real photos are.
    """
    from scipy import ndimage

    grey = np.asarray(resized(image.convert("L"), _PAGE_SIDE), dtype=np.float32)
    # The paper under the ink: what is brightest around, grain and edges smoothed.
    ground = ndimage.uniform_filter(ndimage.maximum_filter(ndimage.uniform_filter(grey, 3), 25), 25)
    paper = float(np.median(ground))
    lit, bare = (np.abs(ground - paper) < _SHADE).mean(), (ground - grey < _GRAIN).mean()
    return paper > _DARKEST and any(lit > even and bare > share for even, share in _SHARES)
