"""How S6 chooses its own parts: on training photos held out of inner folds, never on judged ones.

The folds are of the kind the model is meant for: sources it has not seen (``folds``: the manifest's
column of that name, else whole sources), or more photos like those it has (``groups``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from graticule import calibration as fitting
from graticule import metrics, sphere
from graticule.belief import Belief
from graticule.calibration import Calibration
from graticule.cells.partition import Partition
from graticule.systems.default_settings import ChooseSettings, Settings
from graticule.systems.plan import Rows

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

#: Inner folds where the manifest has no column ``fold``.
FOLDS = 4
#: Fewer held-out photos with a place than this calibrate nothing.
FEWEST = 30
#: No more than this share falls silent for want of evidence.
_SILENT = 0.05
#: Held-out photos that the width of the kernel is chosen on, about.
_WIDTHS_ON = 500


@dataclass(frozen=True)
class Parts:
    """What S6 is made of, but for its cells.

    Attributes:
        balance: powers by which photos of one source and of one country count less.
        weight: of the votes of alike training photos.
        sharpness: of these votes.
        power: of the prior.
        smooth_km: τ of labels smoothed by distance, nought for plain ones; None leaves that to the
            recipe's loss.
        scenes: weight of what the photo's scene says of countries.
    """

    balance: Mapping[str, float]
    weight: float
    sharpness: float
    power: float
    smooth_km: float | None = None
    scenes: float = 0.0


@dataclass(frozen=True)
class HeldOut:
    """What inner models said of training photos they did not see.

    Attributes:
        rows: int64 (m,) of the manifest.
        country: log-probabilities (m, countries).
        city: (m, cities).
    """

    rows: IntArray
    country: Float32Array
    city: Float32Array


def combinations(settings: Settings) -> list[Parts]:
    """Every combination that ``choose`` lists; what it does not list is as the recipe fixes it."""
    wanted = settings.choose or ChooseSettings()
    return [
        Parts(
            balance.model_dump(exclude_unset=True), votes.weight, votes.sharpness, power, tau, scene
        )
        for balance, tau, votes, power, scene in itertools.product(
            wanted.balance or (settings.balance,),
            wanted.smooth_km or (settings.smooth_km,),
            wanted.memory or (settings.memory,),
            wanted.power or (settings.prior.power,),
            wanted.scene_weight or (settings.scene_weight,),
        )
    ]


def inner_folds(
    rows: Rows, by: Literal["folds", "groups"], sources: npt.NDArray[np.str_]
) -> IntArray:
    """The inner fold of each training row, −1 for all others.

    Photos of one source, where no other can be held out, are divided by groups.
    """
    train = np.flatnonzero(rows.train)
    out = np.full(len(rows), -1, dtype=np.int64)
    group = np.where(rows.column("group") == "", rows.column("path"), rows.column("group"))[train]
    if by == "groups":
        _, unit = np.unique(group, return_inverse=True)
        out[train] = np.random.default_rng(3).integers(0, FOLDS, unit.max() + 1)[unit]
        return out
    named = rows.column("fold")[train]
    if len(np.unique(named[named != ""])) >= 3:
        # Photos without a fold are learned from in every inner fold.
        names, index = np.unique(named, return_inverse=True)
        out[train] = np.where(named == "", -1, index - (names[0] == ""))
        return out
    names, unit, count = np.unique(sources[train], return_inverse=True, return_counts=True)
    if len(names) < 2:
        return inner_folds(rows, "groups", sources)
    # The largest source first, each into the emptiest fold.
    load, home = np.zeros(min(FOLDS, len(names))), np.zeros(len(names), dtype=np.int64)
    for number in np.argsort(-count, kind="stable"):
        home[number] = int(load.argmin())
        load[home[number]] += count[number]
    out[train] = home[unit]
    return out


def best_of(
    tried: Sequence[tuple[Parts, HeldOut]], country: IntArray, sources: npt.NDArray[np.str_]
) -> int:
    """Which combination names countries best.

    By the mean reciprocal rank; each source weighs by the square root of its photos: a large one
    must not decide alone, and neither must a tiny one.
    """
    values = []
    for _, held in tried:
        known = country[held.rows] >= 0
        rank = metrics.ranks(held.country[known], country[held.rows[known]])
        _, source, count = np.unique(
            sources[held.rows[known]], return_inverse=True, return_counts=True
        )
        values.append(float(np.average(1 / rank, weights=count[source] ** -0.5)))
    return int(np.argmax(np.round(values, 6)))


def fit(
    held: HeldOut,
    cities: Partition,
    rows: Rows,
    country: IntArray,
    clusters: npt.NDArray[np.str_],
    widths: Sequence[float],
) -> Calibration:
    """Width of the point's kernel, radii and abstention, on held-out photos at their temperature.

    Args:
        held: what inner models said.
        cities: the fine cells.
        rows: the manifest.
        country: (n,) of its rows.
        clusters: (n,) labels of dependent rows.
        widths: to choose from, km.
    """
    own = country[held.rows] >= 0
    belief = Belief(cities, held.city)
    place = rows.latlon[held.rows]
    located = np.flatnonzero(np.isfinite(place).all(axis=1))
    if len(located) < FEWEST:
        return Calibration(point_km=float(widths[0]))
    width = _best_width(belief[located], place[located], widths)
    points = fitting.pick_points(belief[located], width)
    prior = belief.p.mean(axis=0)
    gain = fitting.gain(belief, prior)
    return Calibration(
        calibrated=True,
        point_km=width,
        radius_mass=dict(
            fitting.fit_radii(belief[located], place[located], points, clusters[held.rows[located]])
        ),
        prior={"cities": [round(float(x), 7) for x in prior]},
        min_gain=float(np.quantile(gain, _SILENT)),
        fitted_on={
            "photos": int(own.sum()),
            "placed": len(located),
            "clusters": len(np.unique(clusters[held.rows[located]])),
            "held_out": "inner folds of the training photos",
        },
    )


def _best_width(belief: Belief[Partition], place: FloatArray, widths: Sequence[float]) -> float:
    """The narrowest width whose points come within a fiftieth of the highest mean GeoScore.

    GeoScore hardly sees what a wide kernel costs near by: the point is a mean of cells, and stands
    between two towns where it could stand in one.
    """
    if len(widths) == 1:
        return float(widths[0])
    widths = sorted(widths)
    # Enough to tell widths apart, and every source still has its share.
    some = np.arange(0, len(belief), max(1, len(belief) // _WIDTHS_ON))
    belief, place = belief[some], place[some]

    def score(width: float) -> float:
        points = fitting.pick_points(belief, width, candidates=32)
        return float(metrics.geoscores(sphere.haversine(points, place)).mean())

    scores = np.array([score(float(width)) for width in widths])
    return float(widths[int(np.argmax(scores >= 0.98 * scores.max()))])


def by_heads(parts: Sequence[Parts]) -> Iterator[list[Parts]]:
    """Combinations that share their heads: those of one balance and one smoothing of labels."""
    for _, group in itertools.groupby(
        parts, key=lambda part: (sorted(part.balance.items()), part.smooth_km)
    ):
        yield list(group)
