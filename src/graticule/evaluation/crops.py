"""Is one picture a part of another? Their details are laid over each other at every place and size.

By normalized cross-correlation (Lewis, "Fast normalized cross-correlation", 1995) of small grey
pictures. Broad light and shade are taken away, and what goes on along a row: two skies are brighter
above, and two plains have a horizon. A part keeps its proportions: one that was stretched is not
found.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image

Float32Array = npt.NDArray[np.float32]

#: Correlation from which a picture is taken for a part of another. Set on half of the development
#: photos: of 400 crops to 80 % of each side 398 reached it, of 400 to 60 % 365; of 600 photos, each
#: laid over the three that the bundled model found likest among 3,600 of other sources, none did.
CORRELATION = 0.6
#: The longer side of a small picture; how broad light and shade are, and how long a part of a row
#: that is alike, in its pixels.
_SIDE, _BROAD, _LONG = 64, 3.0, 8.0
#: Widths of a part that are tried, as shares of the whole: coarsely, then around the best.
_SHARES, _AROUND = np.arange(0.5, 1.001, 0.03), (-0.02, -0.01, 0.01, 0.02)
#: The least side of a part, in pixels of the small picture.
_LEAST = 12


def small(file: Path) -> Image:
    """A photo as :func:`correlation` takes it: grey, 64 pixels on its longer side.

    Raises:
        PhotoError: for a file that cannot be read.
    """
    from PIL import Image as PillowImage

    from graticule.photos.photo import open_photo

    image = open_photo(file, draft=2 * _SIDE).image.convert("L")
    scale = _SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    how = PillowImage.Resampling.BOX if scale < 1 else PillowImage.Resampling.BILINEAR
    return image.resize(size, how)


def correlation(part: Image, whole: Image) -> float:
    """How well one picture fits into another somewhere, −1 to 1; both by :func:`small`."""
    fit = _Fit(part, whole)
    best, share = max((fit.at(float(share)), float(share)) for share in _SHARES)
    return max(best, *(fit.at(share + step) for step in _AROUND if share + step <= 1))


class _Fit:
    """A part laid over a whole whose transform and sums are made once."""

    def __init__(self, part: Image, whole: Image) -> None:
        from scipy import fft

        self._part = part
        detail = _detail(whole)
        self._shape = detail.shape
        self._spectrum = fft.rfft2(detail)
        self._sums, self._squares = (
            np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
            for values in (detail.astype(np.float64), detail.astype(np.float64) ** 2)
        )

    def at(self, share: float) -> float:
        """The highest correlation of the part at any place, so wide a share of the whole."""
        from PIL import Image as PillowImage
        from scipy import fft

        high, wide = self._shape
        width = round(share * wide)
        height = round(width * self._part.height / self._part.width)
        if not (_LEAST <= width <= wide and _LEAST <= height <= high):
            return -1.0
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
            return -1.0
        return float((product[there] / (length * np.sqrt(spread[there]))).max())


def _detail(image: Image) -> Float32Array:
    from scipy import ndimage

    grey = np.asarray(image, dtype=np.float32)
    detail = grey - ndimage.gaussian_filter(grey, _BROAD)
    return np.asarray(detail - ndimage.gaussian_filter1d(detail, _LONG, axis=1))


def _boxes(sums: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.float64]:
    """Sums over every box of that size, from running sums."""
    lower, upper = sums[height:], sums[:-height]
    return np.asarray(lower[:, width:] - lower[:, :-width] - upper[:, width:] + upper[:, :-width])
