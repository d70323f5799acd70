"""The likeliest cells, with near ones taken together: two far answers are not averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.errors import GraticuleError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Top:
    """The K likeliest cells of each photo.

    Attributes:
        cells: int64 (n, k), likeliest first.
        p: float64 (n, k), their probabilities.
        hypothesis: int64 (n, k): 0 for the cells of the likeliest hypothesis, then 1 …
    """

    cells: IntArray
    p: FloatArray
    hypothesis: IntArray

    def of(self, number: int) -> FloatArray:
        """Probabilities of the cells of one hypothesis, nought elsewhere, (n, k)."""
        return np.where(self.hypothesis == number, self.p, 0.0)


@dataclass(frozen=True)
class Hypotheses:
    """Places far apart, each of some likely cells: two answers, not their average in the sea.

    Attributes:
        cells: int64 (n, k), the cells that were looked into; −1 for none.
        number: int64 (n, k), the hypothesis of each cell; that of the photo's point is 0.
        points: float64 (n, h, 2), degrees; NaN where a photo has fewer.
    """

    cells: IntArray
    number: IntArray
    points: FloatArray

    def mass(self, p: npt.ArrayLike) -> FloatArray:
        """The probability of each hypothesis by a belief over all cells (n, cells), (n, h)."""
        own = np.take_along_axis(np.asarray(p, np.float64), np.maximum(self.cells, 0), axis=1)
        own = np.where(self.cells >= 0, own, 0.0)
        which = self.number[:, :, None] == np.arange(self.points.shape[1])
        return np.asarray((own[:, :, None] * which).sum(axis=1))

    def led(self, rows: npt.NDArray[np.bool_], cells: IntArray, points: FloatArray) -> Hypotheses:
        """One more hypothesis before the others of some photos.

        Args:
            rows: (n,) the photos.
            cells: int64 (n,), the cell that it is.
            points: (n, 2) where it lies.
        """
        n, h = self.points.shape[:2]
        more = np.full((n, h + 1, 2), np.nan)
        more[~rows, :h] = self.points[~rows]
        more[rows, 1:], more[rows, 0] = self.points[rows], points[rows]
        return Hypotheses(
            np.concatenate([np.where(rows, cells, -1)[:, None], self.cells], axis=1),
            np.concatenate([np.zeros((n, 1), np.int64), self.number + rows[:, None]], axis=1),
            more,
        )


@dataclass(frozen=True)
class Picked:
    """Where a system says that photos were taken.

    Attributes:
        points: degrees (n, 2); None where the decoder is to pick them.
        hypotheses: the places that they were chosen among; None of a system that tells none.
    """

    points: FloatArray | None = None
    hypotheses: Hypotheses | None = None


def top_cells(belief: Belief[Partition], k: int = 5, merge_km: float = 0.0) -> Top:
    """The K likeliest cells; those nearer than ``merge_km``, or joined by a chain, are one.

    Hypotheses are ordered by the probability of all their cells. With ``merge_km`` 0 every cell is
    one of its own. A K past the number of cells takes them all.

    Raises:
        GraticuleError: ``k`` or ``merge_km`` out of range.
    """
    if k < 1 or merge_km < 0:
        raise GraticuleError(f"top cells: k {k} and merge_km {merge_km:g}: choose k ≥ 1, km ≥ 0")
    cells, p = belief.top(k)
    n, k = cells.shape
    vectors = sphere.unit_vectors(belief.over.centers)[cells]
    gaps = sphere.arc(np.linalg.norm(vectors[:, :, None] - vectors[:, None, :], axis=-1))
    near = (gaps <= merge_km) & (merge_km > 0) | np.eye(k, dtype=bool)
    label = np.broadcast_to(np.arange(k), (n, k)).astype(np.int64)
    for _ in range(k):  # a chain of k cells is walked in k steps
        label = np.where(near, label[:, None, :], k).min(axis=2)
    mass = np.zeros((n, k))
    np.add.at(mass, (np.arange(n)[:, None], label), p.astype(np.float64))
    rank = np.argsort(np.argsort(-mass, axis=1, kind="stable"), axis=1)
    return Top(cells, p.astype(np.float64), np.take_along_axis(rank, label, axis=1))
