"""How a photo becomes the square of pixels that an encoder was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from graticule.photos.photo import scaled

if TYPE_CHECKING:
    from PIL.Image import Image


class Preprocess(BaseModel):
    """Resize and crop, as a bundle's ``system.json`` states it.

    Mean and standard deviation are not here: an exported encoder takes uint8 pixels and normalises
    them itself, so that nobody can get it wrong.

    Attributes:
        size: side of the square the encoder takes, in pixels.
        resize: ``crop``: the shorter side becomes ``size`` / ``crop_share`` and the middle is cut
            out; ``squash``: both sides become ``size``; ``pad``: the longer side becomes ``size``
            and the rest is grey; ``clip``: as CLIP's own, in two steps: the shorter side becomes
            ``size``, the longer one is rounded down, and whole pixels are cut out of the middle.
        crop_share: with ``crop``, the share of the shorter side that the crop keeps.
        interpolation: how pixels are resampled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(224, ge=8, le=2048)
    resize: Literal["crop", "squash", "pad", "clip"] = "crop"
    crop_share: float = Field(0.875, gt=0, le=1)
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The part of a photo that the square shows: left, top, right, bottom in its pixels.

        With ``pad`` it reaches beyond the photo, where the square is grey.
        """
        if self.resize == "squash":
            return 0.0, 0.0, float(width), float(height)
        sides = {
            "crop": min(width, height) * self.crop_share,
            "clip": float(min(width, height)),
            "pad": float(max(width, height)),
        }
        side = sides[self.resize]
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side

    def __call__(self, image: Image) -> npt.NDArray[np.uint8]:
        """The pixels of an upright RGB image, uint8 (size, size, 3)."""
        from PIL import Image as PillowImage

        how = PillowImage.Resampling[self.interpolation.upper()]
        size = self.size
        if self.resize == "squash":
            return np.asarray(image.resize((size, size), how))
        width, height = image.size
        if self.resize == "clip":
            short = min(width, height)
            whole = image.resize((size * width // short, size * height // short), how)
            left, top = (whole.width - size) // 2, (whole.height - size) // 2
            return np.asarray(whole.crop((left, top, left + size, top + size)))
        if self.resize == "pad":
            small = image.resize(scaled(image.size, size), how)
            square = PillowImage.new("RGB", (size, size), (128, 128, 128))
            square.paste(small, ((size - small.width) // 2, (size - small.height) // 2))
            return np.asarray(square)
        # One resampling does both: the box in the photo that the middle crop covers.
        side = min(width, height) * self.crop_share
        left, top = (width - side) / 2, (height - side) / 2
        return np.asarray(image.resize((size, size), how, box=(left, top, left + side, top + side)))
