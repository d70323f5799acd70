"""Random changes of training photos: the documents', exactly, and a strong modern one.

Each is a named transform that a recipe picks. It gives uint8 pixels; the mean and standard
deviation that belong to it are named here and applied inside the network. What is drawn for a photo
depends on the seed, the epoch and the photo's row alone, so that a run that was killed draws the
same again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from graticule.errors import RecipeError

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]


class Augment(BaseModel):
    """One family of random changes.

    Attributes:
        name: what recipes call it.
        source: where it is from.
        flip: probability of mirroring left and right.
        rotate: largest angle in degrees, either way.
        zoom: largest zoom, in or out, as a share.
        crop_area: smallest share of the photo's area that the crop keeps.
        crop_ratio: smallest and largest width / height of the crop.
        colour: largest change of brightness, contrast and saturation, as a share.
        grey: probability of removing colour.
        erase: probability of painting a rectangle (2–20 % of the area) with noise.
        normalise: the mean and standard deviation that go with it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    flip: float = Field(0.0, ge=0, le=1)
    rotate: float = Field(0.0, ge=0, le=180)
    zoom: float = Field(0.0, ge=0, lt=1)
    crop_area: float = Field(1.0, gt=0, le=1)
    crop_ratio: tuple[float, float] | None = None
    colour: float = Field(0.0, ge=0, lt=1)
    grey: float = Field(0.0, ge=0, le=1)
    erase: float = Field(0.0, ge=0, le=1)
    normalise: Literal["imagenet", "half", "unit"] = "imagenet"

    @property
    def random(self) -> bool:
        """Whether it changes anything; if not, features of frozen encoders can be kept."""
        plain = Augment(name=self.name, source=self.source, normalise=self.normalise)
        return self != plain

    def __call__(self, image: Image, size: int, rng: np.random.Generator) -> Pixels:
        """Pixels uint8 (size, size, 3) of an upright RGB image, changed as ``rng`` draws."""
        from PIL import Image as Pillow

        if not self.random:
            return np.asarray(image.resize((size, size), Pillow.Resampling.BICUBIC))
        matrix, (width, height) = self._matrix(image.size, size, rng)
        shrink = int(min(width, height) // size)
        if shrink > 1:  # the affine resampling below reads four pixels only: average first
            image = image.reduce(shrink)
            matrix = matrix / shrink
        # A picture of two tones would be marked by black corners; the edge is mirrored instead.
        padded, margin = _mirrored(image)
        matrix = matrix + np.array([[0, 0, margin[0]], [0, 0, margin[1]]])
        out = padded.transform(
            (size, size),
            Pillow.Transform.AFFINE,
            tuple(matrix.ravel()),
            Pillow.Resampling.BILINEAR,
        )
        return self._paint(np.asarray(out), rng)

    def _matrix(
        self, photo: tuple[int, int], size: int, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
        """Output pixel → photo pixel as a (2, 3) matrix, and the size of the box it covers."""
        left, top, width, height = self.crop_box(photo, rng)
        flip = -1.0 if rng.random() < self.flip else 1.0
        angle = math.radians(rng.uniform(-self.rotate, self.rotate))
        scale = 1.0 / (1.0 + rng.uniform(-self.zoom, self.zoom))
        cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
        # Centre the output, mirror, stretch to the crop, turn, and move to the crop's centre.
        turn = np.array([[cos, -sin], [sin, cos]]) @ np.diag([flip * width / size, height / size])
        centre = np.array([left + width / 2, top + height / 2])
        shift = centre - turn @ np.array([size / 2, size / 2])
        return np.column_stack([turn, shift]), (width * scale, height * scale)

    def crop_box(
        self, photo: tuple[int, int], rng: np.random.Generator
    ) -> tuple[float, float, float, float]:
        """Left, top, width and height of a crop of the asked area and aspect ratio.

        Ten draws; if none fits in the photo, the largest middle crop of an allowed ratio. A photo
        so long that no allowed ratio keeps the area keeps as much as the ratio lets it.
        """
        width, height = photo
        if self.crop_ratio is None and self.crop_area >= 1:
            return 0.0, 0.0, float(width), float(height)
        low, high = self.crop_ratio or (width / height, width / height)
        for _ in range(10):
            area = width * height * rng.uniform(self.crop_area, 1.0)
            ratio = math.exp(rng.uniform(math.log(low), math.log(high)))
            w, h = math.sqrt(area * ratio), math.sqrt(area / ratio)
            if w <= width and h <= height:
                return rng.uniform(0, width - w), rng.uniform(0, height - h), w, h
        ratio = min(max(width / height, low), high)
        w, h = min(width, height * ratio), min(height, width / ratio)
        return (width - w) / 2, (height - h) / 2, w, h

    def _paint(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        if self.colour:
            b, c, s = 1 + rng.uniform(-self.colour, self.colour, 3)
            values = pixels.astype(np.float32) * b
            values = (values - values.mean()) * c + values.mean()
            luma = values @ np.array([0.299, 0.587, 0.114], np.float32)
            values = (values - luma[..., None]) * s + luma[..., None]
            pixels = np.clip(values, 0, 255).astype(np.uint8)
        if self.grey and rng.random() < self.grey:
            luma = np.rint(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
            pixels = np.repeat(luma[..., None], 3, axis=2)
        if self.erase and rng.random() < self.erase:
            size = len(pixels)
            area, ratio = rng.uniform(0.02, 0.2), math.exp(rng.uniform(-1, 1))
            w = max(1, min(size, round(size * math.sqrt(area * ratio))))
            h = max(1, min(size, round(size * math.sqrt(area / ratio))))
            x, y = rng.integers(0, size - w + 1), rng.integers(0, size - h + 1)
            pixels = pixels.copy()
            pixels[y : y + h, x : x + w] = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
        return pixels


def _mirrored(image: Image) -> tuple[Image, tuple[int, int]]:
    """The image with a quarter of its size mirrored around it, and the width of that margin."""
    from PIL import Image as Pillow

    pixels = np.asarray(image)
    y, x = pixels.shape[0] // 4, pixels.shape[1] // 4
    padded = np.pad(pixels, ((y, y), (x, x), (0, 0)), mode="symmetric")
    return Pillow.fromarray(padded), (x, y)


#: Every named transform.
AUGMENTS: Final[dict[str, Augment]] = {
    augment.name: augment
    for augment in (
        Augment(name="none", source="resize only; ImageNet normalisation"),
        Augment(
            name="s1",
            source="Lavinskyi and Skurat 2025",
            flip=0.5,
            rotate=15,
            zoom=0.2,
            crop_area=0.6,
            crop_ratio=(3 / 4, 16 / 9),
        ),
        Augment(
            name="s1-grey",
            source="s1, with colour removed from half of the photos",
            flip=0.5,
            rotate=15,
            zoom=0.2,
            crop_area=0.6,
            crop_ratio=(3 / 4, 16 / 9),
            grey=0.5,
        ),
        Augment(name="s3", source="Paruchuri: scaled to [0, 1], 224 × 224", normalise="unit"),
        Augment(name="s5", source="Okkerman 2024: 224, mean and std 0.5", normalise="half"),
        Augment(
            name="strong",
            source="flip, crop from 30 %, rotation, colour, grey and erasing: today's usual",
            flip=0.5,
            rotate=10,
            crop_area=0.3,
            crop_ratio=(3 / 4, 4 / 3),
            colour=0.4,
            grey=0.1,
            erase=0.25,
        ),
    )
}


def find_augment(name: str) -> Augment:
    """A named transform.

    Raises:
        RecipeError: there is none of that name.
    """
    if name not in AUGMENTS:
        import difflib

        near = difflib.get_close_matches(name, AUGMENTS, n=1)
        raise RecipeError(
            f"no augmentation {name!r}"
            + (f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(AUGMENTS)}")
        )
    return AUGMENTS[name]


def draw(seed: int, epoch: int, row: int) -> np.random.Generator:
    """The random numbers of one photo in one epoch: the same whoever draws them, and when."""
    return np.random.Generator(np.random.Philox(key=[(seed << 32) + epoch, row]))
