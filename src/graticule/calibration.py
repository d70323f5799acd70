"""Probabilities and radii that hold: fitted on photos no training saw, read by the engine.

A radius is conformal (Vovk, Gammerman & Shafer 2005; here split conformal with the belief's mass as
the score): for each calibration photo, the mass the belief puts nearer to its point than the true
place; for a coverage L, the quantile q of those; for a new photo, the radius that holds mass q.
It widens by itself where the belief is spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError

from graticule import files, sphere
from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.cells.places import extents_km
from graticule.errors import BundleError, GraticuleError
from graticule.novelty import FILE as NOVELTY_FILE
from graticule.novelty import Novelty

FloatArray = npt.NDArray[np.float64]

LEVELS = (50, 80, 90, 95)


class WithIndex(BaseModel):
    """What was fitted on held-out photos while an index spoke too.

    Attributes:
        fingerprint: of the index as it was; any other makes these numbers void.
        weighing: how much matches count, the fields of ``refine.neighbours.Weighing``.
        radius_mass: as in :class:`Calibration`, of the mixed belief.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    weighing: dict[str, float]
    radius_mass: dict[int, float]


class Calibration(BaseModel):
    """What was fitted on held-out photos; the defaults are those of a model nobody calibrated.

    Attributes:
        calibrated: whether anything below was fitted.
        temperatures: by task, what its logits are divided by.
        density: by task, the power of its area that each cell's weight is multiplied by; a gallery
            follows its photos, and without it one place has as many votes as points.
        point_km: width of the kernel that picks the point.
        radius_mass: coverage in percent → the mass within the radius that gave that coverage.
        prior: by task, mean probabilities over the calibration photos: what the model says of no
            photo in particular.
        min_gain: nats over the prior below which a photo says no more than the prior does.
        max_indoor: probability of indoors above which an answer abstains.
        max_flatness: share of flat pixels above which a picture is no photo.
        verdicts: of `graticule verify`, see :mod:`graticule.verdicts.limits`; empty where they were
            not fitted.
        gallery: key of the user's gallery that it was fitted with, None for the model's own cells.
        index: what was fitted beside an index of the user's photos, or None.
        country_mass: coverage in percent → mass of the likelier countries up to which a country
            belongs to the set that gave that coverage.
        radius_mass_by: ``scene`` or ``continent`` → its name as predicted → like ``radius_mass``,
            where 400 independent places stood behind it.
        novel_above: novelty above which a photo is unlike the known ones, None where it was not
            fitted.
        radius_mass_novel: like ``radius_mass``, for such photos; wider.
        country_mass_novel: like ``country_mass``, for such photos.
        risk_confidence: percent of first countries that may be wrong → the probability of the
            first country above which no more were.
        fitted_on: photos, independent places, sources, and how they were held out.
        novelty: what tells it; kept in a file of its own beside the JSON.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibrated: bool = False
    temperatures: dict[str, float] = Field(default_factory=dict)
    density: dict[str, float] = Field(default_factory=dict)
    point_km: float = Field(250.0, gt=0)
    radius_mass: dict[int, float] = Field(default_factory=lambda: {k: k / 100 for k in LEVELS})
    prior: dict[str, list[float]] = Field(default_factory=dict)
    min_gain: float = 0.0
    max_indoor: float = 1.0
    max_flatness: float = 1.0
    verdicts: dict[str, Any] = Field(default_factory=dict)
    gallery: str | None = None
    index: WithIndex | None = None
    country_mass: dict[int, float] = Field(default_factory=dict)
    radius_mass_by: dict[str, dict[str, dict[int, float]]] = Field(default_factory=dict)
    novel_above: float | None = None
    radius_mass_novel: dict[int, float] = Field(default_factory=dict)
    country_mass_novel: dict[int, float] = Field(default_factory=dict)
    risk_confidence: dict[int, float] = Field(default_factory=dict)
    fitted_on: dict[str, Any] = Field(default_factory=dict)
    novelty: InstanceOf[Novelty] | None = Field(default=None, exclude=True)

    def save(self, path: str | Path) -> None:
        """Write ``calibration.json``, and ``novelty.npz`` beside it where novelty was fitted."""
        beside = Path(path).with_name(NOVELTY_FILE)
        beside.unlink(missing_ok=True)
        if self.novelty is not None:
            self.novelty.save(beside)
        files.write_json(path, self.model_dump(mode="json"))

    @classmethod
    def load(cls, path: str | Path) -> Calibration:
        """Read ``calibration.json`` and what lies beside it.

        Raises:
            BundleError: it is not one.
        """
        try:
            found = cls.model_validate(files.read_json(path))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BundleError(f"{path}: {where}: {first['msg']}") from error
        beside = Path(path).with_name(NOVELTY_FILE)
        if found.novel_above is None or not beside.is_file():
            return found
        return found.model_copy(update={"novelty": Novelty.load(beside)})

    def beside(self, gallery: str | None) -> Calibration:
        """What is left of it when the cells are those of this gallery.

        All where it was fitted with it. Else the temperature and the radii as a first guess, and
        nothing that says it was calibrated.
        """
        if gallery == self.gallery:
            return self
        void = {"calibrated": False, "prior": {}, "min_gain": 0.0, "verdicts": {}, "index": None}
        void |= {"country_mass": {}, "radius_mass_by": {}, "novel_above": None, "novelty": None}
        void |= {"radius_mass_novel": {}, "country_mass_novel": {}, "risk_confidence": {}}
        return self.model_copy(update={**void, "gallery": gallery})

    def temper(self, task: str, belief: Belief[Partition]) -> Belief[Partition]:
        """The belief at its task's temperature, corrected for the density of its cells."""
        temperature, density = self.temperatures.get(task, 1.0), self.density.get(task, 0.0)
        return tempered(belief, temperature, density)


