"""One evaluation: audited first, scored as given and clean, sliced; as numbers and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import metrics
from graticule.errors import GraticuleError
from graticule.evaluation import slices
from graticule.evaluation.audit import Finding, audit_tables, clean_rows
from graticule.evaluation.bootstrap import REPLICATES, Resampler
from graticule.evaluation.matching import match, suspicions
from graticule.evaluation.predictions import Predictions
from graticule.evaluation.scores import Outcomes, Score, all_scores, outcomes
from graticule.evaluation.truth import Truth
from graticule.version import __version__

#: Of a report's JSON.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Report:
    """What an evaluation found.

    Attributes:
        name: of the system.
        truth: the judged photos, those that have a prediction.
        predictions: on the same rows.
        found: how each photo came out.
        as_given: scores over all judged photos.
        clean: scores over those that no audit finding concerns; None where none is left.
        findings: of the audit.
        by_slice: scores by slice.
        worst: slices found by search.
        notes: what was missing, doubled, suspected.
    """

    name: str
    truth: Truth
    predictions: Predictions
    found: Outcomes
    as_given: tuple[Score, ...]
    clean: tuple[Score, ...] | None
    findings: tuple[Finding, ...]
    by_slice: tuple[slices.Slice, ...]
    worst: tuple[slices.WorstSlice, ...]
    notes: tuple[str, ...]

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
                "audit": [
                    {
                        "kind": f.kind,
                        "photos": f.count,
                        "leak": f.leak,
                        "means": f.means,
                        "examples": list(f.examples),
                    }
                    for f in self.findings
                ],
                "as_given": [asdict(s) for s in self.as_given],
                "clean": None if self.clean is None else [asdict(s) for s in self.clean],
                "slices": [asdict(s) for s in self.by_slice],
                "worst_slices": [asdict(w) for w in self.worst],
            }
        )
        return whole

    def as_markdown(self) -> str:
        """The report as a page of Markdown."""
        return "\n".join(_markdown(self)) + "\n"


def evaluate(
    predictions: Predictions,
    truth: Truth,
    *,
    train: Truth | None = None,
    findings: Sequence[Finding] = (),
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Report:
    """Audit, then score.

    Args:
        predictions: of one system, in any order.
        truth: the judged photos.
        train: what the system was trained on, where that is known: leaks are looked for in it.
        findings: of checks made elsewhere (pixels, embeddings), on the rows of ``truth``.
        replicates: of the bootstrap.
        seed: same seed, same intervals.

    Raises:
        GraticuleError: the tables have no photo in common.
    """
    matched = match(truth.paths, predictions.paths)
    judged = truth.take(matched.truth_rows)
    said = predictions.take(matched.predicted_rows)
    notes = [*predictions.notes, *matched.notes, *suspicions(said, judged.latlon)]
    kept = [
        Finding(f.kind, f.rows[matched.truth_rows], f.examples, f.means, f.leak) for f in findings
    ]
    everything = [*audit_tables(train, judged), *kept]
    if train is None:
        notes.append("training photos were not given: leaks from training could not be looked for")
    found = outcomes(said, judged)
    resampler = Resampler.over(judged.clusters(), replicates, seed)
    as_given = tuple(all_scores(found, said, judged, resampler))
    clean = _clean_scores(clean_rows(everything, len(judged)), said, judged, replicates, seed)
    columns = slices.labels(judged)
    return Report(
        predictions.name,
        judged,
        said,
        found,
        as_given,
        clean if any(f.count for f in everything) else as_given,
        tuple(everything),
        tuple(slices.by_value(found, columns)),
        tuple(slices.worst(found, columns)),
        tuple(notes),
    )


def _clean_scores(
    rows: npt.NDArray[np.bool_], said: Predictions, judged: Truth, replicates: int, seed: int
) -> tuple[Score, ...] | None:
    if not rows.any():
        return None
    numbers = np.flatnonzero(rows)
    part, truth = said.take(numbers), judged.take(numbers)
    resampler = Resampler.over(truth.clusters(), replicates, seed)
    return tuple(all_scores(outcomes(part, truth), part, truth, resampler))


def number(value: float, unit: str) -> str:
    """A score as a report prints it: 28.0, 1,234 km, 0.412; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    if unit == "%":
        return f"{value:.1f}"
    if unit in ("km", "of 5000"):
        return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{value:.3f}"


def interval(score: Score) -> str:
    """A score's 95 % interval, ``[27.1, 29.0]``."""
    low, high = score.estimate.low, score.estimate.high
    if not (math.isfinite(low) and math.isfinite(high)):
        return "one cluster: no interval"
    return f"[{number(low, score.unit)}, {number(high, score.unit)}]"


def _markdown(report: Report) -> list[str]:
    lines = [f"# {report.name}", ""]
    lines += [
        f"{len(report.truth):,} photos, {int(report.truth.located.sum()):,} with coordinates. "
        "Intervals are 95 %, by bootstrap over photographers or groups where they are known.",
        "",
        "## Audit",
        "",
    ]
    bad = [f for f in report.findings if f.count]
    if bad:
        lines += ["| finding | photos | what it means | e.g. |", "|---|---:|---|---|"]
        lines += [
            f"| {f.kind} | {f.count:,} | {f.means} | {_cell(f.examples[0] if f.examples else '')} |"
            for f in bad
        ]
    else:
        lines.append("Nothing was found by: " + ", ".join(f.kind for f in report.findings) + ".")
    lines += [""] + [f"- {note}" for note in report.notes] + [""]
    lines += ["## Scores", "", *_score_table(report), ""]
    if report.worst:
        lines += [
            "## Where it is worst",
            "",
            "| slice | photos | country top-1 | the rest | corrected p |",
            "|---|---:|---:|---:|---:|",
        ]
        lines += [
            f"| {w.slice.what}: {_cell(w.slice.value)} | {w.slice.photos:,} | {w.slice.top1:.1f} | "
            f"{w.rest_top1:.1f} | {w.p_value:.2g} |"
            for w in report.worst
        ]
        lines.append("")
    if report.by_slice:
        lines += [
            "## By slice",
            "",
            "| slice | photos | top-1 | top-5 | median km | GeoScore |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        lines += [
            f"| {s.what}: {_cell(s.value)} | {s.photos:,} | {number(s.top1, '%')} | "
            f"{number(s.top5, '%')} | {number(s.median_km, 'km')} | "
            f"{number(s.geoscore, 'of 5000')} |"
            for s in report.by_slice
        ]
    return lines


def _score_table(report: Report) -> list[str]:
    clean = {s.name: s for s in report.clean or ()}
    lines = [
        "| score | as given | 95 % | clean | 95 % | photos | clusters |",
        "|---|---:|---|---:|---|---:|---:|",
    ]
    for s in report.as_given:
        other = clean.get(s.name)
        lines.append(
            f"| {s.name}{f' ({s.unit})' if s.unit else ''} | {number(s.estimate.value, s.unit)} | "
            f"{interval(s)} | {number(other.estimate.value, s.unit) if other else '–'} | "
            f"{interval(other) if other else '–'} | {s.photos:,} | {s.clusters:,} |"
        )
    if report.clean is None:
        lines += ["", "**No photo is clean: every one is concerned by a finding above.**"]
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


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


#: The thresholds by the names they go by.
LEVEL_NAMES = dict(
    zip(metrics.THRESHOLDS_KM, ("street", "city", "region", "country", "continent"), strict=True)
)
