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

    def best(self) -> FloatArray:
        """Probabilities of the cells of the likeliest hypothesis, nought elsewhere, (n, k)."""
        return np.where(self.hypothesis == 0, self.p, 0.0)


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
