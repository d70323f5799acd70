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
#: How many letters make a line of text: in grey, and in the orange of camera dates, which little in
#: a photo is like.
_LETTERS: Final = 10
_DIGITS: Final = 5
#: How high the least of them is, in pixels of a strip.
_LEAST_HEIGHT: Final = 6
#: How much a letter stands out from what surrounds it and how bright it is, of 255: in grey, and in
#: red less blue, where a JPEG lets strong digits run into each other and weak ones fade.
_GREY: Final = (60, 150)
_ORANGE: Final = ((50, 70), (90, 90))
#: Share of a card's height that its words keep to; those of a page of text run down all of it.
_WORDS: Final = 0.5


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
    if float(off.mean()) >= 0.25 or float(edge.mean()) >= 0.02:
        return False
    # Grain of a scan and of a JPEG is everywhere and faint; words are in rows.
    rows = np.flatnonzero((np.abs(grey - ground) > 24).sum(axis=1) > 1)
    return not len(rows) or bool(rows[-1] - rows[0] < _WORDS * _SIDE)


def has_burned_in_text(image: Image) -> bool:
    """Whether a line of small letters runs along the top or the bottom of a frame.

    Dash cameras write date, speed and coordinates there, people captions, cameras the date in
    orange. Looked for are at least ten shapes of a letter's size, brighter or darker than what
    surrounds them, on one base line and near each other; or five in yellow, orange or red. Words
    in the middle of a frame are not looked for: photos have signs there.
    """
    from PIL import Image as PillowImage

    width, height = image.size
    scale = _STRIP_SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = image.convert("RGB").resize(size, PillowImage.Resampling.BILINEAR)
    grey, colours = np.asarray(small.convert("L")), np.asarray(small)
    rows = max(24, round(grey.shape[0] * 0.16))
    for part in (slice(None, rows), slice(-rows, None)):
        red, blue = colours[part, :, 0], colours[part, :, 2]
        orange = np.where(red > blue, red - blue, 0).astype(np.uint8)
        if (
            _has_line_of_letters(grey[part], *_GREY, _LETTERS)
            or _has_line_of_letters(255 - grey[part], *_GREY, _LETTERS)
            or any(_has_line_of_letters(orange, *levels, _DIGITS) for levels in _ORANGE)
        ):
            return True
    return False


def _has_line_of_letters(
    strip: npt.NDArray[np.uint8], contrast: int, level: int, letters: int
) -> bool:
    from scipy import ndimage

    # White top-hat: what is bright and thinner than a stroke of a letter can be.
    inked = (strip - opening(strip) > contrast) & (strip > level)
    if inked.sum() < letters * _LEAST_HEIGHT:
        return False
    labels, _ = ndimage.label(inked, structure=np.ones((3, 3)))
    boxes = [
        (y.start, y.stop, x.start, x.stop)
        for y, x in ndimage.find_objects(labels)
        if _LEAST_HEIGHT <= y.stop - y.start <= 28 and 1 <= x.stop - x.start <= 26
    ]
    if len(boxes) < letters:
        return False
    shapes = np.array(boxes)
    bottoms, heights = shapes[:, 1], shapes[:, 1] - shapes[:, 0]
    for bottom, height in zip(bottoms, heights, strict=True):
        # Small letters are some half as high as capitals.
        line = (np.abs(bottoms - bottom) <= 1) & (2 * heights >= height) & (heights <= height + 1)
        if line.sum() >= letters and _longest_run(shapes[line], int(height)) >= letters:
            return True
    return False


def _longest_run(shapes: npt.NDArray[np.int_], height: int) -> int:
    """How many are in a row with gaps no wider than two letters, as in a line of text."""
    run = longest = 1
    for gap in np.diff(np.sort(shapes[:, 2])):
        run = run + 1 if gap <= 3 * height else 1
        longest = max(longest, run)
    return longest


def opening(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Grey opening of (h, w) by a square of 11 pixels: bright shapes thinner than that are gone.

    SciPy's ``grey_opening(grey, size=(11, 11))``, many times faster for being whole rows at a time.
    """
    lowest = _extreme(_extreme(grey, np.minimum, 255, 0), np.minimum, 255, 1)
    return _extreme(_extreme(lowest, np.maximum, 0, 0), np.maximum, 0, 1)


def _extreme(
    grey: npt.NDArray[np.uint8], pick: np.ufunc, beyond: int, axis: int
) -> npt.NDArray[np.uint8]:
    """The least or greatest of each 11 pixels along an axis; what is beyond the edge never is."""
    sides = [(0, 0), (0, 0)]
    sides[axis] = (5, 5)
    found = np.pad(grey, sides, constant_values=beyond).swapaxes(0, axis)
    # Of 2, 4, 8 and 11 pixels, each made of two windows of the one before.
    for step in (1, 2, 4, 3):
        found = pick(found[:-step], found[step:])
    return found.swapaxes(0, axis)
