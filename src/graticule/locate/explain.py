"""What in the picture spoke: parts are hidden one after another, and the belief is asked again.

Occlusion (Zeiler & Fergus 2014) needs no gradient, so it runs on the ONNX model of every bundle. A
hidden part becomes a blurred copy of itself, which removes detail and keeps the light; a grey patch
would itself look like something.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.errors import GraticuleError
from graticule.locate.engine import Engine
from graticule.photos.photo import Photo

FloatArray = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

#: Parts to a side, and how far each hidden square reaches beyond its own part.
GRID = 8
OVERLAP = 0.5
_BATCH = 32


@dataclass(frozen=True)
class Change:
    """A country whose probability moves when the telling part is hidden."""

    code: str
    before: float
    after: float


@dataclass(frozen=True)
class Explanation:
    """Why one answer.

    Attributes:
        task: the belief that was asked.
        cell: the outcome explained, the likeliest one.
        probability: of that outcome on the whole photo.
        heat: float64 (grid, grid), nats of its log-odds lost when a part is hidden; negative where
            hiding makes it surer.
        crop: the pixels that the encoder saw, uint8 (size, size, 3).
        gained: countries that gain most when the telling tenth of the parts is hidden.
        lost: countries that lose most.
    """

    task: str
    cell: str
    probability: float
    heat: FloatArray
    crop: Pixels
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]


def explain(
    engine: Engine, photo: Photo, *, task: str | None = None, grid: int = GRID
) -> Explanation:
    """Hide each part of a photo and see what becomes of its likeliest country.

    Args:
        engine: a loaded model.
        photo: an opened photo.
        task: the belief to ask; countries where the model has them, else where its point is from.
        grid: parts to a side; cost is grid² + 2 runs of the network.

    Raises:
        GraticuleError: the model has no such belief.
    """
    crops = engine.system.crops(photo.image)
    asked = task or _main_task(engine, crops)
    whole = _beliefs(engine, [[crop] for crop in crops], asked)
    target = int(whole.top(1)[0][0, 0])
    blurred = [_blur(crop) for crop in crops]
    masks = [_mask(row, column, grid) for row in range(grid) for column in range(grid)]
    hidden = [
        [_hide(crop, soft, mask) for mask in masks]
        for crop, soft in zip(crops, blurred, strict=True)
    ]
    parts = _beliefs(engine, hidden, asked)
    heat = (_log_odds(whole, target)[0] - _log_odds(parts, target)).reshape(grid, grid)
    telling = np.argsort(-heat.ravel(), kind="stable")[: max(1, grid * grid // 10)]
    together = np.clip(sum(masks[part] for part in telling), 0.0, 1.0)
    without = _beliefs(
        engine,
        [[_hide(c, s, together)] for c, s in zip(crops, blurred, strict=True)],
        asked,
    )
    gained, lost = _changes(whole, without)
    return Explanation(
        asked, whole.over.ids[target], float(whole.p[0, target]), heat, crops[0], gained, lost
    )


def faithfulness(
    engine: Engine, photo: Photo, heat: FloatArray, *, steps: int = 8, seed: int = 0
) -> tuple[float, float]:
    """Mean probability of the answer while parts are hidden, most telling first and at random.

    The deletion curve of Petsiuk, Das & Saenko (RISE, 2018): a faithful heat makes the first of the
    two numbers the smaller one.

    Returns:
        Mean probability over the steps, by the heat and by a random order.
    """
    crops = engine.system.crops(photo.image)
    task = _main_task(engine, crops)
    target = int(_beliefs(engine, [[crop] for crop in crops], task).top(1)[0][0, 0])
    blurred = [_blur(crop) for crop in crops]
    grid = len(heat)
    masks = [_mask(row, column, grid) for row in range(grid) for column in range(grid)]
    orders = (
        np.argsort(-heat.ravel(), kind="stable"),
        np.random.default_rng(seed).permutation(grid * grid),
    )
    means = []
    for order in orders:
        cuts = np.linspace(0, grid * grid, steps + 2).astype(int)[1:-1]
        covers = [np.clip(sum(masks[part] for part in order[:cut]), 0.0, 1.0) for cut in cuts]
        hidden = [
            [_hide(crop, soft, cover) for cover in covers]
            for crop, soft in zip(crops, blurred, strict=True)
        ]
        means.append(float(_beliefs(engine, hidden, task).p[:, target].mean()))
    return means[0], means[1]


def _main_task(engine: Engine, crops: list[Pixels]) -> str:
    beliefs = engine.system.predict([crop[None] for crop in crops]).beliefs
    return "countries" if "countries" in beliefs else engine.system.point_task


def _beliefs(engine: Engine, views: list[list[Pixels]], task: str) -> Belief[Partition]:
    count = len(views[0])
    rows = []
    for start in range(0, count, _BATCH):
        batch = [np.stack(view[start : start + _BATCH]) for view in views]
        beliefs = engine.system.predict(batch).beliefs
        if task not in beliefs:
            raise GraticuleError(f"the model has no belief {task!r} (it has: {', '.join(beliefs)})")
        rows.append(engine.calibration.temper(task, beliefs[task]))
    return Belief(rows[0].over, np.concatenate([belief.log_p for belief in rows]))


def _log_odds(belief: Belief[Partition], cell: int) -> FloatArray:
    p = np.clip(belief.p[:, cell].astype(np.float64), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(p / (1 - p)))


def _changes(
    whole: Belief[Partition], without: Belief[Partition], most: int = 3
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    before, after = whole.p[0].astype(float), without.p[0].astype(float)
    order = np.argsort(after - before, kind="stable")

    def changes(cells: npt.NDArray[np.int64]) -> tuple[Change, ...]:
        return tuple(
            Change(whole.over.ids[cell], round(before[cell], 4), round(after[cell], 4))
            for cell in cells
        )

    rises = [cell for cell in order[::-1][:most] if after[cell] > before[cell]]
    falls = [cell for cell in order[:most] if after[cell] < before[cell]]
    return changes(np.array(rises, dtype=np.int64)), changes(np.array(falls, dtype=np.int64))


def _mask(row: int, column: int, grid: int) -> FloatArray:
    """Where part (row, column) lies in the unit square, with its overlap: bounds in 0…1."""
    side = 64 * grid
    step = side // grid
    reach = int(step * OVERLAP)
    mask = np.zeros((side, side))
    mask[
        max(0, row * step - reach) : (row + 1) * step + reach,
        max(0, column * step - reach) : (column + 1) * step + reach,
    ] = 1.0
    return mask


def _hide(crop: Pixels, soft: Pixels, mask: FloatArray) -> Pixels:
    rows = np.arange(crop.shape[0]) * mask.shape[0] // crop.shape[0]
    columns = np.arange(crop.shape[1]) * mask.shape[1] // crop.shape[1]
    cover = mask[np.ix_(rows, columns)][:, :, None]
    return np.asarray(crop * (1 - cover) + soft * cover, dtype=np.uint8)


def _blur(crop: Pixels) -> Pixels:
    from PIL import Image, ImageFilter

    radius = crop.shape[0] / 12
    return np.asarray(Image.fromarray(crop).filter(ImageFilter.GaussianBlur(radius)))


def overlay(explanation: Explanation, scale: int = 2) -> Pixels:
    """The crop with its heat laid over it, uint8 (h, w, 3): warm where a part spoke for the answer.

    Cool parts spoke against it. The strongest part has full colour.
    """
    from PIL import Image

    size = explanation.crop.shape[0] * scale
    picture = Image.fromarray(explanation.crop).resize((size, size), Image.Resampling.BICUBIC)
    heat = explanation.heat / max(float(np.abs(explanation.heat).max()), 1e-9)
    smooth = Image.fromarray(heat.astype(np.float32)).resize((size, size), Image.Resampling.BICUBIC)
    strength = np.clip(np.asarray(smooth, dtype=np.float64), -1, 1)[:, :, None]
    warm, cool = np.array([255.0, 96.0, 0.0]), np.array([0.0, 96.0, 255.0])
    colour = np.where(strength >= 0, warm, cool)
    share = 0.65 * np.abs(strength)
    grey = np.asarray(picture.convert("L").convert("RGB"), dtype=np.float64)
    base = 0.5 * np.asarray(picture, dtype=np.float64) + 0.5 * grey
    return np.asarray(base * (1 - share) + colour * share, dtype=np.uint8)
