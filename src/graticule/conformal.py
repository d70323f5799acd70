"""Conformal quantiles for groups, sets, risks and sources that were not seen.

Everything here takes one score a photo, the larger the worse the belief knew the truth, and gives
the level that holds for a stated share of photos like these. Photos of one place or photographer
are not independent: each cluster weighs as one, and a figure may be claimed only where
:data:`CLAIM_PLACES` of them stand behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.belief import Belief
from graticule.calibration import LEVELS, mass_within, quantiles
from graticule.cells.partition import Partition
from graticule.novelty import Novelty

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
StringArray = npt.NDArray[np.str_]
IntArray = npt.NDArray[np.int64]

#: Independent places behind a coverage that may be claimed, and behind a group's own radii.
CLAIM_PLACES = 400
#: Unlike photos that must be known before their own scores say how far to widen.
LEAST_NOVEL = 30
#: Percent of photos like the known ones that may be taken for unlike.
ALIKE = 95
#: Photos that it is measured on.
_LIMIT_PHOTOS = 4000
#: Percent of countries named first that may be wrong among those answered.
RISKS = (5, 10, 20, 30, 40, 50)
#: Chance that a stated risk is exceeded on photos like these.
_DELTA = 0.1


@dataclass(frozen=True)
class Sample:
    """What a model said of n photos it did not learn from, and what is true of them.

    Attributes:
        vectors: (n, d), the encoder's.
        clusters: (n,) photos of one place or photographer share one.
        sources: (n,) the collection each is from.
        scenes: (n,) the scene each was taken for, "" where the model tells none.
        located: int64 (m,), rows with a place.
        point: their belief, m rows, at its temperature.
        guesses: degrees (m, 2), the points that were told.
        places: degrees (m, 2), the true ones.
        named: int64 (k,), rows with a country.
        countries: their belief over countries, k rows, at its temperature.
        truth: int64 (k,), the true country in it, −1 for one the model does not know.
        reference: (r, d), vectors of the photos it did learn from; None where they are not at hand,
            and the n photos stand for them.
    """

    vectors: npt.NDArray[np.floating]
    clusters: StringArray
    sources: StringArray
    scenes: StringArray
    located: IntArray
    point: Belief[Partition]
    guesses: FloatArray
    places: FloatArray
    named: IntArray
    countries: Belief[Any] | None
    truth: IntArray
    reference: npt.NDArray[np.floating] | None = None


def fit(sample: Sample, seed: int = 0) -> dict[str, Any]:
    """Fields of a :class:`graticule.calibration.Calibration`.

    ``fitted_on`` gets ``drift``: how coverage holds on each source by the levels of the others.
    """
    novel, novelty, limit = np.zeros(len(sample.clusters), dtype=bool), None, None
    known = _usable(sample)
    if known.sum() >= 2 * LEAST_NOVEL:
        if sample.reference is None:
            novelty = Novelty.fit(sample.vectors[known])
            limit = alike_limit(sample.vectors[known], seed)
        else:
            novelty = Novelty.fit(sample.reference)
            limit = float(np.quantile(novelty.score(sample.vectors[known]), ALIKE / 100))
        novel[known] = novelty_left_out(sample.vectors[known], sample.sources[known])[1]
    rows = sample.located
    km = sphere.haversine(sample.guesses, sample.places)
    scores = mass_within(sample.point, sample.guesses, km)
    clusters, sources = sample.clusters[rows], sample.sources[rows]
    plain = quantiles(scores, clusters)
    groups = {
        "scene": by_group(scores, clusters, sample.scenes[rows]),
        "continent": by_group(scores, clusters, continents_at(sample.guesses)),
    }
    found: dict[str, Any] = {
        "radius_mass": plain,
        "radius_mass_by": {kind: levels for kind, levels in groups.items() if levels},
        "novel_above": limit,
        "novelty": novelty,
        "radius_mass_novel": widened(scores, clusters, novel[rows], plain) if novelty else {},
    }
    moved = {"radii": drift(scores, clusters, sources, novel[rows])}
    if sample.countries is not None and len(sample.named):
        rows = sample.named
        scores = mass_before(sample.countries, sample.truth)
        clusters, sources = sample.clusters[rows], sample.sources[rows]
        plain = quantiles(scores, clusters)
        moved["sets of countries"] = drift(scores, clusters, sources, novel[rows])
        first, p = sample.countries.top(1)
        found |= {
            "country_mass": plain,
            "country_mass_novel": widened(scores, clusters, novel[rows], plain) if novelty else {},
            "risk_confidence": risk_thresholds(
                p[:, 0].astype(np.float64), first[:, 0] != sample.truth, clusters
            ),
        }
    found["fitted_on"] = {"drift": {what: table for what, table in moved.items() if table}}
    return found


def _usable(sample: Sample) -> BoolArray:
    """Rows whose vector is there and finite."""
    if sample.vectors.size == 0:
        return np.zeros(len(sample.clusters), dtype=bool)
    return np.asarray(np.isfinite(sample.vectors).all(axis=1))


def continents_at(points: FloatArray) -> StringArray:
    """The continent of the country each point (n, 2) lies in, "" at sea, (n,)."""
    from graticule import atlas

    codes, index = np.unique(atlas.countries(points), return_inverse=True)
    names = [atlas.continent(code) if code else "" for code in codes.tolist()]
    return np.array(names, dtype=np.str_)[index]


def mass_before(belief: Belief[Any], truth: IntArray) -> FloatArray:
    """Mass of the others at least as likely as the true outcome, (n,); 1 for truth −1.

    The score of adaptive prediction sets (Romano, Sesia & Candès 2020) without their randomisation.
    Outcomes as likely as the true one count as before it: a set may name them first.
    """
    p = belief.p.astype(np.float64)
    own = p[np.arange(len(p)), np.maximum(truth, 0)]
    before = np.where(p >= own[:, None], p, 0.0).sum(axis=1) - own
    return np.asarray(np.where(truth >= 0, before, 1.0))


def set_sizes(belief: Belief[Any], mass: npt.ArrayLike) -> IntArray:
    """How many outcomes, best first, make each row's set at ``mass`` (n,) or one number, (n,)."""
    p = -np.sort(-belief.p.astype(np.float64), axis=1)
    before = np.cumsum(p, axis=1) - p
    wanted = np.broadcast_to(np.asarray(mass, dtype=np.float64), (len(p),))
    return np.asarray((before <= wanted[:, None] + 1e-9).sum(axis=1), dtype=np.int64)


