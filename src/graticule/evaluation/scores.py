"""Every score of one system on one set of photos, each with its interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from graticule import metrics, sphere
from graticule.errors import GraticuleError
from graticule.evaluation.bootstrap import Estimate, Resampler
from graticule.evaluation.names import country_key, place_key, regions_of
from graticule.evaluation.predictions import Names, Predictions
from graticule.evaluation.truth import Truth

FloatArray = npt.NDArray[np.float64]
StringArray = npt.NDArray[np.str_]
Distance = Callable[[npt.ArrayLike, npt.ArrayLike], FloatArray]

TOP_K = (1, 5, 10)
#: Probability of a true country that was not named at all: half of the last of four digits.
_LEAST_SHARE = 5e-5


@dataclass(frozen=True)
class Outcomes:
    """How each photo came out: the columns that all scores, slices and tests are made of.

    Attributes:
        km: error (n,), NaN where the place or the point is unknown.
        rank: rank of the true country (n,) from 1, inf where it was not named, NaN where unknown.
        city_rank: likewise for the city.
        answered: bool (n,), did not abstain.
        region_rank: likewise for the region; all NaN where regions were not judged.
        log_score: log-probability of the true country in nats (n,), NaN where that is unknown or
            the system gives no probabilities.
        countries: true country of each photo, "" where unknown.
        named: country, region, city → the most names that the system gave of one photo.
        notes: what was derived from what, one line each.
        first_countries: country of each photo's first answer, by its code where it has one; that of
            its point where the system names none; "" where there is none.
    """

    km: FloatArray
    rank: FloatArray
    city_rank: FloatArray
    answered: npt.NDArray[np.bool_]
    region_rank: FloatArray = field(default_factory=lambda: np.empty(0))
    log_score: FloatArray = field(default_factory=lambda: np.empty(0))
    countries: StringArray = field(default_factory=lambda: np.empty(0, dtype=np.str_))
    named: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    first_countries: StringArray = field(default_factory=lambda: np.empty(0, dtype=np.str_))

    def __post_init__(self) -> None:
        for name in ("region_rank", "log_score"):
            if len(getattr(self, name)) == 0:
                object.__setattr__(self, name, np.full(len(self.km), np.nan))

    def take(self, rows: npt.NDArray[np.int64]) -> Outcomes:
        """The given rows."""
        return Outcomes(
            self.km[rows],
            self.rank[rows],
            self.city_rank[rows],
            self.answered[rows],
            self.region_rank[rows],
            self.log_score[rows],
            self.countries[rows] if len(self.countries) else self.countries,
            self.named,
            self.notes,
            self.first_countries[rows] if len(self.first_countries) else self.first_countries,
        )


def outcomes(
    predictions: Predictions, truth: Truth, distance: Distance = sphere.haversine
) -> Outcomes:
    """Judge each photo; both tables on the same rows.

    A photo with a place but no point (it abstained) is the furthest possible error: half the
    Earth's circumference. Leaving it out would reward silence. A system that names no countries is
    judged by those its points lie in, as OSV-5M does.

    Args:
        predictions: of one system.
        truth: the photos.
        distance: between two arrays (n, 2), km.
    """
    if len(predictions) != len(truth):
        raise GraticuleError(f"{len(predictions)} predictions for {len(truth)} photos")
    located = truth.located
    km = np.full(len(truth), np.nan)
    given = np.isfinite(predictions.latlon).all(axis=1)
    sound = given & (np.abs(predictions.latlon[:, 0]) <= 90)
    both = located & sound
    if both.any():
        km[both] = distance(predictions.latlon[both], truth.latlon[both])
    if given.any():
        km[located & ~sound] = sphere.HALF_CIRCUMFERENCE_KM
    notes: list[str] = []
    countries = truth.countries()
    lands = predictions.countries
    if not any(lands) and given.any():
        lands = _countries_at(predictions.latlon, sound)
        notes.append("no country was named: judged by the country that the point lies in")
    regions = predictions.regions
    if not any(regions) and given.any():
        regions = _regions_at(predictions.latlon, sound)
        notes.append("no region was named: judged by the region that the point lies in")
    return Outcomes(
        km,
        _ranks(lands, countries, country_key),
        _ranks(predictions.cities, truth.column("city"), place_key),
        ~predictions.abstained,
        _region_ranks(regions, truth),
        _log_scores(predictions, countries),
        countries,
        {
            what: max(map(len, names), default=0)
            for what, names in (
                ("country", lands),
                ("region", regions),
                ("city", predictions.cities),
            )
        },
        tuple(notes),
        np.array([country_key(choices[0]) if choices else "" for choices in lands], dtype=np.str_),
    )


def _countries_at(latlon: FloatArray, sound: npt.NDArray[np.bool_]) -> Names:
    from graticule import atlas

    codes = np.full(len(latlon), "", dtype="<U2")
    codes[sound] = atlas.countries(latlon[sound])
    return _alone(codes.tolist())


def _regions_at(latlon: FloatArray, sound: npt.NDArray[np.bool_]) -> Names:
    from graticule import atlas

    names = np.full(len(latlon), "", dtype=object)
    names[sound] = atlas.regions(latlon[sound])[1]
    return _alone(names.tolist())


def _alone(names: list[str]) -> Names:
    """Each name as a photo's only choice; photos of one place share one tuple."""
    shared: dict[str, tuple[str, ...]] = {"": ()}
    return tuple(shared.setdefault(name, (name,)) for name in names)


