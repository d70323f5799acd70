"""Every score of one system on one set of photos, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graticule import metrics, sphere
from graticule.errors import GraticuleError
from graticule.evaluation.bootstrap import Estimate, Resampler
from graticule.evaluation.predictions import Predictions
from graticule.evaluation.truth import Truth

FloatArray = npt.NDArray[np.float64]

TOP_K = (1, 5, 10)


@dataclass(frozen=True)
class Outcomes:
    """How each photo came out: the columns that all scores, slices and tests are made of.

    Attributes:
        km: error (n,), NaN where the place or the point is unknown.
        rank: rank of the true country (n,) from 1, inf where it was not named, NaN where unknown.
        city_rank: likewise for the city.
        answered: bool (n,), did not abstain.
    """

    km: FloatArray
    rank: FloatArray
    city_rank: FloatArray
    answered: npt.NDArray[np.bool_]


def outcomes(predictions: Predictions, truth: Truth) -> Outcomes:
    """Judge each photo; both tables on the same rows.

    A photo with a place but no point (it abstained) is the furthest possible error: half the
    Earth's circumference. Leaving it out would reward silence.
    """
    if len(predictions) != len(truth):
        raise GraticuleError(f"{len(predictions)} predictions for {len(truth)} photos")
    located = truth.located
    km = np.full(len(truth), np.nan)
    given = np.isfinite(predictions.latlon).all(axis=1)
    both = located & given
    km[both] = sphere.haversine(predictions.latlon[both], truth.latlon[both])
    if given.any():
        km[located & ~given] = sphere.HALF_CIRCUMFERENCE_KM
    return Outcomes(
        km,
        _ranks(predictions.countries, truth.countries()),
        _ranks(predictions.cities, truth.column("city")),
        ~predictions.abstained,
    )


def _ranks(named: Sequence[Sequence[str]], truth: npt.NDArray[np.str_]) -> FloatArray:
    if not any(named):
        return np.full(len(truth), np.nan)
    out = np.full(len(truth), np.inf)
    for row, (choices, true) in enumerate(zip(named, truth, strict=True)):
        wanted = str(true).casefold()
        for place, choice in enumerate(choices, 1):
            if choice.casefold() == wanted:
                out[row] = place
                break
    out[truth == ""] = np.nan
    return out


@dataclass(frozen=True)
class Score:
    """One line of a report: a score, on how many photos and clusters, and with which interval."""

    name: str
    unit: str
    estimate: Estimate
    photos: int
    clusters: int


def distance_scores(km: FloatArray, resampler: Resampler) -> list[Score]:
    """Accuracy at the five thresholds, median and mean km, GeoScore."""
    known = np.isfinite(km)
    photos = int(known.sum())
    if not photos:
        return []
    inside = np.stack([km <= limit for limit in metrics.THRESHOLDS_KM], axis=1).astype(np.float64)
    inside[~known] = np.nan
    columns = np.column_stack([100 * inside, km, metrics.geoscores(km)])
    samples = resampler.means(columns)
    values = np.nanmean(columns, axis=0)
    names = [
        *((f"within {limit:g} km", "%") for limit in metrics.THRESHOLDS_KM),
        ("mean error", "km"),
        ("GeoScore", "of 5000"),
    ]
    clusters = len(np.unique(resampler.clusters[known]))
    scores = [
        Score(name, unit, Estimate.of(float(values[i]), samples[:, i]), photos, clusters)
        for i, (name, unit) in enumerate(names)
    ]
    median = Estimate.of(float(np.nanmedian(km)), resampler.medians(km))
    scores.insert(len(metrics.THRESHOLDS_KM), Score("median error", "km", median, photos, clusters))
    return scores


def rank_scores(rank: FloatArray, what: str, resampler: Resampler) -> list[Score]:
    """Top-1, top-5, top-10 and the mean reciprocal rank of countries or cities."""
    known = ~np.isnan(rank)
    photos = int(known.sum())
    if not photos:
        return []
    right = np.stack([rank <= k for k in TOP_K], axis=1).astype(np.float64)
    columns = np.column_stack([100 * right, 1.0 / rank])
    columns[~known] = np.nan
    samples, values = resampler.means(columns), np.nanmean(columns, axis=0)
    clusters = len(np.unique(resampler.clusters[known]))
    names = [*((f"{what} top-{k}", "%") for k in TOP_K), (f"{what} mean reciprocal rank", "")]
    return [
        Score(name, unit, Estimate.of(float(values[i]), samples[:, i]), photos, clusters)
        for i, (name, unit) in enumerate(names)
    ]


def macro_scores(found: Outcomes, countries: npt.NDArray[np.str_], seed: int = 0) -> list[Score]:
    """The same by country: the mean over countries of each country's mean.

    Countries are what is drawn again for the interval: the question is how a country at random
    fares, not a photo at random.
    """
    scores: list[Score] = []
    for name, unit, column in (
        ("country top-1, mean over countries", "%", 100.0 * (found.rank <= 1)),
        ("country top-5, mean over countries", "%", 100.0 * (found.rank <= 5)),
        ("GeoScore, mean over countries", "of 5000", metrics.geoscores(found.km)),
    ):
        known = ~np.isnan(found.rank if "top" in name else found.km) & (countries != "")
        if not known.any():
            continue
        codes, index = np.unique(countries[known], return_inverse=True)
        means = np.bincount(index, column[known]) / np.bincount(index)
        samples = Resampler.over(len(codes), seed=seed).means(means)[:, 0]
        scores.append(
            Score(
                name, unit, Estimate.of(float(means.mean()), samples), int(known.sum()), len(codes)
            )
        )
    return scores


def coverage_scores(
    km: FloatArray, radius_km: dict[int, FloatArray], resampler: Resampler
) -> list[Score]:
    """Share of true places inside each stated radius, beside what the radius promises."""
    scores = []
    for level, radius in sorted(radius_km.items()):
        known = np.isfinite(km) & np.isfinite(radius)
        if not known.any():
            continue
        column = np.where(known, 100.0 * (km <= radius), np.nan)
        scores.append(
            Score(
                f"coverage of the {level} % radius",
                "%",
                Estimate.of(float(np.nanmean(column)), resampler.means(column)[:, 0]),
                int(known.sum()),
                len(np.unique(resampler.clusters[known])),
            )
        )
    return scores


def all_scores(
    found: Outcomes, predictions: Predictions, truth: Truth, resampler: Resampler
) -> list[Score]:
    """Everything a report's first table shows, in its order."""
    answered = Estimate.of(
        100.0 * float(found.answered.mean()),
        resampler.means(100.0 * found.answered.astype(np.float64))[:, 0],
    )
    return [
        *distance_scores(found.km, resampler),
        *rank_scores(found.rank, "country", resampler),
        *rank_scores(found.city_rank, "city", resampler),
        *macro_scores(found, truth.countries(), resampler.seed),
        *coverage_scores(found.km, dict(predictions.radius_km), resampler),
        Score("answered", "%", answered, len(truth), resampler.n_clusters),
    ]
