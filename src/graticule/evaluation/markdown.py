"""A report as Markdown, and how its numbers are written."""

from __future__ import annotations

import math
from collections.abc import Sequence

from graticule.evaluation.bootstrap import Estimate
from graticule.evaluation.finding import clean_rows
from graticule.evaluation.report import Headline, Report


def number(value: float, unit: str) -> str:
    """A score as a report prints it: 28.0, 1,234 km, 0.412; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    if unit == "%":
        return f"{value:.1f}"
    if unit == "km²":
        return f"{float(f'{value:.3g}'):,.0f}"
    if unit in ("km", "of 5000"):
        return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{value:.3f}"


def interval(estimate: Estimate, unit: str) -> str:
    """An estimate's 95 % interval, ``[27.1, 29.0]``."""
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return "one cluster: no interval"
    return f"[{number(estimate.low, unit)}, {number(estimate.high, unit)}]"


def markdown(report: Report) -> str:
    """The report as a page of Markdown."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> list[str]:
    lines = [f"# {report.name}", ""]
    lines += [
        f"{len(report.truth):,} photos, {int(report.truth.located.sum()):,} with coordinates. "
        "Intervals are 95 %, by bootstrap over photographers or groups where they are known.",
        "",
        *_missing(report),
        "## Audit",
        "",
    ]
    lines += headlines(report)
    lines += [""] + [f"- {note}" for note in report.notes] + [""]
    lines += ["## Scores", "", *_score_table(report), ""]
    if report.worst:
        lines += [
            "## Where it is worst",
            "",
            f"| slice | photos | {report.worst[0].judged_by} | the rest | corrected p |",
            "|---|---:|---:|---:|---:|",
        ]
        lines += [
            f"| {w.slice.what}: {_cell(w.slice.value)} | {w.slice.photos:,} | {w.share:.1f} | "
            f"{w.rest:.1f} | {w.p_value:.2g} |"
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


def headlines(report: Report) -> list[str]:
    """What the audit found: the headline as given, without each finding, and clean."""
    bad = [(f, h) for f, h in zip(report.findings, report.without, strict=True) if f.count]
    if not bad:
        return ["Nothing was found by: " + ", ".join(f.kind for f in report.findings) + "."]
    whole = Headline.of(report.found)
    clean = Headline.of(report.found, clean_rows(report.findings, len(report.truth)))
    names = list(whole.values)
    left_out = len(report.truth) - clean.photos
    return [
        "The headline without the photos of each finding:",
        "",
        f"| finding | photos | {_head(names)} | what it means | e.g. |",
        "|---|---:|" + "---:|" * len(names) + "---|---|",
        _headline("none left out", whole.photos, whole, names, "", ""),
        *(
            _headline(f.kind, f.count, h, names, f.means, f.examples[0] if f.examples else "")
            for f, h in bad
        ),
        _headline("clean: all that spoil left out", left_out, clean, names, "", ""),
    ]


def _missing(report: Report) -> list[str]:
    """The headline on the photos that have a row beside that on all, where some have none."""
    if report.with_row is None:
        return []
    whole = Headline.of(report.found)
    names = list(whole.values)
    return [
        f"{len(report.matched.missing):,} photos have no prediction and count as silence.",
        "",
        f"| judged on | photos | {_head(names)} |",
        "|---|---:|" + "---:|" * len(names),
        *(
            f"| {words} | {h.photos:,} | "
            + " | ".join(number(h.values.get(name, math.nan), name[1]) for name in names)
            + " |"
            for words, h in (
                ("all photos", whole),
                ("photos that have a prediction", report.with_row),
            )
        ),
        "",
    ]


def _head(names: Sequence[tuple[str, str]]) -> str:
    return " | ".join(f"{name}{f' ({unit})' if unit == '%' else ''}" for name, unit in names)


def _headline(
    kind: str, photos: int, h: Headline, names: Sequence[tuple[str, str]], means: str, example: str
) -> str:
    values = " | ".join(number(h.values.get(name, math.nan), name[1]) for name in names)
    return f"| {kind} | {photos:,} | {values} | {means} | {_cell(example)} |"


def _score_table(report: Report) -> list[str]:
    clean = {s.name: s for s in report.clean or ()}
    lines = [
        f"Clean: the {report.clean_photos:,} photos that no finding spoils. "
        "By country: the mean over countries of each country's value.",
        "",
        "| score | as given | 95 % | by country | 95 % | clean | 95 % | photos | clusters |",
        "|---|---:|---|---:|---|---:|---|---:|---:|",
    ]
    for s in report.as_given:
        other = clean.get(s.name)
        cells = [
            part
            for estimate in (s.estimate, s.by_country, other.estimate if other else None)
            for part in (
                (number(estimate.value, s.unit), interval(estimate, s.unit))
                if estimate is not None
                else ("–", "–")
            )
        ]
        unit = f" ({s.unit})" if s.unit else ""
        lines.append(f"| {s.name}{unit} | {' | '.join(cells)} | {s.photos:,} | {s.clusters:,} |")
    if report.clean is None:
        lines += ["", "**No photo is clean: every one is concerned by a finding above.**"]
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
