"""Does a claimed place agree with the picture? A likelihood ratio under the calibrated belief.

The belief says how probable each cell is; the claim is a disc on the ground. Three numbers say how
the claim fares: the likelihood ratio of the claim against everywhere else, the share of the prior
that fits at least as well, and the rank of the claimed country. The verdict compares the second
with thresholds that were fitted on held-out photos to stated false-alarm rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.belief import Belief
from graticule.calibration import extents_km
from graticule.cells.partition import Partition
from graticule.errors import GraticuleError
from graticule.locate.engine import Engine
from graticule.locate.sun import DARK, range_of_day
from graticule.photos.exif import Metadata

FloatArray = npt.NDArray[np.float64]
Verdict = Literal["agrees", "can't tell", "contradicts"]

#: A claim is a place, not a point: a claim of a city means anywhere in it.
CLAIM_KM = 25.0


@dataclass(frozen=True)
class Thresholds:
    """Where the verdicts begin, on the fit of a claim (share of places that fit no better).

    Attributes:
        contradicts: a fit at or below this contradicts; that share of true claims is wrongly
            called a contradiction.
        agrees: a fit at or above this agrees; at that bound the share of false claims that pass
            is ``false_agreement``.
        false_alarm: rate of true claims called contradictions, on held-out photos.
        false_agreement: rate of false claims called agreement, likewise.
        fitted_on: claims that the two rates were measured on.
    """

    contradicts: float
    agrees: float
    false_alarm: float
    false_agreement: float
    fitted_on: int

    def as_numbers(self) -> dict[str, float]:
        """As `calibration.json` keeps them."""
        return asdict(self)

    @classmethod
    def of(cls, numbers: Mapping[str, float]) -> Thresholds:
        """From `calibration.json`.

        Raises:
            GraticuleError: the model was never calibrated for verdicts.
        """
        if not numbers:
            raise GraticuleError(
                "this model has no thresholds for verdicts yet: graticule calibrate fits them on "
                "photos of known places"
            )
        return cls(
            contradicts=numbers["contradicts"],
            agrees=numbers["agrees"],
            false_alarm=numbers["false_alarm"],
            false_agreement=numbers["false_agreement"],
            fitted_on=int(numbers["fitted_on"]),
        )


@dataclass(frozen=True)
class Finding:
    """How one claim fares.

    Attributes:
        log_ratio: natural log of p(photo | claim) / p(photo | anywhere else): the belief's odds of
            the claim over the prior's.
        fit: share of the prior's mass that fits no better than the claim, 0…1; a true claim is
            spread evenly over it if the belief is calibrated and sharp nowhere.
        as_good: share of places (by the prior) that fit at least as well.
        verdict: agrees, can't tell, contradicts.
        cell: the claim's cell, "" where the model has none near.
        top_cell: the likeliest cell.
        km_to_top: from the claim to that cell's center.
    """

    log_ratio: float
    fit: float
    as_good: float
    verdict: Verdict
    cell: str
    top_cell: str
    km_to_top: float


def evidence(
    belief: Belief[Partition], prior: npt.ArrayLike, claims: FloatArray, claim_km: float = CLAIM_KM
) -> tuple[FloatArray, FloatArray]:
    """Log likelihood ratio and fit of each photo's claim.

    By Bayes, p(photo | cell) ∝ p(cell | photo) / p(cell). The likelihood of a claim is the mean of
    that over the cells it touches, weighted by the prior and by how much of them it covers.

    Args:
        belief: over the cells, n photos.
        prior: (cells,) probabilities when no photo is seen; what training made likely.
        claims: float64 (n, 2) degrees.
        claim_km: radius of the claimed disc.

    Returns:
        Log ratios (n,) and fits (n,), the share of the prior whose likelihood is below the claim's.
    """
    base = np.maximum(np.asarray(prior, dtype=np.float64), 1e-9)
    base = base / base.sum()
    likelihood = np.exp(belief.log_p.astype(np.float64)) / base
    ratios, fits = np.empty(len(belief)), np.empty(len(belief))
    extent = extents_km(belief.over)
    for rows, km in belief.over.distances(claims):
        touch = np.clip((claim_km + extent - km) / (2 * np.minimum(claim_km, extent)), 0.0, 1.0)
        # A claim between all cells is judged by the nearest of them.
        alone = touch.sum(axis=1) == 0
        touch[alone, np.argmin(km[alone] - extent, axis=1)] = 1.0
        weight = touch * base
        share = weight.sum(axis=1)
        part = likelihood[rows]
        claimed = (part * weight).sum(axis=1) / share
        elsewhere = (1.0 - (part * weight).sum(axis=1)) / np.maximum(1.0 - share, 1e-9)
        ratios[rows] = np.log(np.maximum(claimed, 1e-12) / np.maximum(elsewhere, 1e-12))
        fits[rows] = ((part < claimed[:, None] * (1 - 1e-9)) * base).sum(axis=1)
    return ratios, fits


def judge(fit: float, thresholds: Thresholds) -> Verdict:
    """The verdict on one fit."""
    if fit <= thresholds.contradicts:
        return "contradicts"
    return "agrees" if fit >= thresholds.agrees else "can't tell"


def fit_thresholds(
    true_fits: npt.ArrayLike,
    false_fits: npt.ArrayLike,
    *,
    false_alarm: float = 0.05,
    false_agreement: float = 0.05,
) -> Thresholds:
    """Thresholds at stated rates, on held-out photos with true and with moved claims.

    Args:
        true_fits: fits of true claims (n,).
        false_fits: fits of claims moved elsewhere (m,).
        false_alarm: share of true claims that may be called contradictions.
        false_agreement: share of false claims that may be called agreement.

    Raises:
        GraticuleError: there are fewer than 20 of either.
    """
    true, false = np.sort(np.asarray(true_fits)), np.sort(np.asarray(false_fits))
    if min(len(true), len(false)) < 20:
        raise GraticuleError(
            f"verdicts need at least 20 true and 20 false claims, got {len(true)} and {len(false)}"
        )
    contradicts = _below(true, false_alarm)
    agrees = max(-_below(np.sort(-false), false_agreement), float(np.nextafter(contradicts, 2.0)))
    return Thresholds(
        contradicts,
        agrees,
        float((true <= contradicts).mean()),
        float((false >= agrees).mean()),
        len(true) + len(false),
    )


def _below(values: FloatArray, rate: float) -> float:
    """The largest bound that at most ``rate`` of sorted values, and of a new one, are at or below.

    Conformal: the ⌊rate·(n + 1)⌋-th smallest. Where values tie there, the next lower one; −2, below
    every fit and every fit's negative, where no value will do.
    """
    k = int(np.floor(rate * (len(values) + 1)))
    if k < 1:
        return -2.0
    bound = values[k - 1]
    if k < len(values) and values[k] == bound:
        lower = values[values < bound]
        return float(lower[-1]) if len(lower) else -2.0
    return float(bound)


def find(
    belief: Belief[Partition],
    prior: npt.ArrayLike,
    claims: FloatArray,
    thresholds: Thresholds,
    claim_km: float = CLAIM_KM,
) -> list[Finding]:
    """Judge one claim for each photo.

    Raises:
        GraticuleError: a claim is no place on Earth.
    """
    places = sphere.as_latlon(claims)
    if len(places) != len(belief):
        raise GraticuleError(f"{len(places)} claims for {len(belief)} photos")
    ratios, fits = evidence(belief, prior, places, claim_km)
    own = _nearest(belief.over, places)
    top = belief.top(1)[0][:, 0]
    km = sphere.haversine(places, belief.over.centers[top])
    ids = belief.over.ids
    return [
        Finding(
            float(ratios[i]),
            float(fits[i]),
            float(1 - fits[i]),
            judge(float(fits[i]), thresholds),
            ids[own[i]],
            ids[top[i]],
            float(km[i]),
        )
        for i in range(len(belief))
    ]


def roc_auc(true_scores: npt.ArrayLike, false_scores: npt.ArrayLike) -> float:
    """Area under the ROC curve of scores that should be higher for true claims (Mann–Whitney)."""
    from scipy.stats import rankdata

    true, false = np.asarray(true_scores), np.asarray(false_scores)
    ranks = rankdata(np.concatenate([true, false]))
    n, m = len(true), len(false)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))


def detection_rate(
    true_scores: npt.ArrayLike, false_scores: npt.ArrayLike, false_alarm: float
) -> float:
    """Share of false claims found where ``false_alarm`` of the true ones are wrongly accused."""
    threshold = np.quantile(np.asarray(true_scores), false_alarm)
    return float((np.asarray(false_scores) < threshold).mean())


def _nearest(partition: Partition, places: FloatArray) -> Sequence[int]:
    extent = extents_km(partition)
    out: list[int] = []
    for _, km in partition.distances(places):
        out += np.argmin(km - extent, axis=1).tolist()
    return out


def check_photo(engine: Engine, path: Path, claim: tuple[float, float]) -> dict[str, Any]:
    """One photo and one claim, as JSON values: the picture's word, and the metadata's apart.

    Raises:
        GraticuleError: the photo cannot be read, or the model has no fitted verdicts.
    """
    fitted = engine.calibration
    thresholds = Thresholds.of(fitted.verdicts)
    task = engine.system.point_task
    photo = engine.system.open(path)
    crops = [crop[None] for crop in engine.system.crops(photo.image)]
    belief = fitted.temper(task, engine.system.predict(crops).beliefs[task])
    found = find(belief, fitted.prior[task], np.array([claim]), thresholds)[0]
    return {
        "photo": photo.name,
        "claim": {"lat": claim[0], "lon": claim[1]},
        "verdict": found.verdict,
        "likelihood_ratio": float(f"{np.exp(found.log_ratio):.3g}"),
        "as_good": round(found.as_good, 4),
        "cell": found.cell,
        "top_cell": found.top_cell,
        "km_to_top": round(found.km_to_top, 1),
        "false_alarm": round(thresholds.false_alarm, 4),
        "false_agreement": round(thresholds.false_agreement, 4),
        "metadata": metadata_words(photo.metadata, claim),
    }


def metadata_words(metadata: Metadata, claim: tuple[float, float]) -> list[str]:
    """What a file's metadata says of a claim, one line each: GPS, and the sun at capture time."""
    words = []
    if metadata.lat is not None and metadata.lon is not None:
        km = float(sphere.haversine((metadata.lat, metadata.lon), claim))
        words.append(f"GPS lies {km:,.1f} km from the claim")
    if metadata.captured_at is not None:
        heights = range_of_day(claim, metadata.captured_at)
        if heights is not None:
            low, high = heights
            span = f"{low:.0f}°" if low == high else f"between {low:.0f}° and {high:.0f}°"
            dark = ": it was dark there" if high < DARK else ""
            words.append(f"taken {metadata.captured_at}, sun {span} high at the claim{dark}")
    if metadata.problem:
        words.append(metadata.problem)
    return words