def _region_ranks(named: Names, truth: Truth) -> FloatArray:
    """By the atlas's name of the true region or by the manifest's own, whichever was said first."""
    if not any(named):
        return np.full(len(truth), np.nan)
    ours = _ranks(named, regions_of(truth), place_key)
    stated = _ranks(named, truth.column("region"), place_key)
    return np.fmin(ours, stated)


def _ranks(
    named: Sequence[Sequence[str]], truth: StringArray, key: Callable[[str], str]
) -> FloatArray:
    if not any(named):
        return np.full(len(truth), np.nan)
    out = np.full(len(truth), np.inf)
    for row, (choices, true) in enumerate(zip(named, truth.tolist(), strict=True)):
        if not true:
            out[row] = np.nan
            continue
        wanted = key(true)
        for place, choice in enumerate(choices, 1):
            if key(choice) == wanted:
                out[row] = place
                break
    return out


def _log_scores(predictions: Predictions, truth: StringArray) -> FloatArray:
    """Logarithmic score (Good 1952); probabilities are known to four digits, and floored there.

    So is a photo without probabilities, of a system that gives them: silence earns nothing.
    """
    out = np.full(len(truth), np.nan)
    if not any(predictions.shares):
        return out
    for row, (shares, choices, true) in enumerate(
        zip(predictions.shares, predictions.countries, truth.tolist(), strict=True)
    ):
        if not true:
            continue
        wanted = country_key(true)
        said = (p for p, code in zip(shares, choices, strict=False) if country_key(code) == wanted)
        out[row] = np.log(max(next(said, 0.0), _LEAST_SHARE))
    return out


@dataclass(frozen=True)
class Score:
    """One line of a report: a score, on how many photos and clusters, and with which interval.

    Attributes:
        name: of the score.
        unit: ``%``, ``km``, ``km²``, ``of 5000``, ``nats`` or "".
        estimate: over photos (micro).
        photos: how many judge it.
        clusters: independent witnesses among them.
        by_country: the mean over countries of each country's value (macro), where it is a mean.
    """

    name: str
    unit: str
    estimate: Estimate
    photos: int
    clusters: int
    by_country: Estimate | None = None


@dataclass
class _Sheet:
    """Columns that are drawn again together, each photo's weight the same in all."""

    resampler: Resampler
    countries: StringArray
    lines: list[tuple[str, str, FloatArray, bool, bool]] = field(default_factory=list)

    def mean(self, name: str, unit: str, column: FloatArray, *, macro: bool = False) -> None:
        self.lines.append((name, unit, column, False, macro))

    def median(self, name: str, unit: str, column: FloatArray) -> None:
        self.lines.append((name, unit, column, True, False))

    def scores(self) -> list[Score]:
        lines = [line for line in self.lines if np.isfinite(line[2]).any()]
        means = [column for *_, column, middle, _ in lines if not middle]
        medians = [column for *_, column, middle, _ in lines if middle]
        drawn = self.resampler.draw(np.column_stack(means) if means else (), medians)
        out, at = [], [0, 0]
        macros = self._macros([(unit, c) for _, unit, c, _, macro in lines if macro])
        for name, unit, column, middle, macro in lines:
            known = np.isfinite(column)
            samples = drawn[middle][:, at[middle]]
            at[middle] += 1
            value = np.median(column[known]) if middle else np.mean(column[known])
            clusters = self.resampler.witnesses(column)
            estimate = Estimate.of_share if unit == "%" and not middle else Estimate.of
            out.append(
                Score(
                    name,
                    unit,
                    estimate(float(value), samples, clusters),
                    int(known.sum()),
                    clusters,
                    next(macros) if macro else None,
                )
            )
        return out

    def _macros(self, columns: list[tuple[str, FloatArray]]) -> Iterator[Estimate | None]:
        """Countries are what is drawn again: how does a country at random fare?"""
        codes, index = np.unique(self.countries, return_inverse=True)
        named = codes != ""
        for unit, column in columns:
            known = np.isfinite(column)
            count = np.bincount(index[known], minlength=len(codes))
            with np.errstate(invalid="ignore"):
                means = np.bincount(index[known], column[known], minlength=len(codes)) / count
            means = means[named & (count > 0)]
            if not len(means):
                yield None
                continue
            samples = Resampler.over(len(means), seed=self.resampler.seed).means(means)[:, 0]
            estimate = Estimate.of_share if unit == "%" else Estimate.of
            yield estimate(float(means.mean()), samples, len(means))


