"""Limits that hold their rates, fitted on held-out photos with true and with false claims.

Conformal: of true claims, no more than a stated share lies at or below the lower limit; of false
ones, no more than that share at or above the upper one. Photos of one place weigh as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.errors import GraticuleError
from graticule.verdicts.evidence import FloatArray, IntArray, Scale
from graticule.verdicts.limits import Limits, Verdicts
from graticule.verdicts.roc import roc_auc

#: False-alarm rates that limits are fitted to, in percent.
RATES = (1, 5)
#: A false claim that is nearer to the truth than this is no lie that a picture could tell.
LIE_KM = 200.0
#: False claims for each true one.
LIES = 10
#: Fewer true claims than this fit no limit.
FEWEST = 20
#: Reaches that are tried, km; 0 asks the claim's own cell alone.
REACHES = (0.0, 250.0, 500.0, 1000.0, 2000.0)
#: Parts that measured rates are cross-fitted over, where photos bring no folds of their own.
_PARTS = 5
#: What stated shares are multiplied with until folds keep them.
_SHRINK = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)

#: A task and a reach.
_Asked = tuple[str, float]


def lies(
    places: FloatArray, clusters: npt.ArrayLike, seed: int = 0, each: int = LIES
) -> tuple[IntArray, IntArray]:
    """False claims: the place of another photo, drawn by place, at least :data:`LIE_KM` away.

    Args:
        places: (n, 2) degrees, where the photos are.
        clusters: (n,) photos of one place share one; each place is as likely a lie.
        seed: of the draw.
        each: lies for each photo.

    Returns:
        The photo (m,) and whose place is claimed for it (m,).
    """
    rng = np.random.default_rng(seed)
    _, index, size = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    weight = 1.0 / size[index]
    photo, other = [], []
    for row, km in enumerate(sphere.distances(places, places)):
        share = np.where(km >= LIE_KM, weight, 0.0)
        if share.sum() <= 0:
            continue
        drawn = rng.choice(len(places), each, p=share / share.sum())
        photo += [row] * each
        other += drawn.tolist()
    return np.array(photo, dtype=np.int64), np.array(other, dtype=np.int64)


def fit(
    true: FloatArray,
    false: FloatArray,
    true_clusters: npt.ArrayLike,
    false_clusters: npt.ArrayLike,
    shares: tuple[float, float],
) -> tuple[float | None, float | None]:
    """Lower and upper limit at stated shares, each place weighing as one.

    Args:
        true: log ratios of true claims (n,).
        false: of false claims (m,).
        true_clusters: (n,) photos of one place share one.
        false_clusters: (m,) likewise, of the photo.
        shares: of true claims at or below the lower limit, and of false ones at or above the upper.

    Raises:
        GraticuleError: there are fewer than 20 of either.
    """
    if min(len(true), len(false)) < FEWEST:
        raise GraticuleError(
            f"verdicts need at least {FEWEST} true and {FEWEST} false claims, got {len(true)} and "
            f"{len(false)}"
        )
    low = _at_most(true, true_clusters, shares[0])
    high = _at_most(-false, false_clusters, shares[1])
    upper = None if high is None else -high
    if low is not None and upper is not None and upper <= low:
        upper = float(np.nextafter(low, np.inf))
    return low, upper


def _at_most(values: FloatArray, clusters: npt.ArrayLike, share: float) -> float | None:
    """The largest value that at most ``share`` of the weight, and of a new place, is at or below.

    Conformal: of n places and a new one, whose weight counts as below. None where no value will do.
    """
    _, index, size = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    order = np.argsort(values, kind="stable")
    ranked, weight = values[order], (1.0 / size[index])[order]
    total = np.cumsum(weight)
    allowed = share * (len(size) + 1)
    # The last of tied values carries the weight of all of them.
    last = np.append(ranked[1:] != ranked[:-1], True)
    good = last & (total <= allowed + 1e-9)
    return float(ranked[good][-1]) if good.any() else None


def fit_verdicts(
    beliefs: Mapping[str, Belief[Partition]],
    priors: Mapping[str, npt.ArrayLike],
    places: FloatArray,
    clusters: npt.ArrayLike,
    *,
    folds: npt.ArrayLike | None = None,
    reaches: Sequence[float] = REACHES,
    seed: int = 0,
) -> Verdicts:
    """Task, reach and limits from held-out photos, with the rates such limits had on other ones.

    Task and reach are those that tell true claims from false ones best (area under the ROC curve).
    Each fold is judged with what was fitted on the others. Where folds are unlike each other, as
    sources are, limits that keep a rate on some break it on the next: then they are moved out until
    the folds so judged keep it, too.

    Args:
        beliefs: by task, of n photos that training did not see, tempered.
        priors: by task, (cells,) probabilities when no photo is seen.
        places: (n, 2) degrees, where the photos are.
        clusters: (n,) photos of one place share one.
        folds: (n,) photos that are judged together; drawn at random by place if None.
        reaches: km that are tried.
        seed: of false claims and folds.

    Raises:
        GraticuleError: there are fewer than 20 photos whose places the model knows.
    """
    groups = np.unique(np.asarray(clusters), return_inverse=True)[1].astype(np.int64)
    told = _Told.of(beliefs, priors, places, groups, reaches, seed)
    if folds is None:
        drawn = np.random.default_rng(seed).integers(0, _PARTS, int(groups.max(initial=0)) + 1)
        folds = drawn[groups]
    asked = told.best(np.ones(len(places), bool))
    true, false = told.columns(asked, np.ones(len(places), bool))
    parts = told.parts(np.asarray(folds))
    known = told.known(asked)
    return Verdicts(
        task=asked[0],
        reach_km=asked[1],
        rates={rate: _limits(true, false, parts, rate / 100) for rate in RATES},
        claims=int(known.sum()),
        places=len(np.unique(groups[known])),
    )


def _limits(true: _Column, false: _Column, parts: Sequence[_Part], rate: float) -> Limits:
    """Limits on all claims at the largest shares that the parts keep when judged by each other."""
    keeps = {share: _measured(parts, (share, share)) for share in (f * rate for f in _SHRINK)}
    shares = tuple(
        next((share for share, found in keeps.items() if found[kind] <= rate), rate * _SHRINK[-1])
        for kind in ("false_alarm", "false_agreement")
    )
    both = (shares[0], shares[1])
    low, high = fit(true.ratio, false.ratio, true.group, false.group, both)
    measured = _measured(parts, both)
    return Limits(contradicts=low, agrees=high, **{k: round(v, 4) for k, v in measured.items()})


def _measured(parts: Sequence[_Part], shares: tuple[float, float]) -> dict[str, float]:
    """What became of true and false claims, each part judged by limits of the others."""
    counts, weight = np.zeros(4), np.zeros(2)
    for part in parts:
        low, high = fit(
            part.true.ratio, part.false.ratio, part.true.group, part.false.group, shares
        )
        under, over = (-np.inf if low is None else low), (np.inf if high is None else high)
        true, false = part.judged_true, part.judged_false
        weight += true.weight.sum(), false.weight.sum()
        counts += (
            true.weight[true.ratio <= under].sum(),
            false.weight[false.ratio >= over].sum(),
            false.weight[false.ratio <= under].sum(),
            true.weight[true.ratio >= over].sum(),
        )
    names = ("false_alarm", "false_agreement", "found", "confirmed")
    of = np.maximum(weight[[0, 1, 1, 0]], 1e-9)
    return {name: float(x) for name, x in zip(names, counts / of, strict=True)}


@dataclass(frozen=True)
class _Column:
    """Log ratios of some claims, the place of each photo, and weights that make places equal."""

    ratio: FloatArray
    group: IntArray

    @cached_property
    def weight(self) -> FloatArray:
        if not len(self.group):
            return np.empty(0)
        _, index, size = np.unique(self.group, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / size[index])


@dataclass(frozen=True)
class _Part:
    """Claims that limits are fitted on, and those of one fold that are judged by them."""

    true: _Column
    false: _Column
    judged_true: _Column
    judged_false: _Column


@dataclass(frozen=True)
class _Told:
    """Log ratios of true and false claims for each (task, reach).

    Attributes:
        groups: (n,) the place of each photo.
        photo: (m,) the photo of each false claim.
        true: (task, reach) → (n,).
        false: (task, reach) → (m,).
    """

    groups: IntArray
    photo: IntArray
    true: Mapping[_Asked, FloatArray]
    false: Mapping[_Asked, FloatArray]

    @classmethod
    def of(
        cls,
        beliefs: Mapping[str, Belief[Partition]],
        priors: Mapping[str, npt.ArrayLike],
        places: FloatArray,
        groups: IntArray,
        reaches: Sequence[float],
        seed: int,
    ) -> _Told:
        photo, other = lies(places, groups, seed)
        true, false = {}, {}
        for task, belief in beliefs.items():
            for reach in reaches:
                scale = Scale(belief.over, priors[task], reach)
                true[task, reach] = scale.weigh(belief, places, shares=False).log_ratio
                false[task, reach] = scale.weigh(
                    belief[photo], places[other], shares=False
                ).log_ratio
        return cls(groups, photo, true, false)

    def known(self, asked: _Asked) -> npt.NDArray[np.bool_]:
        return np.asarray(np.isfinite(self.true[asked]))

    def columns(self, asked: _Asked, chosen: npt.NDArray[np.bool_]) -> tuple[_Column, _Column]:
        """Of the chosen photos: their true claims and their false ones."""
        rows = np.flatnonzero(chosen & self.known(asked))
        told = np.flatnonzero(chosen[self.photo] & np.isfinite(self.false[asked]))
        return (
            _Column(self.true[asked][rows], self.groups[rows]),
            _Column(self.false[asked][told], self.groups[self.photo[told]]),
        )

    def best(self, chosen: npt.NDArray[np.bool_]) -> _Asked:
        """The task and reach that tell the chosen photos' true claims from false ones best."""
        areas = []
        for asked in self.true:
            true, false = self.columns(asked, chosen)
            areas.append(roc_auc(true.ratio, false.ratio, true.weight, false.weight))
        return list(self.true)[int(np.nanargmax(areas)) if np.isfinite(areas).any() else 0]

    def parts(self, folds: npt.NDArray[np.generic]) -> list[_Part]:
        """Each fold with what the others say, where enough are left to say anything."""
        found = []
        for one in np.unique(folds):
            asked = self.best(folds != one)
            part = _Part(*self.columns(asked, folds != one), *self.columns(asked, folds == one))
            if min(len(part.true.ratio), len(part.false.ratio)) >= FEWEST:
                found.append(part)
        return found