def tempered(
    belief: Belief[Partition], temperature: float, density: float = 0.0
) -> Belief[Partition]:
    """p^(1/temperature) · area^density, renormalised; cells without an area weigh as the mean."""
    if temperature == 1.0 and density == 0.0:
        return belief
    logits = belief.log_p.astype(np.float64) / temperature
    if density:
        logits += density * log_areas(belief.over)
    return Belief.from_logits(belief.over, logits)


def log_areas(partition: Partition) -> FloatArray:
    """Logarithms of the cells' areas in km², (n,); the mean of the others where it is not known."""
    logs = np.log(partition.areas_km2)
    known = np.isfinite(logs)
    return np.where(known, logs, logs[known].mean() if known.any() else 0.0)


def pick_points(belief: Belief[Partition], width_km: float, candidates: int = 64) -> FloatArray:
    """The point of each belief, degrees (n, 2): the densest place, then the mean near it.

    Every one of the likeliest cells is a candidate; the one with the most mass around it, weighted
    by exp(−½(d/width)²), wins, and the point is the mean of the cells within two widths of it. The
    mean of the whole belief would lie in the sea between two good guesses.
    """
    partition = belief.over
    cells, p = belief.top(min(candidates, len(partition)))
    centers = partition.centers[cells]
    vectors = sphere.unit_vectors(centers)
    # Chords of the candidates among themselves, (n, k, k): k is small, the partition is not.
    gaps = sphere.arc(
        np.linalg.norm(vectors[:, :, None, :] - vectors[:, None, :, :], axis=-1).astype(np.float64)
    )
    density = (p[:, None, :] * np.exp(-0.5 * (gaps / width_km) ** 2)).sum(axis=2)
    # Ties go to the likelier cell, which stands first.
    best = np.argmax(np.round(density, 12), axis=1)
    rows = np.arange(len(best))
    near = gaps[rows, best] <= 2 * width_km
    weight = np.where(near, p * np.exp(-0.5 * (gaps[rows, best] / width_km) ** 2), 0.0)
    mean = (vectors * weight[:, :, None]).sum(axis=1)
    return sphere.from_unit_vectors(mean)


