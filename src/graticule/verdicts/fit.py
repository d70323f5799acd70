"""Limits that hold their rates, fitted on held-out photos with true and with false claims.

Conformal: of true claims about photos of new places, no more than a stated share lies at or below
the lower limit; of false ones, no more than that share at or above the upper one. Photos of one
place weigh as one. A limit never lies on the wrong side of a likelihood ratio of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.errors import GraticuleError
from graticule.verdicts.evidence import FloatArray
from graticule.verdicts.limits import ALIKE, Limits, Verdicts
from graticule.verdicts.trials import FEWEST, Asked, Column, Part, Trials, lies

#: False-alarm rates that limits are fitted to, in percent.
RATES = (1, 5)
#: Reaches that are tried, km; 0 asks the claim's own cell alone.
REACHES = (0.0, 250.0, 500.0, 1000.0, 2000.0)
#: Parts that measured rates are cross-fitted over, where photos bring no folds of their own.
_PARTS = 5
#: What stated shares are multiplied with until folds keep them.
_SHRINK = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
#: The weakest evidence that a verdict rests on, in nats.
_WEAKEST = float(np.log(ALIKE))


def fit(
    true: FloatArray,
    false: FloatArray,
    true_clusters: npt.ArrayLike,
    false_clusters: npt.ArrayLike,
    shares: tuple[float, float],
) -> tuple[float | None, float | None]:
    """Lower and upper limit at stated shares, each place weighing as one.

    The lower one says that the picture is less likely at the claim than elsewhere, the upper one
    that it is likelier: neither comes nearer to a ratio of one than :data:`ALIKE`. Where true
    claims are told from false ones so well that the limits would cross, they are exchanged: what
    lies between is lower than nearly all true claims and higher than nearly all false ones.

    Args:
        true: log ratios of true claims (n,).
        false: of false claims (m,).
        true_clusters: (n,) photos of one place share one.
        false_clusters: (m,) likewise, of the photo.
        shares: of true claims at or below the lower limit, and of false ones at or above the upper.

    Returns:
        The limits; None where there are too few places for the share, see :func:`_limit_below`.

    Raises:
        GraticuleError: photos of either are of fewer than 20 places.
    """
    places = len(np.unique(np.asarray(true_clusters))), len(np.unique(np.asarray(false_clusters)))
    if min(places) < FEWEST:
        raise GraticuleError(
            f"verdicts need photos of at least {FEWEST} independent places that the model knows "
            f"and that others lie 200 km away from, got {min(places)}"
        )
    low = _limit_below(true, true_clusters, shares[0])
    below = _limit_below(-false, false_clusters, shares[1])
    high = None if below is None else -below
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    return (
        None if low is None else min(low, -_WEAKEST),
        None if high is None else max(high, _WEAKEST),
    )


def _limit_below(values: FloatArray, clusters: npt.ArrayLike, share: float) -> float | None:
    """The limit that at most ``share`` of photos of new places lie at or below; None for no such.

    Conformal prediction for grouped data (Lee, Barber & Willett 2023, arXiv:2306.06342, HCP): each
    of n places weighs 1 / (n + 1), shared among its photos, and the new place weighs as much and
    counts as below. So fewer than 1 / share − 1 places have no limit.
    """
    _, index, size = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    order = np.argsort(values, kind="stable")
    ranked, total = values[order], np.cumsum((1.0 / size[index])[order])
    left = share * (len(size) + 1) - 1
    if left < -1e-9:
        return None
    # Tied values are all below a limit or none of them: the last has the weight of all.
    last = np.append(ranked[1:] != ranked[:-1], True)
    first_above = ranked[last & (total > left + 1e-9)][0]
    return float(np.nextafter(first_above, -np.inf))


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
    the folds so judged keep it, too, and left out where none keeps it. Claims of whole countries
    have limits of their own, over the same task.

    Args:
        beliefs: by task, of n photos that training did not see, tempered.
        priors: by task, (cells,) probabilities when no photo is seen.
        places: (n, 2) degrees, where the photos are.
        clusters: (n,) photos of one place share one.
        folds: (n,) photos that are judged together; drawn at random by place if None.
        reaches: km that are tried.
        seed: of false claims and folds.

    Raises:
        GraticuleError: the photos are of fewer than 20 places that the model knows.
    """
    groups = np.unique(np.asarray(clusters), return_inverse=True)[1].astype(np.int64)
    if folds is None:
        drawn = np.random.default_rng(seed).integers(0, _PARTS, int(groups.max(initial=0)) + 1)
        folds = drawn[groups]
    judged = np.asarray(folds)
    false_claims = lies(places, groups, seed)
    trials = Trials.of(beliefs, priors, places, groups, false_claims, reaches)
    asked = trials.best(np.ones(len(places), bool))
    rates = _rates(trials, asked, judged)
    task, reach = asked
    wide = Trials.of_countries(task, beliefs[task], priors[task], places, groups, false_claims)
    countries, of_countries = {}, 0
    true, false = wide.columns((task, 0.0), np.ones(len(places), bool))
    if min(true.places, false.places) >= FEWEST:
        countries, of_countries = _rates(wide, (task, 0.0), judged), true.places
    known = trials.known(asked)
    return Verdicts(
        task=task,
        reach_km=reach,
        rates=rates,
        claims=int(known.sum()),
        places=len(np.unique(groups[known])),
        countries=countries,
        country_places=of_countries,
    )


