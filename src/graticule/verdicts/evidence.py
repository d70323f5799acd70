"""How well a claimed place fits a belief, against everywhere else.

By Bayes, p(photo | place) ∝ p(place | photo) / p(place). The likelihood of a claim is that of its
cell, averaged with the cells around it as far as the model's own errors reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.cells.places import cell_countries, cells_at
from graticule.errors import GraticuleError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Cells that stand for all places where a partition has more.
_PLACES = 2048


@dataclass(frozen=True)
class Evidence:
    """How n claims fare.

    Attributes:
        log_ratio: float64 (n,), log of p(photo | claim) / p(photo | anywhere else); NaN where the
            model knows no place near the claim.
        as_good: float64 (n,), share of places, by the prior, that fit at least as well, of whole
            countries where the claim is one; NaN likewise.
        cell: int64 (n,), the cell that speaks for the claim; −1 where none does, or where the
            claim is a whole country.
    """

    log_ratio: FloatArray
    as_good: FloatArray
    cell: IntArray


class Scale:
    """Weighs claims over one partition.

    The cells around a claim count by 1 / (1 + (distance / reach)²): most of a model's errors are
    small and a few are anywhere, so the weight falls slowly.

    Attributes:
        over: the partition.
        prior: float64 (cells,), what is probable when no photo is seen; sums to one.
        reach_km: distance at which a cell counts for half; 0 asks the claim's own cell alone.
    """

    def __init__(self, over: Partition, prior: npt.ArrayLike, reach_km: float) -> None:
        base = np.maximum(np.asarray(prior, dtype=np.float64), 1e-9)
        if base.shape != (len(over),):
            raise GraticuleError(
                f"{over.name}: a prior of {base.size} numbers for {len(over)} cells; calibrate anew"
            )
        self.over, self.prior, self.reach_km = over, base / base.sum(), reach_km

    def weigh(
        self,
        belief: Belief[Partition],
        claims: npt.ArrayLike,
        countries: Sequence[str] = (),
        *,
        shares: bool = True,
    ) -> Evidence:
        """The evidence for one claim of each photo.

        Args:
            belief: n photos.
            claims: (n, 2) degrees.
            countries: n codes; where one is not "", the claim is that whole country.
            shares: whether ``as_good`` is wanted; it takes most of the time.

        Raises:
            GraticuleError: a claim is no place on Earth, or there is not one for each photo.
        """
        places = sphere.as_latlon(claims)
        if len(places) != len(belief):
            raise GraticuleError(f"{len(places)} claims for {len(belief)} photos")
        cell = cells_at(self.over, places)
        wide = np.array([bool(code) for code in countries] or [False] * len(places), dtype=bool)
        ratio, as_good = np.full((2, len(places)), np.nan)
        for rows, km in self.over.distances(places):
            weight = self._weights(km, cell[rows])
            for row in np.flatnonzero(wide[rows]):
                weight[row] = self._homes == countries[rows.start + row]
            share = weight @ self.prior
            known = (share > 0) & (wide[rows] | (cell[rows] >= 0))
            p = np.exp(belief.log_p[rows].astype(np.float64))
            mass = (p * weight).sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                claimed, elsewhere = mass / share, (1 - mass) / np.maximum(1 - share, 1e-9)
            log_ratio = np.log(np.maximum(claimed, 1e-12)) - np.log(np.maximum(elsewhere, 1e-12))
            ratio[rows] = np.where(known, log_ratio, np.nan)
            if shares:
                found = self._as_good(p, claimed, cell[rows])
                found[wide[rows]] = self._countries_as_good(p, claimed)[wide[rows]]
                as_good[rows] = np.where(known, found, np.nan)
        return Evidence(ratio, as_good, np.where(wide, -1, cell))

    def _weights(self, km: FloatArray, own: IntArray) -> FloatArray:
        """How much each cell counts for each claim, (n, cells): the claim's own cell for one."""
        weight = 1 / (1 + (km / self.reach_km) ** 2) if self.reach_km > 0 else np.zeros(km.shape)
        there = np.flatnonzero(own >= 0)
        weight[there, own[there]] = 1.0
        return weight

    @cached_property
    def _homes(self) -> npt.NDArray[np.str_]:
        return cell_countries(self.over)

    def _as_good(self, p: FloatArray, claimed: FloatArray, own: IntArray) -> FloatArray:
        """Share of places whose likelihood is at least that of the claim, (n,)."""
        places, kernel, base, share = self._everywhere
        likelihood = (p[:, places] if kernel is None else p @ kernel) / base
        found = (likelihood >= claimed[:, None] * (1 - 1e-9)) @ share
        # A claim beside its cell's center may fit better than the cell; it is a place all the same.
        return np.maximum(found, np.where(own >= 0, self.prior[own], 0.0))

    def _countries_as_good(self, p: FloatArray, claimed: FloatArray) -> FloatArray:
        """The same of a claimed country among countries, (n,): none of them is averaged."""
        codes, index = np.unique(self._homes, return_inverse=True)
        own = np.zeros((len(codes), len(index)))
        own[index, np.arange(len(index))] = 1
        share = own @ self.prior
        return np.asarray((p @ own.T / share >= claimed[:, None] * (1 - 1e-9)) @ share)

    @cached_property
    def _everywhere(
        self,
    ) -> tuple[IntArray, FloatArray | None, FloatArray, FloatArray]:
        """Cells that stand for all places, weights around each (cells, n), their prior, shares."""
        if len(self.over) <= _PLACES:
            places, share = np.arange(len(self.over)), self.prior
        else:
            steps = (np.arange(_PLACES) + 0.5) / _PLACES
            places = np.searchsorted(np.cumsum(self.prior), steps).clip(max=len(self.over) - 1)
            share = np.full(_PLACES, 1 / _PLACES)
        if self.reach_km <= 0:
            return places, None, self.prior[places], share
        kernel = np.empty((len(places), len(self.over)))
        for rows, km in self.over.distances(self.over.centers[places]):
            kernel[rows] = self._weights(km, places[rows])
        return places, kernel.T, kernel @ self.prior, share
