"""Is one picture a part of another? Their details are laid over each other at every place and size.

By normalized cross-correlation (Lewis, "Fast normalized cross-correlation", 1995) of small
pictures. Broad light and shade are taken away, and what goes on along a row: two skies are brighter
above, and two plains have a horizon. A part keeps its proportions, and the sides their places: one
that was stretched or mirrored is not found.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image

Float32Array = npt.NDArray[np.float32]

#: Correlations of details and of broad colours from which a picture is taken for a part of another.
#: Set on half of the development photos and on the synthetic planet, which draws the same bench and
#: tree again and again: of 1,200 crops of photos 3 fell below, and 1 in 500 of the planet's, and 1
#: in 1,000 of its clean photos reached both. ``results/crops.json`` has the other half.
DETAIL, COLOURS = 0.5, 0.93
#: The longer side of a small picture, and the least that its shorter one has in a panorama; how
#: broad light and shade are, and how long a part of a row that is alike; all in its pixels.
_SIDE, _SHORT, _BROAD, _LONG = 64, 32, 3.0, 8.0
#: Widths of a part that are tried, as shares of the whole: coarsely, then around the best.
_SHARES, _AROUND = np.linspace(0.5, 1.0, 18), (-0.02, -0.01, 0.01, 0.02)
#: The least side of a part, in pixels of the small picture, and how far red, green and blue of a
#: grey picture lie apart at most, of 255.
_LEAST, _GREY = 12, 6


def small(file: Path) -> Image:
    """A photo as :func:`overlay` takes it: RGB, 64 pixels on its longer side, up to 256 if narrow.

    Raises:
        PhotoError: for a file that cannot be read.
    """
    from graticule.photos.photo import open_photo, resized

    image = open_photo(file, draft=2 * _SIDE).image.convert("RGB")
    side = min(max(_SIDE, _SHORT * max(image.size) / min(image.size)), 4 * _SIDE)
    return resized(image, side)


class Overlay(NamedTuple):
    """How well one picture fits into another where it fits best, two correlations, −1 to 1.

    Attributes:
        detail: of what is fine, by which the place is found.
        colours: of what is broad there; the same bench before another wall has another.
    """

    detail: float
    colours: float

    @property
    def is_part(self) -> bool:
        """Whether it is a part of the other."""
        return self.detail >= DETAIL and self.colours >= COLOURS


def overlay(part: Image, whole: Image) -> Overlay:
    """Lay a picture over another at every place and size; both by :func:`small`."""
    fit = _Fit(part, whole)
    best = max(((fit.at(float(share)), float(share)) for share in _SHARES), key=_detail_of)
    share = best[1]
    around = [(fit.at(share + step), share + step) for step in _AROUND if share + step <= 1]
    (detail, box), _ = max([best, *around], key=_detail_of)
    return Overlay(detail, -1.0 if box is None else _broad(part, whole.crop(box)))


def _detail_of(tried: tuple[tuple[float, object], float]) -> float:
    return tried[0][0]


#: Left, top, right and bottom, in pixels of the small picture.
Box = tuple[int, int, int, int]


class _Fit:
    """A part laid over a whole whose transform and sums are made once."""

    def __init__(self, part: Image, whole: Image) -> None:
        from scipy import fft

        self._part = part.convert("L")
        detail = _detail(whole.convert("L"))
        self._shape = detail.shape
        self._spectrum = fft.rfft2(detail)
        self._sums, self._squares = (
            np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
            for values in (detail.astype(np.float64), detail.astype(np.float64) ** 2)
        )

    def at(self, share: float) -> tuple[float, Box | None]:
        """The highest correlation of details, the part so wide a share of the whole, and where."""
        from PIL import Image as PillowImage
        from scipy import fft

        high, wide = self._shape
        width = round(share * wide)
        height = round(width * self._part.height / self._part.width)
        if not (_LEAST <= width <= wide and _LEAST <= height <= high):
            return -1.0, None
        detail = _detail(self._part.resize((width, height), PillowImage.Resampling.BILINEAR))
        detail -= detail.mean()
        length = float(np.linalg.norm(detail))
        turned = np.conj(fft.rfft2(detail, self._shape))
        product = fft.irfft2(self._spectrum * turned, self._shape)
        product = product[: high - height + 1, : wide - width + 1]
        mean = _boxes(self._sums, height, width)
        spread = _boxes(self._squares, height, width) - mean**2 / (height * width)
        # A plain wall correlates with nothing.
        there = length * np.sqrt(np.maximum(spread, 0.0)) > height * width
        if not there.any():
            return -1.0, None
        fits = np.full(product.shape, -1.0)
        fits[there] = product[there] / (length * np.sqrt(spread[there]))
        top, left = divmod(int(fits.argmax()), fits.shape[1])
        return float(fits[top, left]), (left, top, left + width, top + height)


def _broad(one: Image, other: Image) -> float:
    """Correlation of the colours of two pictures, of 8 by 8 pixels each; of grey where one is.

    1 where one is plain: it has no colours to compare.
    """
    from PIL import Image as PillowImage

    tiny = [image.resize((8, 8), PillowImage.Resampling.BOX) for image in (one, other)]
    if any(np.ptp(np.asarray(image), axis=2).max() < _GREY for image in tiny):
        tiny = [image.convert("L") for image in tiny]
    a, b = (np.asarray(image, dtype=np.float64).ravel() for image in tiny)
    a, b = a - a.mean(), b - b.mean()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length > a.size else 1.0


def _detail(image: Image) -> Float32Array:
    from scipy import ndimage

    grey = np.asarray(image, dtype=np.float32)
    detail = grey - ndimage.gaussian_filter(grey, _BROAD)
    return np.asarray(detail - ndimage.gaussian_filter1d(detail, _LONG, axis=1))


def _boxes(sums: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.float64]:
    """Sums over every box of that size, from running sums."""
    lower, upper = sums[height:], sums[:-height]
    return np.asarray(lower[:, width:] - lower[:, :-width] - upper[:, width:] + upper[:, :-width])