def _rates(trials: Trials, asked: Asked, folds: npt.NDArray[np.generic]) -> dict[int, Limits]:
    true, false = trials.columns(asked, np.ones(len(trials.groups), bool))
    parts = trials.parts(folds)
    return {rate: _limits(true, false, parts, rate / 100) for rate in RATES}


def _limits(true: Column, false: Column, parts: Sequence[Part], rate: float) -> Limits:
    """Limits on all claims at the largest shares that the parts keep when judged by each other."""
    shares = _kept(parts, rate, "false_alarm"), _kept(parts, rate, "false_agreement")
    low, high = fit(true.ratio, false.ratio, true.group, false.group, shares)
    found = _measured(parts, shares)
    if low is None:
        found |= {"false_alarm": 0.0, "found": 0.0}
    if high is None:
        found |= {"false_agreement": 0.0, "confirmed": 0.0}
    rounded = {name: None if x is None else round(x, 4) for name, x in found.items()}
    return Limits(contradicts=low, agrees=high, **rounded)


def _kept(parts: Sequence[Part], rate: float, kind: str) -> float:
    """The largest share whose measured rate is kept; the stated one where nothing could measure it.

    0, which has no limit, where every share that was measured breaks the rate.
    """
    for share in (factor * rate for factor in _SHRINK):
        found = _measured(parts, (share, share))[kind]
        if share == rate and found is None:
            return rate
        if found is not None and found <= rate:
            return share
    return 0.0


def _measured(parts: Sequence[Part], shares: tuple[float, float]) -> dict[str, float | None]:
    """What became of true and false claims, each part judged by limits of the others.

    Parts whose others are too few for a limit are not counted in its rates; None where all are.
    """
    counts, weights = np.zeros(4), np.zeros(4)
    for part in parts:
        low, high = fit(
            part.true.ratio, part.false.ratio, part.true.group, part.false.group, shares
        )
        true, false = part.judged_true, part.judged_false
        if low is not None:
            counts[:2] += (
                true.weight[true.ratio <= low].sum(),
                false.weight[false.ratio <= low].sum(),
            )
            weights[:2] += true.weight.sum(), false.weight.sum()
        if high is not None:
            counts[2:] += (
                false.weight[false.ratio >= high].sum(),
                true.weight[true.ratio >= high].sum(),
            )
            weights[2:] += false.weight.sum(), true.weight.sum()
    names = ("false_alarm", "found", "false_agreement", "confirmed")
    return {
        name: float(count / weight) if weight > 0 else None
        for name, count, weight in zip(names, counts, weights, strict=True)
    }
