"""Text burned into a picture: a line of letters along the top or the bottom of a frame.

Dash cameras write date, speed and coordinates there, agencies their names, people captions, compact
cameras the date in orange. Words in the middle of a frame are not looked for: photos have signs
there. ``results/marks.json`` has how often it is right on frames that we stamped, and how often it
cries on real photos; thresholds were set on other frames and on half of the photos.

As in MSER (Matas, Chum, Urban & Pajdla, "Robust wide baseline stereo from maximally stable extremal
regions", 2004), shapes are looked for at many thresholds: one that parts white letters from a pale
sky lets those on a dark street run together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule.photos.photo import scaled

if TYPE_CHECKING:
    from PIL.Image import Image

Plane = npt.NDArray[np.uint8]
#: Top, bottom, left and right of shapes, (n, 4).
Boxes = npt.NDArray[np.intp]

#: The longer side that a frame is looked at with, and the share of its height that each edge has.
_SIDE, _EDGE = 640, 0.16
#: How high a letter is, in pixels of an edge, and from where on a line needs more of them: windows
#: and fences are often that high.
_LOWEST, _HIGHEST, _TALL = 6, 28, 20
#: How many times as wide as high a shape may be, and how wide for its height one letter is.
_WIDEST, _LETTER = 1.3, 0.75
#: How much letters stand out from what surrounds them, of 255: by their grey, and by their warmth.
_GREYS = (20, 28, 40, 60, 90, 130, 170, 210)
_WARMTHS = (14, 17, 20, 24, 28, 33, 40, 50, 60, 72)
#: How warm the orange of a date is (:func:`_warmth`), and how much warmer than what surrounds it.
_ORANGE, _WARMER = 128, 14
#: How many letters make a line: in grey, in grey where they are orange, and in warmth, where a JPEG
#: lets digits run into each other, so that so many pieces are as wide as so many digits.
_LETTERS, _TALL_LETTERS, _DIGITS, _PIECES = 10, 14, 6, 4


def has_burned_in_text(image: Image) -> bool:
    """Whether a line of small letters runs along the top or the bottom of a frame.

    Looked for are at least ten shapes of a letter's size, brighter or darker than what surrounds
    them, on one base line and near each other; or six digits in yellow, orange or red.
    """
    from PIL import Image as PillowImage

    size = scaled(image.size, _SIDE)
    small = image.convert("RGB").resize(size, PillowImage.Resampling.BILINEAR)
    colours, grey = np.asarray(small), np.asarray(small.convert("L"))
    rows = max(24, round(size[1] * _EDGE))
    return any(
        _is_lettered(colours[edge], grey[edge]) for edge in (slice(None, rows), slice(-rows, None))
    )


def _is_lettered(colours: Plane, grey: Plane) -> bool:
    warmth = _warmth(colours)
    warmer = warmth - opening(warmth)
    for level in _WARMTHS:
        shapes = _shapes((warmer > level) & (warmth > _ORANGE), 12 * _LETTER)
        for line in _lines(shapes, _PIECES):
            widths, heights = line[:, 3] - line[:, 2], line[:, 1] - line[:, 0]
            if np.maximum(1, np.round(widths / (_LETTER * heights))).sum() >= _DIGITS:
                return True
    for plane in (grey, 255 - grey):
        # White top-hat: what is bright and thinner than a stroke of a letter can be.
        relief = plane - opening(plane)
        for level in _GREYS:
            inked = relief > level
            for line in _lines(_shapes(inked, _WIDEST), _DIGITS):
                tall = (line[:, 1] - line[:, 0]).max() > _TALL
                if (
                    len(line) >= (_TALL_LETTERS if tall else _LETTERS)
                    or _warmest(warmer, inked, line) >= _WARMER
                ):
                    return True
    return False


def _warmest(warmer: Plane, inked: npt.NDArray[np.bool_], line: Boxes) -> float:
    """How much warmer than what surrounds it the ink of a line's letters is, in the median."""
    letters = [(slice(top, bottom), slice(left, right)) for top, bottom, left, right in line]
    return float(np.median([warmer[letter][inked[letter]].mean() for letter in letters]))


def _warmth(colours: Plane) -> Plane:
    """How much redder than blue (h, w, 3) is, (h, w): 128 is neither.

    Little in a photo is like the orange of camera dates.
    """
    rgb = colours.astype(np.int16)
    return ((rgb[:, :, 0] - rgb[:, :, 2] + 255) // 2).astype(np.uint8)


def _shapes(inked: npt.NDArray[np.bool_], widest: float) -> Boxes:
    """Boxes of the connected shapes of a letter's height, at most so many times as wide."""
    from scipy import ndimage

    labels, _ = ndimage.label(inked, structure=np.ones((3, 3)))
    boxes = [(y.start, y.stop, x.start, x.stop) for y, x in ndimage.find_objects(labels)]
    shapes = np.array(boxes, dtype=np.intp).reshape(-1, 4)
    heights, widths = shapes[:, 1] - shapes[:, 0], shapes[:, 3] - shapes[:, 2]
    fits = (heights >= _LOWEST) & (heights <= _HIGHEST + 1) & (widths <= widest * heights)
    return shapes[fits]


def _lines(shapes: Boxes, least: int) -> Iterator[Boxes]:
    """Rows of at least so many shapes on one base line, no gap wider than two letters are high."""
    if len(shapes) < least:
        return
    shapes = shapes[np.argsort(shapes[:, 2], kind="stable")]
    bottoms, heights = shapes[:, 1], shapes[:, 1] - shapes[:, 0]
    for bottom, height in np.unique(np.stack([bottoms, heights], axis=1), axis=0).tolist():
        # Small letters are some half as high as capitals.
        near = (np.abs(bottoms - bottom) <= 1) & (2 * heights >= height) & (heights <= height + 1)
        if height > _HIGHEST or near.sum() < least:
            continue
        line = shapes[near]
        gaps = line[1:, 2] - line[:-1, 3]
        for row in np.split(line, np.flatnonzero(gaps > 2 * height) + 1):
            if len(row) >= least:
                yield row


def opening(grey: Plane) -> Plane:
    """Grey opening of (h, w) by a square of 11 pixels: bright shapes thinner than that are gone.

    SciPy's ``grey_opening(grey, size=(11, 11))``, many times faster for being whole rows at a time.
    """
    lowest = _extreme(_extreme(grey, np.minimum, 255, 0), np.minimum, 255, 1)
    return _extreme(_extreme(lowest, np.maximum, 0, 0), np.maximum, 0, 1)


def _extreme(grey: Plane, pick: np.ufunc, beyond: int, axis: int) -> Plane:
    """The least or greatest of each 11 pixels along an axis; what is beyond the edge never is."""
    sides = [(0, 0), (0, 0)]
    sides[axis] = (5, 5)
    found = np.pad(grey, sides, constant_values=beyond).swapaxes(0, axis)
    # Of 2, 4, 8 and 11 pixels, each made of two windows of the one before.
    for step in (1, 2, 4, 3):
        found = pick(found[:-step], found[step:])
    return found.swapaxes(0, axis)