def all_scores(
    found: Outcomes, predictions: Predictions, truth: Truth, resampler: Resampler
) -> list[Score]:
    """Everything a report's first table shows, in its order."""
    countries = found.countries if len(found.countries) else truth.countries()
    sheet = _Sheet(resampler, countries)
    _add_distances(sheet, found.km)
    for what, rank in (
        ("country", found.rank),
        ("region", found.region_rank),
        ("city", found.city_rank),
    ):
        _add_ranks(sheet, what, rank, found.named.get(what, 0), macro=what == "country")
    sheet.mean("log score of the country", "nats", found.log_score)
    for share, area in sorted(predictions.area_km2.items()):
        sheet.median(f"smallest area with {share} % of the belief, median", "km²", area)
    _add_coverage(sheet, found.km, predictions.radius_km)
    _add_answered(sheet, found)
    return sheet.scores()


def distance_scores(km: FloatArray, resampler: Resampler) -> list[Score]:
    """Accuracy at the five thresholds, median and mean km, GeoScore."""
    sheet = _Sheet(resampler, np.full(len(km), ""))
    _add_distances(sheet, km, macro=False)
    return sheet.scores()


def coverage_scores(
    km: FloatArray, radius_km: Mapping[int, FloatArray], resampler: Resampler
) -> list[Score]:
    """Share of true places inside each stated radius, beside what the radius promises."""
    sheet = _Sheet(resampler, np.full(len(km), ""))
    _add_coverage(sheet, km, radius_km)
    return sheet.scores()


def _add_distances(sheet: _Sheet, km: FloatArray, *, macro: bool = True) -> None:
    known = np.isfinite(km)
    for limit in metrics.THRESHOLDS_KM:
        inside = np.where(known, 100.0 * (km <= limit), np.nan)
        sheet.mean(f"within {limit:g} km", "%", inside, macro=macro)
    sheet.median("median error", "km", km)
    sheet.mean("mean error", "km", km, macro=macro)
    sheet.mean("GeoScore", "of 5000", metrics.geoscores(km), macro=macro)


def _add_ranks(sheet: _Sheet, what: str, rank: FloatArray, named: int, *, macro: bool) -> None:
    """Top-k as far as ``named`` names go: the fifth of one name would be the first again."""
    known = ~np.isnan(rank)
    for k, before in zip(TOP_K, (0, *TOP_K), strict=False):
        if k > 1 and named <= before:
            break
        right = np.where(known, 100.0 * (rank <= k), np.nan)
        sheet.mean(f"{what} top-{k}", "%", right, macro=macro)
    if named < 2:
        return
    reciprocal = np.where(known, 1.0 / np.where(known, rank, 1.0), np.nan)
    sheet.mean(f"{what} mean reciprocal rank", "", reciprocal, macro=macro)


def _add_answered(sheet: _Sheet, found: Outcomes) -> None:
    """How many photos it would answer, and where it stops short of all, how good those are."""
    answered = found.answered
    sheet.mean("answered", "%", np.where(answered, 100.0, 0.0))
    if answered.all() or not answered.any():
        return
    km = np.where(answered, found.km, np.nan)
    rank = np.where(answered, found.rank, np.nan)
    right = np.where(np.isnan(rank), np.nan, 100.0 * (rank <= 1))
    inside = np.where(np.isnan(km), np.nan, 100.0 * (km <= 200))
    sheet.mean("answered: country top-1", "%", right)
    sheet.mean("answered: within 200 km", "%", inside)
    sheet.median("answered: median error", "km", km)
    sheet.mean("answered: GeoScore", "of 5000", metrics.geoscores(km))


def _add_coverage(sheet: _Sheet, km: FloatArray, radius_km: Mapping[int, FloatArray]) -> None:
    for level, radius in sorted(radius_km.items()):
        known = np.isfinite(km) & np.isfinite(radius)
        inside = np.where(known, 100.0 * (km <= radius), np.nan)
        sheet.mean(f"coverage of the {level} % radius", "%", inside)
        sheet.median(
            f"{level} % radius, median", "km", np.where(np.isfinite(radius), radius, np.nan)
        )
