"""Pictures that do not show a place: "photo unavailable" cards, and frames with text burned in.

Both are told by appearance, so both can be wrong; sources write what they see into the column
``mark`` and leave the row in. ``results/marks.json`` has how often they are right on pictures that
we drew, and how often they cry on real photos.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image

#: Values of the column ``mark``.
PLACEHOLDER: Final = "placeholder"
BURNED_IN: Final = "burned-in"

#: File names of the cards that Flickr redirects to when a photo has gone.
UNAVAILABLE_NAMES: Final = ("photo_unavailable", "image_unavailable", "photo_not_available")

_SIDE: Final = 128
_STRIP_SIDE: Final = 640


def is_unavailable_url(url: str) -> bool:
    """Whether an address, after redirects, is that of a card and not of a photo."""
    name = url.rpartition("/")[2].lower()
    return name.startswith(UNAVAILABLE_NAMES)


def looks_unavailable(image: Image) -> bool:
    """Whether a picture is a card: grey words on an even ground, or nothing at all.

    An even ground fills three quarters of it, the whole has no colour to speak of, and what is not
    ground keeps to the middle, where such cards have their words.
    """
    small = image.convert("RGB").resize((_SIDE, _SIDE), resample=0)
    pixels = np.asarray(small).astype(np.int16)
    chroma = pixels.max(axis=2) - pixels.min(axis=2)
    if float((chroma > 24).mean()) > 0.02:
        return False
    grey = pixels.mean(axis=2)
    counts = np.bincount(grey.astype(np.intp).ravel(), minlength=256)
    ground = int(counts.argmax())
    off = np.abs(grey - ground) > 6
    edge = np.concatenate(
        [off[:4].ravel(), off[-4:].ravel(), off[:, :4].ravel(), off[:, -4:].ravel()]
    )
    return float(off.mean()) < 0.25 and float(edge.mean()) < 0.02


def has_burned_in_text(image: Image) -> bool:
    """Whether a line of small bright letters runs along the top or the bottom of a frame.

    Dash cameras write date, speed and coordinates there. Looked for are at least ten shapes of a
    letter's size, brighter than what surrounds them, of one height and on one base line, near
    each other.
    """
    from PIL import Image as PillowImage

    width, height = image.size
    scale = _STRIP_SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = np.asarray(image.convert("L").resize(size, PillowImage.Resampling.BILINEAR))
    rows = max(24, round(grey.shape[0] * 0.16))
    return any(_has_line_of_letters(strip) for strip in (grey[:rows], grey[-rows:]))


def _has_line_of_letters(strip: npt.NDArray[np.uint8]) -> bool:
    from scipy import ndimage

    # White top-hat: what is bright and thinner than a stroke of a letter can be.
    thin = ndimage.white_tophat(strip.astype(np.int16), size=(11, 11))
    labels, _ = ndimage.label((thin > 60) & (strip > 150), structure=np.ones((3, 3)))
    boxes = [
        (y.start, y.stop, x.start, x.stop)
        for y, x in ndimage.find_objects(labels)
        if 6 <= y.stop - y.start <= 28 and 1 <= x.stop - x.start <= 26
    ]
    if len(boxes) < 10:
        return False
    shapes = np.array(boxes)
    tops, bottoms = shapes[:, 0], shapes[:, 1]
    for top, bottom in zip(tops, bottoms, strict=True):
        level = (np.abs(bottoms - bottom) <= 1) & (np.abs(tops - top) <= 1)
        if level.sum() >= 10 and _is_dense(shapes[level], int(bottom - top)):
            return True
    return False


def _is_dense(shapes: npt.NDArray[np.int_], height: int) -> bool:
    """Ten in a row with gaps no wider than two letters, as in a line of text."""
    starts = np.sort(shapes[:, 2])
    run = longest = 1
    for gap in np.diff(starts):
        run = run + 1 if gap <= 3 * height else 1
        longest = max(longest, run)
    return longest >= 10