def mass_within(belief: Belief[Partition], points: FloatArray, radius_km: FloatArray) -> FloatArray:
    """Mass of each belief within ``radius_km`` (n,) of its point, cells over their extent."""
    out = np.empty(len(belief))
    extent = extents_km(belief.over)
    for rows, km in belief.over.distances(points):
        start, end = _ramp(km, extent)
        inside = np.clip((radius_km[rows, None] - start) / (end - start), 0.0, 1.0)
        out[rows] = (belief.p[rows] * inside).sum(axis=1)
    return out


def radii_holding(
    belief: Belief[Partition], points: FloatArray, masses: Sequence[float] | FloatArray
) -> FloatArray:
    """Smallest radius around each point that holds each mass of its belief, km (n, len(masses)).

    Masses are (k,) for all photos, or (n, k).

    The inverse of :func:`mass_within`, read off a curve of mass against radius whose knots are two
    percent apart.
    """
    wanted = np.asarray(masses, dtype=np.float64)
    wanted = np.broadcast_to(wanted, (len(belief), wanted.shape[-1]))
    out = np.empty(wanted.shape)
    extent = extents_km(belief.over)
    for rows, km in belief.over.distances(points):
        for row, gaps, p in zip(range(rows.start, rows.stop), km, belief.p[rows], strict=True):
            curve = _mass_curve(p, gaps, extent)
            out[row] = np.interp(wanted[row], curve, _KNOTS_KM)
    return out


#: Radii of the knots of a mass curve.
_KNOTS_KM = np.concatenate([[0.0], np.geomspace(0.5, sphere.HALF_CIRCUMFERENCE_KM, 540)])


def _ramp(km: FloatArray, extent: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Radii between which a cell's mass comes in, evenly: from its near side to its far side."""
    return np.maximum(km - extent, 0.0), km + extent


def _mass_curve(p: npt.NDArray[np.float32], km: FloatArray, extent: FloatArray) -> FloatArray:
    """Mass within each of the knots' radii: one pass over the cells, however many knots.

    A cell's mass is the difference of two ramps, and a sum of ramps Σ w·(r − a)₊ is r·Σw − Σw·a
    over the cells with a < r.
    """
    start, end = _ramp(km, extent)
    slope = p / (end - start)
    total = np.zeros(len(_KNOTS_KM))
    for begins, sign in ((start, 1.0), (end, -1.0)):
        # The first knot at which the ramp has begun.
        knot = np.minimum(np.searchsorted(_KNOTS_KM, begins), len(_KNOTS_KM) - 1)
        slopes = np.cumsum(np.bincount(knot, slope, minlength=len(_KNOTS_KM)))
        offsets = np.cumsum(np.bincount(knot, slope * begins, minlength=len(_KNOTS_KM)))
        total += sign * (_KNOTS_KM * slopes - offsets)
    curve = np.maximum.accumulate(np.clip(total, 0.0, 1.0))
    curve[-1] = 1.0
    return np.asarray(curve)


def gain(belief: Belief[Partition], prior: npt.ArrayLike) -> FloatArray:
    """Nats that each belief says over the prior: Kullback–Leibler divergence, (n,)."""
    log_prior = np.log(np.maximum(np.asarray(prior, dtype=np.float64), 1e-12))
    log_p = belief.log_p.astype(np.float64)
    return np.asarray((np.exp(log_p) * (log_p - log_prior)).sum(axis=1))


def fit_temperature(log_p: npt.ArrayLike, truth: npt.NDArray[np.int64]) -> float:
    """The temperature that makes the log score of held-out photos best (Guo et al. 2017).

    Args:
        log_p: (n, cells) log-probabilities or logits.
        truth: (n,) true cells; rows below zero are left out.
    """
    from scipy.optimize import minimize_scalar

    known = truth >= 0
    logits, cells = np.asarray(log_p, dtype=np.float64)[known], truth[known]
    if not len(cells):
        raise GraticuleError("no held-out photo has a known cell: nothing to calibrate on")

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        top = scaled.max(axis=1, keepdims=True)
        total = np.log(np.exp(scaled - top).sum(axis=1)) + top[:, 0]
        return float((total - scaled[np.arange(len(cells)), cells]).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))