def by_group(
    scores: FloatArray,
    clusters: StringArray,
    groups: StringArray,
    least: int = CLAIM_PLACES,
) -> dict[str, dict[int, float]]:
    """The levels of each group with at least ``least`` clusters (Mondrian conformal, Vovk 2005).

    Groups must be told from the photo (the scene or continent it was taken for), never from the
    truth, which nobody knows when it counts.
    """
    found = {}
    for group in np.unique(groups[groups != ""]):
        mine = groups == group
        if len(np.unique(clusters[mine])) >= least:
            found[str(group)] = quantiles(scores[mine], clusters[mine])
    return found


def widened(
    scores: FloatArray, clusters: StringArray, novel: BoolArray, plain: Mapping[int, float]
) -> dict[int, float]:
    """The levels for photos unlike the known ones, never below ``plain``.

    From such photos themselves where there are :data:`LEAST_NOVEL` clusters of them; else each
    coverage takes the level of the next, and the last goes half the way to everything.
    """
    order = sorted(plain)
    if len(np.unique(clusters[novel])) >= LEAST_NOVEL:
        own = quantiles(scores[novel], clusters[novel], tuple(order))
        return {level: max(plain[level], own[level]) for level in order}
    following = [plain[level] for level in order[1:]] + [(1.0 + plain[order[-1]]) / 2]
    return {level: float(mass) for level, mass in zip(order, following, strict=True)}


def risk_thresholds(
    confidence: FloatArray, wrong: BoolArray, clusters: StringArray, risks: Sequence[int] = RISKS
) -> dict[int, float]:
    """The confidence from which on no more than each risk (percent) is wrong, at 90 % confidence.

    Fixed-sequence testing (Angelopoulos et al., "Learn then Test", 2021, arXiv:2110.01052):
    thresholds are tried from the surest photos down, and the first at which the risk's upper bound
    exceeds the stated one ends the search. Where it begins is fixed before an error is seen: at the
    first step whose photos would pass with half the stated risk. A search for a place to begin
    would be many looks without a correction. The bound is Clopper and Pearson's, of clusters
    instead of photos. A risk that cannot be shown to be kept has no threshold.

    Args:
        confidence: (n,), of what was named first.
        wrong: (n,), whether that was not the truth.
        clusters: (n,), photos of one place or photographer share one.
        risks: percent.
    """
    order = np.argsort(-confidence, kind="stable")
    falling = -confidence[order]
    _, index, size = np.unique(clusters, return_inverse=True, return_counts=True)
    weight = (1.0 / size[index])[order]
    n, errors = np.cumsum(weight), np.cumsum(weight * wrong[order])
    steps = np.linspace(0, len(order) - 1, 51)[1:].astype(np.int64)
    # A threshold answers all photos that are as sure as itself.
    steps = np.unique(np.searchsorted(falling, falling[steps], side="right") - 1)
    n, errors = n[steps], errors[steps]
    bound = _upper_bound(errors, n)
    found = {}
    for risk in risks:
        ready = 100 * _upper_bound(n * risk / 200, n) <= risk
        passes = 100 * bound[ready] <= risk
        kept = int(np.logical_and.accumulate(passes).sum())
        if kept:
            found[risk] = float(-falling[steps[ready][kept - 1]])
    return found


