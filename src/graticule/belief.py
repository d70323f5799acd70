"""Log-probabilities over a partition: what a head says, before anyone picks a point.

Beliefs mix (soft scene routing), take a prior, and combine with other evidence; each operation
returns a new belief that sums to one again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from graticule.errors import GraticuleError

if TYPE_CHECKING:
    from graticule.cells.partition import Partition
    from graticule.cells.transfer import How

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

#: Probability floor in logs: what an event that was ruled out keeps, so that sums stay finite.
FLOOR = np.float32(-80.0)


class Outcomes(Protocol):
    """Anything with named outcomes: a partition, or :class:`Labels`."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The outcomes' names, in order."""


@dataclass(frozen=True)
class Labels:
    """Outcomes that are not places: scenes, climate zones, road sides."""

    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


OutcomesT = TypeVar("OutcomesT", bound=Outcomes)


def normalise(log_weights: npt.ArrayLike) -> Float32Array:
    """Log-probabilities that sum to one along the last axis, from any log-weights.

    Computed in float64 and floored at :data:`FLOOR`.

    Raises:
        GraticuleError: a weight is NaN, or a row has no finite weight at all.
    """
    weights = np.asarray(log_weights, dtype=np.float64)
    if np.isnan(weights).any():
        raise GraticuleError("a belief holds NaN: the model's output is broken")
    top = weights.max(axis=-1, keepdims=True) if weights.shape[-1] else weights
    if not np.isfinite(top).all():
        raise GraticuleError("a belief rules out every place; loosen the prior")
    shifted = np.maximum(weights - top, np.float64(FLOOR))
    total = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return np.asarray(shifted - total, dtype=np.float32)


@dataclass(frozen=True)
class Belief(Generic[OutcomesT]):
    """Log-probabilities of n photos over the cells of one partition.

    Attributes:
        over: the partition (or labels) the columns stand for.
        log_p: float32 (n, cells), rows sum to one in probability.
    """

    over: OutcomesT
    log_p: Float32Array

    def __post_init__(self) -> None:
        if self.log_p.ndim != 2 or self.log_p.shape[1] != len(self.over.ids):
            raise GraticuleError(
                f"a belief over {len(self.over.ids)} cells needs shape (n, {len(self.over.ids)}), "
                f"got {self.log_p.shape}"
            )

    @classmethod
    def from_logits(
        cls, over: OutcomesT, logits: npt.ArrayLike, temperature: float = 1.0
    ) -> Belief[OutcomesT]:
        """The softmax of ``logits`` / ``temperature``, shape (n, cells)."""
        return cls(over, normalise(np.asarray(logits, dtype=np.float64) / temperature))

    def __len__(self) -> int:
        return len(self.log_p)

    def __getitem__(self, rows: slice | IntArray) -> Belief[OutcomesT]:
        return Belief(self.over, self.log_p[rows])

    @property
    def p(self) -> Float32Array:
        """Probabilities, float32 (n, cells)."""
        return np.exp(self.log_p)

    @property
    def entropy(self) -> npt.NDArray[np.float64]:
        """Shannon entropy of each row in nats, shape (n,)."""
        log_p = self.log_p.astype(np.float64)
        return np.asarray(-(np.exp(log_p) * log_p).sum(axis=1))

    def top(self, k: int) -> tuple[IntArray, Float32Array]:
        """The ``k`` likeliest cells of each row, best first.

        Ties go to the lower cell number, so that the order is the same on every machine.

        Returns:
            Cell numbers int64 (n, k) and their probabilities float32 (n, k).
        """
        k = min(k, self.log_p.shape[1])
        if len(self) and 0 < 8 * k < self.log_p.shape[1]:
            order = np.stack([_first(row, k) for row in self.log_p])
        else:
            order = np.argsort(-self.log_p, axis=1, kind="stable")[:, :k]
        return order.astype(np.int64), np.exp(np.take_along_axis(self.log_p, order, axis=1))

    def with_prior(self, log_prior: npt.ArrayLike) -> Belief[OutcomesT]:
        """The belief weighted by a prior over the same cells, shape (cells,) or (n, cells).

        ``-inf`` rules a cell out.

        Raises:
            GraticuleError: the prior rules out every cell.
        """
        return Belief(self.over, normalise(self.log_p + np.asarray(log_prior, dtype=np.float64)))

    def combine(self, other: Belief[OutcomesT], weight: float = 1.0) -> Belief[OutcomesT]:
        """Product of two beliefs over the same cells: independent evidence, ``other`` weighted."""
        self._same_cells(other)
        return Belief(self.over, normalise(self.log_p + weight * other.log_p.astype(np.float64)))

    def grouped(
        self, groups: IntArray, over: Outcomes, *, keep_outside: bool = False
    ) -> Belief[Outcomes]:
        """Probability summed into coarser outcomes.

        Args:
            groups: (cells,) the coarser outcome of each cell, −1 where it has none.
            over: the coarser outcomes.
            keep_outside: leave out the mass of cells without a group (False renormalises it away).
        """
        n_groups = len(over.ids)
        sums = np.zeros((len(self), n_groups))
        inside = groups >= 0
        np.add.at(sums.T, groups[inside], np.exp(self.log_p[:, inside].astype(np.float64)).T)
        with np.errstate(divide="ignore"):
            log_sums = np.log(sums)
        if keep_outside:
            return Belief(over, np.maximum(log_sums, FLOOR).astype(np.float32))
        return Belief(over, normalise(np.maximum(log_sums, np.float64(FLOOR))))

    def to(
        self, other: Partition, how: How | None = None, latlon: npt.ArrayLike | None = None
    ) -> tuple[Belief[Partition], How]:
        """The belief over another partition's cells.

        Mass of places that the other partition leaves out is shared among the rest.

        Args:
            other: where the probability goes.
            how: ``"parents"`` sums the cells into their recorded parents, exactly; ``"photos"``
                shares a cell out by where its photos lie; ``"area"``, by the overlap of polygons.
                None takes the first of these that can be had.
            latlon: (n, 2) places of photos for ``"photos"``.

        Returns:
            The belief, and how it was moved.

        Raises:
            PartitionError: what ``how`` needs is not there, or this belief is not over places.
            GraticuleError: a row's mass lies wholly outside the other partition.
        """
        from graticule.cells.partition import Partition
        from graticule.cells.transfer import shares
        from graticule.errors import PartitionError

        if not isinstance(self.over, Partition):
            raise PartitionError("only a belief over places can move to other cells")
        matrix, done = shares(self.over, other, how, latlon)
        mass = np.exp(self.log_p.astype(np.float64)) @ matrix
        with np.errstate(divide="ignore"):
            return Belief(other, normalise(np.log(mass))), done

    def _same_cells(self, other: Belief[OutcomesT]) -> None:
        if self.over.ids != other.over.ids:
            raise GraticuleError("these two beliefs are over different partitions")