def fit_density(
    log_p: npt.NDArray[np.float32], truth: npt.NDArray[np.int64], log_area: FloatArray
) -> tuple[float, float]:
    """Temperature and power of the area that make the log score of held-out photos best.

    The score is convex in the inverse temperature and the power, so there is one best pair.

    Args:
        log_p: (n, cells) log-probabilities; read in blocks of rows, for galleries are large.
        truth: (n,) true cells; rows below zero are left out.
        log_area: (cells,) logarithms of the areas.
    """
    from scipy.optimize import minimize

    known = np.flatnonzero(truth >= 0)
    if not len(known):
        raise GraticuleError("no held-out photo has a known cell: nothing to calibrate on")
    # Areas in units of their spread: both numbers are then of one size.
    centred = log_area - log_area.mean()
    spread = float(centred.std()) or 1.0
    centred = centred / spread

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        total, slope = 0.0, np.zeros(2)
        for start in range(0, len(known), 32):
            rows = known[start : start + 32]
            own = log_p[rows].astype(np.float64)
            logits = at[0] * own + at[1] * centred
            logits -= logits.max(axis=1, keepdims=True)
            p = np.exp(logits)
            mass = p.sum(axis=1, keepdims=True)
            p /= mass
            line, cell = np.arange(len(rows)), truth[rows]
            total -= float((logits[line, cell] - np.log(mass[:, 0])).sum())
            slope[0] += float((p * own).sum() - own[line, cell].sum())
            slope[1] += float((p @ centred).sum() - centred[cell].sum())
        return total / len(known), slope / len(known)

    limits = [(0.05, 20.0), (-2.0 * spread, 2.0 * spread)]
    found = minimize(loss, np.array([1.0, 0.0]), jac=True, bounds=limits, method="L-BFGS-B")
    return float(1 / found.x[0]), float(found.x[1] / spread)


def fit_radii(
    belief: Belief[Partition],
    truth: FloatArray,
    points: FloatArray,
    clusters: npt.ArrayLike | None = None,
    levels: tuple[int, ...] = LEVELS,
) -> Mapping[int, float]:
    """The mass that a radius must hold for each coverage, on held-out photos.

    Photos of one place are not independent: with ``clusters`` each cluster weighs as one.

    Returns:
        Coverage in percent → mass, the conformal quantile ⌈(n+1)·L⌉/n of the scores.
    """
    scores = mass_within(belief, points, sphere.haversine(points, truth))
    return quantiles(scores, clusters, levels)


def quantiles(
    scores: FloatArray, clusters: npt.ArrayLike | None = None, levels: tuple[int, ...] = LEVELS
) -> dict[int, float]:
    """Conformal quantiles ⌈(n+1)·L⌉/n of masses (n,), each cluster weighing as one.

    Returns:
        Coverage in percent → the mass that this share of photos like these stays within: all of
        it where there are too few clusters to know (fewer than 19 for 95 %).
    """
    labels = np.arange(len(scores)) if clusters is None else np.asarray(clusters)
    _, index, size = np.unique(labels, return_inverse=True, return_counts=True)
    weight = 1.0 / size[index]
    order = np.argsort(scores, kind="stable")
    total = np.cumsum(weight[order])
    n = total[-1]
    found = {}
    for level in levels:
        row = int(np.searchsorted(total, level / 100 * (n + 1) - 1e-9))
        found[level] = float(scores[order[row]]) if row < len(order) else 1.0
    return found
