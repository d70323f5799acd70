"""A report as one HTML file that opens offline."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule.draw import page as shell
from graticule.errors import ManifestError
from graticule.evaluation.bootstrap import Estimate
from graticule.evaluation.markdown import interval, number
from graticule.evaluation.pictures import extremes, pictures
from graticule.evaluation.report import Headline, Report
from graticule.evaluation.scores import Score
from graticule.output.html import thumbnail

_STYLE = """
.page h2 { margin-top: 2.4em; padding-top: .9em; border-top: 1px solid var(--line); }
.page .lead { color: var(--soft); max-width: 46rem; }
.page .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr));
  gap: .8rem; margin: 1.4em 0; }
.page .tile { background: var(--raised); border: 1px solid var(--line); border-radius: 10px;
  padding: .8rem .9rem; }
.page .tile b { display: block; font-size: 1.75rem; font-weight: 600; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; }
.page .tile b small { font-size: .9rem; font-weight: 400; color: var(--soft); }
.page .tile span { display: block; color: var(--soft); font-size: .84rem; }
.page figure { margin: 1em 0; }
.page figcaption { color: var(--soft); font-size: .9rem; max-width: 46rem; }
.page .plots { display: grid;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  gap: 1.6rem 2rem; }
.page .plots h3, .page h3 { font-size: 1rem; margin: 0 0 .3em; }
.page .plots .wide { grid-column: 1 / -1; }
.page table { font-size: .92rem; }
.page th { vertical-align: bottom; font-weight: 600; }
.page td { vertical-align: top; }
.page td.range { color: var(--soft); white-space: nowrap; font-size: .84rem; }
.page td.name { min-width: 9rem; max-width: 17rem; }
.page tr.part th { padding-top: 1.2em; color: var(--soft); font-weight: 600; font-size: .84rem;
  border-bottom: 1px solid var(--line); }
.page .finding { color: var(--accent); font-weight: 600; white-space: nowrap; }
.page .examples { color: var(--soft); font-size: .84rem;
  overflow-wrap: anywhere; min-width: 14rem; }
.page ul.notes { color: var(--soft); padding-left: 1.1em; max-width: 52rem; }
.page .sheet { display: flex; flex-wrap: wrap; gap: .8rem; }
.page .sheet figure { width: 8.6rem; margin: 0; }
.page .sheet figcaption { font-size: .8rem; overflow-wrap: anywhere; }
.page .sheet img { width: 8.6rem; height: 8.6rem; object-fit: cover; border-radius: 6px;
  background: var(--track); }