def _first(row: Float32Array, k: int) -> IntArray:
    """The ``k`` largest of many, best first, ties to the lower number: none of the rest is sorted.

    Of a gallery's 100,000 points a whole sort is a third of an answer's time.
    """
    least = -np.partition(-row, k - 1)[k - 1]
    among = np.flatnonzero(row >= least)
    return np.asarray(among[np.argsort(-row[among], kind="stable")[:k]], np.int64)


def mix(beliefs: Sequence[Belief[OutcomesT]], weights: npt.ArrayLike) -> Belief[OutcomesT]:
    """Mixture Σ w·p of beliefs over the same cells, e.g. Σ p(scene) · p(country | scene).

    Args:
        beliefs: m beliefs of n photos each.
        weights: (m,) or (n, m), not negative; normalised to sum to one.
    """
    if not beliefs:
        raise GraticuleError("a mixture needs at least one belief")
    first = beliefs[0]
    for other in beliefs[1:]:
        first._same_cells(other)
    share = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    if (share < 0).any() or not np.isfinite(share).all() or (share.sum(axis=1) <= 0).any():
        raise GraticuleError("mixture weights must be finite, not negative, and not all zero")
    with np.errstate(divide="ignore"):
        log_share = np.log(share / share.sum(axis=1, keepdims=True))
    stacked = np.stack([b.log_p.astype(np.float64) for b in beliefs])
    terms = stacked + np.broadcast_to(log_share, (len(first), len(beliefs))).T[:, :, None]
    return Belief(first.over, normalise(np.logaddexp.reduce(terms, axis=0)))


def down_hierarchy(
    fine: Belief[OutcomesT], coarser: Sequence[tuple[Belief[OutcomesT], IntArray]]
) -> Belief[OutcomesT]:
    """f*: each fine cell's probability times those of its ancestors, in logs.

    Müller-Budack, Pustu-Iren & Ewerth 2018 (ISNs), eq. 4; renormalised over the fine cells.

    Args:
        fine: belief over the finest partition.
        coarser: a belief over each coarser partition, and the number of every fine cell's ancestor
            in it, int64 (fine cells,). A cell without an ancestor (−1) gets the least of the
            coarser belief: no photo was there to tell it apart.
    """
    total = fine.log_p.astype(np.float32, copy=True)
    for belief, ancestors in coarser:
        gathered = belief.log_p[:, np.maximum(ancestors, 0)]
        orphans = ancestors < 0
        if orphans.any():
            gathered[:, orphans] = belief.log_p.min(axis=1, keepdims=True)
        total += gathered
    return Belief(fine.over, normalise(total))