def _upper_bound(errors: FloatArray, n: FloatArray) -> FloatArray:
    """Clopper and Pearson's one-sided bound of a share at level 1 − δ, for parts of a count too."""
    from scipy.stats import beta

    return np.asarray(beta.ppf(1 - _DELTA, errors + 1, np.maximum(n - errors, 1e-9)))


def alike_limit(vectors: npt.NDArray[np.floating], seed: int = 0, folds: int = 3) -> float:
    """The novelty that :data:`ALIKE` percent of known photos stay below, each unseen, by folds."""
    rng = np.random.default_rng(seed)
    # A few thousand photos place a percentile well enough.
    if len(vectors) > _LIMIT_PHOTOS:
        vectors = vectors[np.sort(rng.choice(len(vectors), _LIMIT_PHOTOS, replace=False))]
    fold = rng.integers(0, folds, len(vectors))
    scores = np.empty(len(vectors))
    for k in range(folds):
        mine = fold == k
        if mine.any():
            scores[mine] = Novelty.fit(vectors[~mine]).score(vectors[mine])
    return float(np.quantile(scores, ALIKE / 100))


def novelty_left_out(
    vectors: npt.NDArray[np.floating], sources: StringArray
) -> tuple[FloatArray, BoolArray]:
    """How unlike each photo is to those of all other sources, and whether that is too unlike.

    Returns:
        Scores (n,) and flags (n,); nothing is unlike where there is one source.
    """
    scores, novel = np.zeros(len(vectors)), np.zeros(len(vectors), dtype=bool)
    for source in np.unique(sources):
        mine = sources == source
        if (~mine).sum() < 10:
            continue
        scores[mine] = Novelty.fit(vectors[~mine]).score(vectors[mine])
        novel[mine] = scores[mine] > alike_limit(vectors[~mine])
    return scores, novel


def drift(
    scores: FloatArray,
    clusters: StringArray,
    sources: StringArray,
    novel: BoolArray | None = None,
    levels: Sequence[int] = LEVELS,
) -> dict[str, Any]:
    """How coverage holds on a source that the levels were not fitted on, each in turn.

    Returns:
        ``sources``: for each its photos, clusters, share of unlike photos, and measured coverage,
        as fitted and widened for unlike photos; ``all``: the same over all photos, clusters and
        sources (each weighing as one); empty where there is one source.
    """
    names = np.unique(sources)
    if len(names) < 2:
        return {}
    unlike = np.zeros(len(scores), dtype=bool) if novel is None else novel
    inside = {how: np.zeros((len(scores), len(levels)), dtype=bool) for how in ("plain", "widened")}
    table: dict[str, Any] = {}
    for name in names:
        mine = sources == name
        plain = quantiles(scores[~mine], clusters[~mine], tuple(levels))
        wide = widened(scores[~mine], clusters[~mine], unlike[~mine], plain)
        for k, level in enumerate(levels):
            inside["plain"][mine, k] = scores[mine] <= plain[level]
            limit = np.where(unlike[mine], wide[level], plain[level])
            inside["widened"][mine, k] = scores[mine] <= limit
        table[str(name)] = {
            "photos": int(mine.sum()),
            "places": len(np.unique(clusters[mine])),
            "unlike": round(100 * float(unlike[mine].mean()), 1),
            **{
                how: {
                    str(level): round(100 * float(found[mine, k].mean()), 1)
                    for k, level in enumerate(levels)
                }
                for how, found in inside.items()
            },
        }
    weights = {
        "photos": np.ones(len(scores)),
        "places": _each_one(clusters),
        "sources": _each_one(sources),
    }
    whole = {
        by: {
            how: {
                str(level): round(100 * float(np.average(found[:, k], weights=weight)), 1)
                for k, level in enumerate(levels)
            }
            for how, found in inside.items()
        }
        for by, weight in weights.items()
    }
    return {"sources": table, "all": whole, "places": len(np.unique(clusters))}


def _each_one(labels: StringArray) -> FloatArray:
    _, index, size = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / size[index])