.page details summary { cursor: pointer; color: var(--soft); margin: .4em 0; }
@media (max-width: 40rem) {
  .page td.name, .page .finding { white-space: normal; min-width: 6.5rem; }
  .page th, .page td { padding-right: .55em; }
  .page table { font-size: .85rem; }
}
@media print {
  #theme { display: none; }
  .page h2 { break-after: avoid; } tr { break-inside: avoid; }
}
"""

#: Longer side of a photo to look at, in pixels.
_SIDE = 280
#: Scores shown large at the top, in this order, where the report has them.
_TILES = ("country top-1", "within 200 km", "median error", "GeoScore")
#: Parts of the table of scores by what a score's name begins with.
_PARTS = (
    ("Distance", ("within", "median error", "mean error", "GeoScore")),
    ("Country", ("country",)),
    ("Region", ("region",)),
    ("City", ("city",)),
    ("Probability", ("log score", "smallest area")),
    ("Radius", ("coverage", "50", "80", "90", "95")),
    ("Answers", ("answered",)),
)


def page(report: Report, photo: Callable[[str], Path] | None = None, own: str = "") -> str:
    """The whole page.

    Args:
        report: of one evaluation.
        photo: from a manifest's path to the file, to show the best and worst; without it the page
            names them.
        own: the system's own tables, as Markdown.
    """
    sheets = [_sheet(report, title, rows, photo) for title, rows in extremes(report)]
    parts = [
        f"<h1>{escape(report.name)}</h1>",
        f'<p class="lead">{len(report.truth):,} photos, {int(report.truth.located.sum()):,} with '
        f"coordinates, {report.clean_photos:,} clean. Intervals are 95 %, by bootstrap over "
        "photographers, sequences or groups where they are known.</p>",
        _tiles(report),
        _missing(report),
        "<h2>Audit</h2>",
        _audit(report),
        "<h2>Scores</h2>",
        _scores(report),
        "<h2>Pictures</h2>",
        _pictures(report),
        _worst(report),
        _slices(report),
        shell.from_markdown(own),
        "<h2>Photos to look at</h2>" if sheets else "",
        *sheets,
    ]
    body = "\n".join(part for part in parts if part)
    return shell.document(report.name, body, styles=[_STYLE])


def _tiles(report: Report) -> str:
    given = {s.name: s for s in report.as_given}
    clean = {s.name: s for s in report.clean or ()}
    tiles = []
    for name in _TILES:
        score = given.get(name)
        if score is None:
            continue
        other = clean.get(name)
        unit = {"of 5000": "/ 5000"}.get(score.unit, score.unit)
        words = f"clean {number(other.estimate.value, score.unit)}" if other else "none is clean"
        tiles.append(
            f'<div class="tile"><span>{escape(name)}</span>'
            f"<b>{number(score.estimate.value, score.unit)} <small>{escape(unit)}</small></b>"
            f"<span>{interval(score.estimate, score.unit)}</span><span>{words}</span></div>"
        )
    return f'<div class="tiles">{"".join(tiles)}</div>' if tiles else ""


def _missing(report: Report) -> str:
    """The headline on the photos that have a row beside that on all, where some have none."""
    if report.with_row is None:
        return ""
    whole = Headline.of(report.found)
    names = list(whole.values)
    rows = [
        f'<tr><td>{words}</td><td class="number">{h.photos:,}</td>{_values(h, names)}</tr>'
        for words, h in (
            ("all photos", whole),
            ("photos that have a prediction", report.with_row),
        )
    ]
    words = (
        f'<p class="lead">{len(report.matched.missing):,} photos have no prediction and count as '
        "silence.</p>"
    )
    head = ["judged on", "photos", *_head(names)]
    return words + shell.table(head, rows, numeric=range(1, len(head)))


def _audit(report: Report) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    listed = f'<ul class="notes">{notes}</ul>' if notes else ""
    bad = [(f, h) for f, h in zip(report.findings, report.without, strict=True) if f.count]
    quiet = [f.kind for f in report.findings if not f.count]
    silent = (
        f'<p class="note">Looked for and not found: {escape(", ".join(quiet))}.</p>'
        if quiet
        else ""
    )
    if not bad:
        return silent + listed
    whole = Headline.of(report.found)
    names = list(whole.values)
    rows = [
        f'<tr><td>none left out</td><td class="number">–</td>{_values(whole, names)}<td></td></tr>'
    ]
    for f, without in bad:
        examples = "<br>".join(escape(e) for e in f.examples[:3])
        why = escape(f.means) + ("" if f.spoils else "; not left out of the clean number")
        rows.append(
            f'<tr><td class="finding">{escape(f.kind)}</td><td class="number">{f.count:,}</td>'
            f"{_values(without, names)}"
            f'<td class="examples">{why}<br>{examples}</td></tr>'
        )
    head = [
        "finding",
        "photos",
        *_head(names),
        "what it means, and examples",
    ]
    numeric = range(1, len(names) + 2)
    words = '<p class="lead">The headline without the photos of each finding.</p>'
    return words + shell.table(head, rows, numeric=numeric) + silent + listed


def _head(names: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{name}{f', {unit}' if unit in ('%', 'km') else ''}" for name, unit in names]


def _values(headline: Headline, names: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f'<td class="number">{number(headline.values.get(name, math.nan), name[1])}</td>'
        for name in names
    )


def _scores(report: Report) -> str:
    clean = {s.name: s for s in report.clean or ()}
    rows = []
    for part, scores in groupby(report.as_given, _part):
        rows.append(f'<tr class="part"><th colspan="9">{part}</th></tr>')
        for s in scores:
            other = clean.get(s.name)
            unit = f", {s.unit}" if s.unit else ""
            rows.append(
                f'<tr><td class="name">{escape(s.name + unit)}</td>'
                + _estimate(s.estimate, s.unit)
                + _estimate(s.by_country, s.unit)
                + _estimate(other.estimate if other else None, s.unit)
                + f'<td class="number">{s.photos:,}</td><td class="number">{s.clusters:,}</td></tr>'
            )
    head = ["", "as given", "95 %", "by country", "95 %", "clean", "95 %", "photos", "clusters"]
    words = (
        f'<p class="lead">Clean: the {report.clean_photos:,} photos that no finding spoils. By '
        "country: the mean over countries of each country’s value, so that a much-photographed "
        "country counts once.</p>"
    )
    if report.clean is None:
        words += "<p><b>No photo is clean: every one is concerned by a finding above.</b></p>"
    return words + shell.table(head, rows, numeric=(1, 3, 5, 7, 8))


def _part(score: Score) -> str:
    return next((part for part, starts in _PARTS if score.name.startswith(starts)), "Other")


def _estimate(estimate: Estimate | None, unit: str) -> str:
    if estimate is None:
        return '<td class="number">–</td><td class="range"></td>'
    return (
        f'<td class="number">{number(estimate.value, unit)}</td>'
        f'<td class="range">{interval(estimate, unit)}</td>'
    )


def _pictures(report: Report) -> str:
    every = pictures(report)
    drawn = "".join(
        f"<figure{' class=wide' if p.wide else ''}><h3>{escape(p.title)}</h3>{p.svg}"
        f"<figcaption>{escape(p.words)}</figcaption></figure>"
        for p in every
        if p.svg
    )
    missing = "; ".join(f"{p.title} (needs {p.needs})" for p in every if not p.svg)
    note = f'<p class="note">Not drawn: {escape(missing)}.</p>' if missing else ""
    return f'<div class="plots">{drawn}</div>{note}'


def _worst(report: Report) -> str:
    if not report.worst:
        return ""
    rows = [
        f"<tr><td>{escape(w.slice.what)}: {escape(w.slice.value)}</td>"
        f'<td class="number">{w.slice.photos:,}</td><td class="number">{w.share:.1f}</td>'
        f'<td class="number">{w.rest:.1f}</td><td class="number">{w.p_value:.2g}</td></tr>'
        for w in report.worst
    ]
    head = ["slice", "photos", f"{report.worst[0].judged_by}, %", "the rest, %", "corrected p"]
    words = (
        '<p class="lead">Found by search over single columns and pairs; p by Fisher’s exact test, '
        "corrected for everything that was looked at.</p>"
    )
    return "<h2>Where it is worst</h2>" + words + shell.table(head, rows, numeric=(1, 2, 3, 4))


def _slices(report: Report) -> str:
    if not report.by_slice:
        return ""
    head = ["", "photos", "country top-1", "top-5", "median km", "GeoScore"]
    parts = []
    for what, slices in groupby(report.by_slice, lambda s: s.what):
        rows = [
            f"<tr><td>{escape(s.value)}</td>"
            f'<td class="number">{s.photos:,}</td><td class="number">{number(s.top1, "%")}</td>'
            f'<td class="number">{number(s.top5, "%")}</td>'
            f'<td class="number">{number(s.median_km, "km")}</td>'
            f'<td class="number">{number(s.geoscore, "of 5000")}</td></tr>'
            for s in slices
        ]
        opened = " open" if len(rows) <= 8 else ""
        parts.append(
            f"<details{opened}><summary>{escape(what)} ({len(rows)})</summary>"
            f"{shell.table(head, rows, numeric=(1, 2, 3, 4, 5))}</details>"
        )
    return "<h2>By slice</h2>" + "".join(parts)


def _sheet(
    report: Report,
    title: str,
    rows: npt.NDArray[np.int64],
    photo: Callable[[str], Path] | None,
) -> str:
    truth, first = report.found.countries, report.found.first_countries
    cards = []
    for row in rows:
        path = report.truth.paths[row]
        words = f"{truth[row] or '?'} → {first[row] or '?'}"
        if np.isfinite(report.found.km[row]):
            words += f", {report.found.km[row]:,.0f} km"
        picture = _thumbnail(photo, path) if photo else ""
        name = path.rpartition("/")[2]
        cards.append(
            f"<figure>{picture}<figcaption>{escape(words)}<br>{escape(name)}</figcaption></figure>"
        )
    return f'<h3>The {escape(title)}</h3><div class="sheet">{"".join(cards)}</div>'


def _thumbnail(photo: Callable[[str], Path], path: str) -> str:
    try:
        data = thumbnail(photo(path), _SIDE)
    except ManifestError:
        return ""
    return f'<img alt="" src="{data}">' if data else ""
