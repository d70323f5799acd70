"""One evaluation: audited first, scored as given and clean, sliced; as numbers and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule import metrics, sphere
from graticule.errors import GraticuleError
from graticule.evaluation import slices
from graticule.evaluation.audit import audit_tables
from graticule.evaluation.bootstrap import REPLICATES, Resampler
from graticule.evaluation.finding import Finding, clean_rows, held_against
from graticule.evaluation.leaks import NEAR_KM
from graticule.evaluation.matching import Match, match, suspicions
from graticule.evaluation.names import unknown_countries
from graticule.evaluation.predictions import Predictions
from graticule.evaluation.scores import Distance, Outcomes, Score, all_scores, outcomes
from graticule.evaluation.truth import Truth
from graticule.version import __version__

if TYPE_CHECKING:
    from graticule.photos.manifest import Manifest

#: Of a report's JSON.
SCHEMA_VERSION = 1
#: Predictions of a smaller share of the photos are of another manifest, or of some on purpose.
_LEAST_COVERED = 0.1


@dataclass(frozen=True)
class Headline:
    """The few numbers a paper prints, on some of the photos.

    Attributes:
        photos: how many there are.
        values: name and unit of a score → its value; those that cannot be had are left out.
    """

    photos: int
    values: dict[tuple[str, str], float]

    @classmethod
    def of(cls, found: Outcomes, rows: npt.NDArray[np.bool_] | None = None) -> Headline:
        """Of the given rows (n,), all by default."""
        km, rank = (found.km, found.rank) if rows is None else (found.km[rows], found.rank[rows])
        known, named = km[np.isfinite(km)], rank[~np.isnan(rank)]
        values: dict[tuple[str, str], float] = {}
        if len(known):
            for limit in (25.0, 200.0, 750.0):
                values[f"within {limit:g} km", "%"] = float(metrics.within(known, [limit])[0])
            values["median error", "km"] = float(np.median(known))
            values["GeoScore", "of 5000"] = float(metrics.geoscores(known).mean())
        if len(named):
            values["country top-1", "%"] = metrics.top_k(named, 1)
        return cls(len(km), values)

    def as_json(self) -> dict[str, float]:
        """The number of photos and each value under its name."""
        return {"photos": self.photos, **{name: value for (name, _), value in self.values.items()}}


@dataclass(frozen=True)
class Report:
    """What an evaluation found.

    Attributes:
        name: of the system.
        truth: the judged photos.
        predictions: on the same rows; silence where a photo has no row.
        found: how each photo came out.
        as_given: scores over all judged photos.
        clean: scores over those that no audit finding concerns; None where none is left.
        findings: of the audit.
        without: for each finding, the headline without its photos.
        by_slice: scores by slice.
        worst: slices found by search.
        notes: what was missing, doubled, suspected.
        matched: which photos have a row, and the names of those missing, doubled and extra.
        with_row: the headline on the photos that have a row, where others count as silence.
    """

    name: str
    truth: Truth
    predictions: Predictions
    found: Outcomes
    as_given: tuple[Score, ...]
    clean: tuple[Score, ...] | None
    findings: tuple[Finding, ...]
    without: tuple[Headline, ...]
    by_slice: tuple[slices.Slice, ...]
    worst: tuple[slices.WorstSlice, ...]
    notes: tuple[str, ...]
    matched: Match
    with_row: Headline | None = None

    def score(self, name: str, *, clean: bool = False) -> Score:
        """One score by its name.

        Raises:
            GraticuleError: the report has none of that name.
        """
        for score in (self.clean if clean else self.as_given) or ():
            if score.name == name:
                return score
        raise GraticuleError(f"no score {name!r} in the report of {self.name}")

    def as_json(self) -> dict[str, Any]:
        """Everything but the photos, as JSON values; NaN becomes null."""
        whole: dict[str, Any] = _json(
            {
                "schema_version": SCHEMA_VERSION,
                "graticule": __version__,
                "system": self.name,
                "photos": len(self.truth),
                "with_coordinates": int(self.truth.located.sum()),
                "notes": list(self.notes),
                "photos_with_a_row": len(self.matched.truth_rows),
                "headline_with_a_row": None if self.with_row is None else self.with_row.as_json(),
                "missing": list(self.matched.missing),
                "doubled": list(self.matched.doubled),
                "extra": list(self.matched.extra),
                "audit": [
                    {
                        "kind": f.kind,
                        "photos": f.count,
                        "leak": f.leak,
                        "means": f.means,
                        "spoils": f.spoils,
                        "examples": list(f.examples),
                        "headline_without": without.as_json(),
                    }
                    for f, without in zip(self.findings, self.without, strict=True)
                ],
                "clean_photos": self.clean_photos,
                "as_given": [asdict(s) for s in self.as_given],
                "clean": None if self.clean is None else [asdict(s) for s in self.clean],
                "slices": [asdict(s) for s in self.by_slice],
                "worst_slices": [asdict(w) for w in self.worst],
            }
        )
        return whole

    @property
    def clean_photos(self) -> int:
        """How many photos no finding spoils."""
        return int(clean_rows(self.findings, len(self.truth)).sum())

    def as_markdown(self) -> str:
        """The report as a page of Markdown."""
        from graticule.evaluation.markdown import markdown

        return markdown(self)


def evaluate(
    predictions: Predictions,
    truth: Truth,
    *,
    train: Truth | Manifest | None = None,
    radius_km: float = NEAR_KM,
    findings: Sequence[Finding] = (),
    columns: Mapping[str, npt.NDArray[np.str_]] | None = None,
    notes: Sequence[str] = (),
    subset: bool = False,
    distance: Distance = sphere.haversine,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Report:
    """Audit, then score.

    A photo without a row counts as one that the system was silent about: leaving it out would
    reward a system for the rows it does not write.

    Args:
        predictions: of one system, in any order.
        truth: the judged photos.
        train: what the system was trained on, where that is known: leaks are looked for in it. A
            manifest is read as it passes by.
        radius_km: how near a training photo a clean photo may not be.
        findings: of checks made elsewhere (pixels, embeddings), on the rows of ``truth``.
        columns: further columns to slice by, on the rows of ``truth``.
        notes: further lines of the report.
        subset: judge only the photos that have a row.
        distance: between two arrays (n, 2) of degrees, km.
        replicates: of the bootstrap.
        seed: same seed, same intervals.

    Raises:
        GraticuleError: the tables have no photo in common, or less than a tenth of the photos and
            no ``subset`` was asked for.
    """
    matched = match(truth.paths, predictions.paths)
    rows, said = _rows(predictions, truth, matched, subset)
    judged = truth.take(rows)
    lines = [*truth.notes, *predictions.notes, *matched.notes, *_missing(matched, subset)]
    lines += [*suspicions(said, judged.latlon), *notes]
    found = outcomes(said, judged, distance)
    lines += [*found.notes, *_warnings(said, found, train)]
    everything = audit_tables(train, judged, radius_km=radius_km) + held_against(
        [replace(f, rows=f.rows[rows]) for f in findings], reads_files=said.reads_files
    )
    resampler = Resampler.over(judged.clusters(), replicates, seed)
    as_given = tuple(all_scores(found, said, judged, resampler))
    clean: tuple[Score, ...] | None = as_given
    kept = np.flatnonzero(clean_rows(everything, len(judged)))
    if len(kept) < len(judged):
        part = Resampler.over(judged.clusters()[kept], replicates, seed)
        clean = (
            tuple(all_scores(found.take(kept), said.take(kept), judged.take(kept), part))
            if len(kept)
            else None
        )
    sliced = slices.labels(judged, train) | {
        name: column[rows] for name, column in (columns or {}).items()
    }
    return Report(
        predictions.name,
        judged,
        said,
        found,
        as_given,
        clean,
        tuple(everything),
        tuple(Headline.of(found, ~f.rows) for f in everything),
        tuple(slices.by_value(found, sliced)),
        tuple(slices.worst(found, sliced)),
        tuple(lines),
        matched,
        None if subset or not matched.missing else Headline.of(found, _has_row(matched, len(rows))),
    )


def _rows(
    predictions: Predictions, truth: Truth, matched: Match, subset: bool
) -> tuple[npt.NDArray[np.int64], Predictions]:
    """The judged rows of the truth, and the predictions beside them."""
    have, n = len(matched.truth_rows), len(truth)
    if subset or have == n:
        return matched.truth_rows, predictions.take(matched.predicted_rows)
    if have < _LEAST_COVERED * n:
        raise GraticuleError(
            f"{predictions.name}: {have:,} of the {n:,} photos of the manifest have a prediction; "
            "if it is the right manifest, graticule evaluate --subset judges these alone, and "
            "--where chooses rows"
        )
    place = np.full(n, -1, dtype=np.int64)
    place[matched.truth_rows] = matched.predicted_rows
    return np.arange(n), predictions.beside(truth.paths, place)


def _has_row(matched: Match, n: int) -> npt.NDArray[np.bool_]:
    rows = np.zeros(n, dtype=bool)
    rows[matched.truth_rows] = True
    return rows


def _missing(matched: Match, subset: bool) -> list[str]:
    """What becomes of photos without a row."""
    if not matched.missing:
        return []
    if subset:
        return ["judged are only the photos that have a prediction, as was asked for"]
    return [
        "a photo without a prediction counts as silence, the furthest error; the headline on the "
        "others stands beside it, and --subset or --where judge them alone"
    ]


def _warnings(said: Predictions, found: Outcomes, train: Truth | Manifest | None) -> list[str]:
    lines = []
    strange = unknown_countries(said.countries)
    if strange:
        lines.append(
            "named as a country but none (a code as IN or an English name is understood), counted "
            f"as wrong: {', '.join(strange[:3])}"
            + (f" and {len(strange) - 3:,} more" if len(strange) > 3 else "")
        )
    if train is None:
        lines.append("training photos were not given: leaks from training could not be looked for")
    known = np.unique(found.countries[found.countries != ""])
    if len(known) == 1:
        lines.append(
            f"every photo is of one country ({known[0]}): scores of countries say nothing about "
            "telling countries apart, and the mean over countries is of one"
        )
    return lines


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value
