"""What in the picture spoke: parts are hidden one after another, and the belief is asked again.

Occlusion (Zeiler & Fergus 2014) needs no gradient, so it runs on the ONNX model of every bundle. A
hidden part becomes a blurred copy of itself, which removes detail and keeps the light; a grey patch
would itself look like something. Whether the heat names what the answer rests on is measured by
hiding and showing parts in its order (:func:`curves`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import atlas
from graticule.answer import Match
from graticule.belief import Belief, Labels
from graticule.cells.partition import Partition
from graticule.errors import GraticuleError
from graticule.locate.beliefs import lands_of
from graticule.locate.engine import BATCH, Engine
from graticule.photos.duplicates import perceptual_hash
from graticule.photos.photo import Photo

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
Outcome = Belief[Labels]

#: Parts to a side, and how far each hidden square reaches beyond its own part.
GRID = 8
OVERLAP = 0.5
#: Telling parts that are told of one by one, and countries that are named.
PARTS, NAMED = 3, 3


@dataclass(frozen=True)
class Change:
    """A country (or cell) whose probability moves when something is hidden."""

    code: str
    name: str
    before: float
    after: float


@dataclass(frozen=True)
class Part:
    """One telling part.

    Attributes:
        row: from the top, 0…grid−1.
        column: from the left.
        heat: nats of the answer's log-odds lost when it is hidden.
        lost: what loses most then.
        gained: what gains most.
    """

    row: int
    column: int
    heat: float
    lost: tuple[Change, ...]
    gained: tuple[Change, ...]


@dataclass(frozen=True)
class Explanation:
    """Why one answer.

    Attributes:
        task: the belief that was asked; "countries" also where cells were summed into them.
        cell: the outcome explained, the likeliest one.
        name: what people call it.
        probability: of that outcome on the whole photo.
        heat: float64 (grid, grid), nats of its log-odds lost when a part is hidden; negative where
            hiding makes it surer.
        picture: the photo, uint8 (h, w, 3).
        box: what the encoder saw of it: left, top, right, bottom in the picture's pixels.
        parts: the most telling parts, one by one.
        gained: what gains most when the telling tenth of the parts is hidden.
        lost: what loses most.
        matches: the most alike photos of the user's index, if there is one.
    """

    task: str
    cell: str
    name: str
    probability: float
    heat: FloatArray
    picture: Pixels
    box: tuple[float, float, float, float]
    parts: tuple[Part, ...]
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]
    matches: tuple[Match, ...] = ()


def explain(
    engine: Engine, photo: Photo, *, task: str | None = None, grid: int = GRID
) -> Explanation:
    """Hide each part of a photo and see what becomes of its likeliest country or cell.

    Args:
        engine: a loaded model; with an index, its most alike photos are named.
        photo: an opened photo.
        task: the belief to ask; by default countries, summed from the cells where the model has no
            such belief, or the cells of a model that knows one country alone.
        grid: parts to a side; cost is grid² + 2 runs of the network.

    Raises:
        GraticuleError: the model has no such belief.
    """
    asking = _Asking(engine, photo, task)
    whole, target = asking.whole, asking.target
    masks = _masks(grid, OVERLAP)
    hidden = asking.beliefs([asking.hidden(mask) for mask in masks])
    heat = _log_odds(whole, target)[0] - _log_odds(hidden, target)
    order = np.argsort(-heat, kind="stable")
    telling = order[: max(1, len(masks) // 10)]
    together = asking.beliefs([asking.hidden(_cover(masks, telling))])
    gained, lost = asking.changes(together, 0, NAMED)
    parts = []
    for number in order[:PARTS]:
        more, less = asking.changes(hidden, int(number), 1)
        row, column = divmod(int(number), grid)
        parts.append(Part(row, column, float(heat[number]), less, more))
    width, height = photo.image.size
    return Explanation(
        asking.task,
        whole.over.ids[target],
        asking.name(target),
        float(whole.p[0, target]),
        heat.reshape(grid, grid),
        np.asarray(photo.image),
        engine.system.inputs[0].box(width, height),
        tuple(parts),
        gained,
        lost,
        _matches(engine, photo, asking),
    )


def curves(
    engine: Engine, photo: Photo, orders: Mapping[str, IntArray], *, grid: int, steps: int = 8
) -> dict[str, tuple[float, float]]:
    """Mean probability of the answer while parts are hidden, and while they are shown, in an order.

    The deletion and insertion curves of RISE (Petsiuk, Das & Saenko 2018): in a faithful order the
    first falls fast and the second rises fast. Hidden is blurred, as in :func:`explain`.

    Args:
        engine: a loaded model.
        photo: an opened photo.
        orders: name → part numbers (grid²,), the first hidden (or shown) first.
        grid: parts to a side.
        steps: points of a curve.

    Returns:
        Name → area under the deletion curve and under the insertion curve, 0…1.
    """
    asking = _Asking(engine, photo, None)
    # Each its own part alone: scattered parts must not cover more than neighbours do.
    masks = _masks(grid, 0.0)
    cuts = np.linspace(0, len(masks), steps + 2).astype(int)[1:-1]
    views = []
    for order in orders.values():
        first = [_cover(masks, order[:cut]) for cut in cuts]
        views += [asking.hidden(mask) for mask in first]
        views += [asking.hidden(1.0 - mask) for mask in first]
    p = asking.beliefs(views).p[:, asking.target].astype(np.float64).reshape(len(orders), 2, -1)
    means = p.mean(axis=2)
    return {
        name: (float(hide), float(show)) for name, (hide, show) in zip(orders, means, strict=True)
    }


class _Asking:
    """One photo, a model, and the belief that it is asked for."""

    def __init__(self, engine: Engine, photo: Photo, task: str | None) -> None:
        self.engine = engine
        self.crops = engine.system.crops(photo.image)
        self.blurred = [_blur(crop) for crop in self.crops]
        first = engine.system.predict([crop[None] for crop in self.crops])
        if task is not None and task not in first.beliefs:
            known = ", ".join(first.beliefs)
            raise GraticuleError(f"the model has no belief {task!r} (it has: {known})")
        self.embedding = first.embedding[0]
        point = engine.system.point_task
        self._lands: tuple[Labels, IntArray] | None = None
        if task is None and "countries" not in first.beliefs:
            self._lands = lands_of(engine.system.partitions[point])
        lands = self._lands[0] if self._lands else engine.system.partitions.get("countries")
        if task is None and lands is not None and len(lands.ids) < 2:
            # A model of one country is as sure of it whatever is hidden: its cells are asked.
            self._lands, task = None, point
        self.asked = task or (point if self._lands else "countries")
        self.task = task or "countries"
        self._over: Partition = first.beliefs[self.asked].over
        self.whole = self.beliefs([self.crops])
        self.target = int(self.whole.top(1)[0][0, 0])

    def hidden(self, mask: FloatArray) -> list[Pixels]:
        """Each crop with what the mask covers blurred."""
        return [
            _hide(crop, soft, mask) for crop, soft in zip(self.crops, self.blurred, strict=True)
        ]

    def beliefs(self, views: Sequence[list[Pixels]]) -> Outcome:
        """What the model says of each view (one crop an encoder)."""
        rows = []
        for start in range(0, len(views), BATCH):
            batch = [np.stack(crops) for crops in zip(*views[start : start + BATCH], strict=True)]
            said = self.engine.system.predict(batch).beliefs[self.asked]
            said = self.engine.calibration.temper(self.asked, said)
            if self._lands is None:
                rows.append(said.log_p)
            else:
                countries, groups = self._lands
                rows.append(said.grouped(groups, countries).log_p)
        over = Labels(self._over.ids) if self._lands is None else self._lands[0]
        return Belief(over, np.concatenate(rows))

    def name(self, outcome: int) -> str:
        """What people call an outcome."""
        code = self.whole.over.ids[outcome]
        if self.task == "countries":
            return atlas.country_name(code)
        return self._over.names[outcome] or code

    def changes(
        self, other: Outcome, row: int, most: int
    ) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
        """What gains most and what loses most between the whole photo and another view."""
        before, after = self.whole.p[0].astype(float), other.p[row].astype(float)
        order = np.argsort(after - before, kind="stable")
        rises = [int(cell) for cell in order[::-1][:most] if after[cell] > before[cell]]
        falls = [int(cell) for cell in order[:most] if after[cell] < before[cell]]

        def named(cells: list[int]) -> tuple[Change, ...]:
            return tuple(
                Change(
                    self.whole.over.ids[cell],
                    self.name(cell),
                    round(before[cell], 4),
                    round(after[cell], 4),
                )
                for cell in cells
            )

        return named(rises), named(falls)


def _matches(engine: Engine, photo: Photo, asking: _Asking) -> tuple[Match, ...]:
    if engine.album is None:
        return ()
    alike = perceptual_hash(np.asarray(photo.image))
    return engine.album.matches(engine.album.near(asking.embedding[None], [alike])[0])


def _log_odds(belief: Outcome, cell: int) -> FloatArray:
    p = np.clip(belief.p[:, cell].astype(np.float64), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(p / (1 - p)))


def _masks(grid: int, overlap: float) -> list[FloatArray]:
    return [_mask(row, column, grid, overlap) for row in range(grid) for column in range(grid)]


def _cover(masks: Sequence[FloatArray], parts: IntArray) -> FloatArray:
    """What several parts cover together; nothing for none."""
    covered = np.zeros_like(masks[0])
    for part in parts:
        covered = np.maximum(covered, masks[part])
    return covered


def _mask(row: int, column: int, grid: int, overlap: float) -> FloatArray:
    """Where part (row, column) lies in the unit square, reaching over by a share of itself."""
    side = 64 * grid
    step = side // grid
    reach = int(step * overlap)
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


def overlay(explanation: Explanation, side: int = 960) -> Pixels:
    """The photo with its heat laid over it, uint8 (h, w, 3).

    Warm parts spoke for the answer, cool ones against it; the strongest has full colour. What the
    model did not see is dimmed.

    Args:
        explanation: what to draw.
        side: longer side in pixels.
    """
    from PIL import Image

    from graticule.photos.photo import scaled

    height, width = explanation.picture.shape[:2]
    scale = side / max(width, height)
    size = scaled((width, height), side)
    picture = Image.fromarray(explanation.picture).resize(size, Image.Resampling.BICUBIC)
    left, top, right, bottom = (round(edge * scale) for edge in explanation.box)
    heat = explanation.heat / max(float(np.abs(explanation.heat).max()), 1e-9)
    seen = (max(1, right - left), max(1, bottom - top))
    smooth = Image.fromarray(heat.astype(np.float32)).resize(seen, Image.Resampling.BICUBIC)
    strength, outside = np.zeros((size[1], size[0])), np.ones((size[1], size[0]), bool)
    x, y = slice(max(left, 0), min(right, size[0])), slice(max(top, 0), min(bottom, size[1]))
    inner = np.asarray(smooth)[y.start - top : y.stop - top, x.start - left : x.stop - left]
    strength[y, x], outside[y, x] = np.clip(inner, -1, 1), False
    warm, cool = np.array([255.0, 96.0, 0.0]), np.array([0.0, 96.0, 255.0])
    colour = np.where(strength[:, :, None] >= 0, warm, cool)
    share = 0.65 * np.abs(strength)[:, :, None]
    grey = np.asarray(picture.convert("L").convert("RGB"), dtype=np.float64)
    base = 0.5 * np.asarray(picture, dtype=np.float64) + 0.5 * grey
    drawn = base * (1 - share) + colour * share
    drawn[outside] *= 0.4
    return np.asarray(drawn, dtype=np.uint8)
