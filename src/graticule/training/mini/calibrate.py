"""Temperature, radii and the thresholds of silence, from held-out sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import calibration, sphere
from graticule.belief import Belief
from graticule.calibration import LEVELS, Calibration
from graticule.cells.partition import Partition
from graticule.verdicts.fit import fit_verdicts
from graticule.verdicts.limits import Verdicts

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Photos of one source that calibration listens to: it is for sources nobody has seen.
_MOST = 150
#: Share of outdoor photos that may fall silent as indoors, and of photos as drawings.
_FALSE_SILENCE = 0.02
#: No more than this share falls silent for want of evidence.
_MOST_SILENT = 0.1


@dataclass(frozen=True)
class Held:
    """What held-out models said, and the truth.

    Attributes:
        countries: belief over countries (n rows), with the prior.
        cities: belief over cities and rests.
        truth: (n,) true country.
        latlon: (n, 2) true place, NaN where unknown.
        source: (n,) where the photo is from.
        fold: (n,) which model spoke.
        cluster: (n,) photos of one place share one.
    """

    countries: Belief[Partition]
    cities: Belief[Partition]
    truth: IntArray
    latlon: FloatArray
    source: npt.NDArray[np.str_]
    fold: IntArray
    cluster: npt.NDArray[np.str_]


def even_rows(source: npt.NDArray[np.str_], most: int = _MOST) -> IntArray:
    """At most ``most`` rows of each source, evenly spaced."""
    kept = []
    for name in np.unique(source):
        mine = np.flatnonzero(source == name)
        kept.append(mine[np.linspace(0, len(mine) - 1, min(most, len(mine))).astype(int)])
    return np.sort(np.concatenate(kept))


def fit(
    held: Held, indoor: FloatArray, outdoor: npt.NDArray[np.bool_], flatness: FloatArray
) -> tuple[Calibration, dict[str, Any]]:
    """The calibration, and the table of nominal against measured coverage.

    Args:
        held: held-out beliefs and truths.
        indoor: probability of indoors of scene photos, by heads that did not see them.
        outdoor: whether each of those is outdoors.
        flatness: of photos, see `graticule.photos.nature`.
    """
    even = even_rows(held.source)
    temperature = calibration.fit_temperature(held.countries.log_p[even], held.truth[even])
    found = Calibration(
        calibrated=True, temperatures={"countries": temperature, "cities": temperature}
    )
    belief = found.temper("cities", held.cities)
    countries = found.temper("countries", held.countries)
    placed = even[np.isfinite(held.latlon[even]).all(axis=1)]
    width = _best_width(belief[placed], held.latlon[placed])
    points = calibration.pick_points(belief, width)
    masses = calibration.fit_radii(
        belief[placed], held.latlon[placed], points[placed], held.cluster[placed]
    )
    prior = countries.p[even].mean(axis=0)
    gain = calibration.gain(countries, prior)
    low = _quiet_below(gain[even], countries[even], held.truth[even], prior)
    # Countries first: what a photo says at all is measured by them.
    priors = {"countries": _rounded(prior), "cities": _rounded(belief.p[even].mean(axis=0))}
    beliefs = {"countries": countries, "cities": belief}
    verdicts = fit_verdicts_of(held, beliefs, priors, placed[gain[placed] >= low])
    done = found.model_copy(
        update={
            "point_km": width,
            "radius_mass": dict(masses),
            "prior": priors,
            "min_gain": low,
            "max_indoor": float(np.quantile(indoor[outdoor], 1 - _FALSE_SILENCE)),
            "max_flatness": float(np.quantile(flatness, 1 - _FALSE_SILENCE / 4)),
            "verdicts": verdicts.model_dump(mode="json"),
            "fitted_on": {
                "photos": len(even),
                "placed": len(placed),
                "clusters": len(np.unique(held.cluster[placed])),
                "sources": len(np.unique(held.source[even])),
                "held_out": "leave-sources-out, five folds",
            },
        }
    )
    measured = coverage(held, belief, points, placed)
    km = sphere.haversine(points[placed], held.latlon[placed])
    silent = gain < low
    return done, {
        "coverage": measured,
        "median_km": round(float(np.median(km)), 1),
        "within_km": {
            str(k): round(100 * float((km <= k).mean()), 2) for k in (25, 200, 750, 2500)
        },
        "silent_share": round(100 * float(silent[even].mean()), 2),
        "temperature": round(temperature, 3),
        "verdicts": verdicts.model_dump(mode="json"),
    }


def fit_verdicts_of(
    held: Held,
    beliefs: Mapping[str, Belief[Partition]],
    priors: Mapping[str, npt.ArrayLike],
    rows: IntArray,
) -> Verdicts:
    """Limits of verdicts on some rows; each fold of sources is judged by limits of the others."""
    return fit_verdicts(
        {task: belief[rows] for task, belief in beliefs.items()},
        priors,
        held.latlon[rows],
        held.cluster[rows],
        folds=held.fold[rows],
    )


def _rounded(prior: npt.NDArray[np.float32]) -> list[float]:
    return [round(float(p), 6) for p in prior]


def coverage(
    held: Held, belief: Belief[Partition], points: FloatArray, placed: IntArray
) -> dict[str, dict[str, Any]]:
    """Nominal coverage → measured, each fold with masses fitted on the other four.

    Two figures: each place weighing as one, and each photo as one.
    """
    inside = {level: np.zeros(len(placed), bool) for level in LEVELS}
    radius = {level: np.zeros(len(placed)) for level in LEVELS}
    km = sphere.haversine(points[placed], held.latlon[placed])
    for fold in np.unique(held.fold[placed]):
        test = held.fold[placed] == fold
        fitted, spoken = placed[~test], placed[test]
        masses = calibration.fit_radii(
            belief[fitted], held.latlon[fitted], points[fitted], held.cluster[fitted]
        )
        for level, mass in masses.items():
            far = calibration.radii_holding(belief[spoken], points[spoken], [mass])[:, 0]
            radius[level][test] = far
            inside[level][test] = km[test] <= far
    _, place, size = np.unique(held.cluster[placed], return_inverse=True, return_counts=True)
    weight = 1 / size[place]
    return {
        str(level): {
            "places": round(100 * float(np.average(inside[level], weights=weight)), 1),
            "photos": round(100 * float(inside[level].mean()), 1),
            "median_radius_km": round(float(np.median(radius[level]))),
        }
        for level in LEVELS
    }


def _best_width(belief: Belief[Partition], truth: FloatArray) -> float:
    widths = (100.0, 250.0, 500.0, 1000.0, 2000.0)
    error = [
        float(np.log1p(sphere.haversine(calibration.pick_points(belief, w), truth)).mean())
        for w in widths
    ]
    return widths[int(np.argmin(error))]


def _quiet_below(
    gain: FloatArray, belief: Belief[Partition], truth: IntArray, prior: FloatArray
) -> float:
    """The gain below which photos name the country no better than the prior does.

    The photos of lowest gain, as many as are right within the first five no more often than the
    prior's first five are for them.
    """
    top, _ = belief.top(5)
    hit = (top == truth[:, None]).any(axis=1)
    common = np.isin(truth, np.argsort(-prior, kind="stable")[:5])
    order = np.argsort(gain, kind="stable")
    more = np.cumsum(hit[order].astype(int) - common[order].astype(int))
    most = int(_MOST_SILENT * len(order))
    few = max(10, len(order) // 50)
    no_better = np.flatnonzero(more[few:most] <= 0)
    return float(gain[order[few + no_better[-1]]]) if len(no_better) else float(gain[order[few]])
