"""A report as one HTML file that opens offline."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from html import escape
from pathlib import Path

import numpy as np

from graticule.draw import page as shell
from graticule.evaluation.pictures import extremes, pictures
from graticule.evaluation.report import Report, interval, number

_STYLE = """
.page figure { margin: 1.2em 0 2em; }
.page figcaption { color: var(--soft); }
.page .bad td:first-child { color: var(--accent); font-weight: 600; }
.page .sheet { display: flex; flex-wrap: wrap; gap: .8rem; }
.page .sheet figure { width: 8.6rem; margin: 0; font-size: .8rem; }
.page .sheet img { width: 100%; border-radius: 6px; }
.page .scroll { overflow-x: auto; }
"""


def page(report: Report, photo: Callable[[str], Path] | None = None) -> str:
    """The whole page.

    Args:
        report: of one evaluation.
        photo: from a manifest's path to the file, to show the best and worst; without it the page
            names them.
    """
    parts = [
        f"<h1>{escape(report.name)}</h1>",
        f"<p>{len(report.truth):,} photos, {int(report.truth.located.sum()):,} with coordinates. "
        "Intervals are 95 %, by bootstrap over photographers or groups where they are known.</p>",
        "<h2>Audit</h2>",
        _audit(report),
        "<h2>Scores</h2>",
        _scores(report),
    ]
    for title, picture, words in pictures(report):
        parts.append(
            f"<h2>{escape(title)}</h2><figure>{picture}"
            f"<figcaption>{escape(words)}</figcaption></figure>"
        )
    parts += [_worst(report), _slices(report)]
    parts += [_sheet(report, title, rows, photo) for title, rows in extremes(report)]
    body = "\n".join(part for part in parts if part)
    return shell.document(report.name, body, styles=[_STYLE])


def _audit(report: Report) -> str:
    bad = [f for f in report.findings if f.count]
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    if not bad:
        looked = ", ".join(escape(f.kind) for f in report.findings)
        return f"<p>Nothing was found by: {looked}.</p><ul>{notes}</ul>"
    rows = "".join(
        f'<tr class="bad"><td>{escape(f.kind)}</td><td class="number">{f.count:,}</td>'
        f"<td>{escape(f.means)}</td><td>{'<br>'.join(escape(e) for e in f.examples[:3])}</td></tr>"
        for f in bad
    )
    return _table(["finding", "photos", "what it means", "e.g."], rows) + f"<ul>{notes}</ul>"


def _scores(report: Report) -> str:
    clean = {s.name: s for s in report.clean or ()}
    rows = []
    for s in report.as_given:
        other = clean.get(s.name)
        unit = f" ({s.unit})" if s.unit else ""
        rows.append(
            f"<tr><td>{escape(s.name + unit)}</td>"
            f'<td class="number">{number(s.estimate.value, s.unit)}</td><td>{interval(s)}</td>'
            f'<td class="number">{number(other.estimate.value, s.unit) if other else "–"}</td>'
            f"<td>{interval(other) if other else '–'}</td>"
            f'<td class="number">{s.photos:,}</td><td class="number">{s.clusters:,}</td></tr>'
        )
    head = ["score", "as given", "95 %", "clean", "95 %", "photos", "clusters"]
    return _table(head, "".join(rows))


def _worst(report: Report) -> str:
    if not report.worst:
        return ""
    rows = "".join(
        f"<tr><td>{escape(w.slice.what)}: {escape(w.slice.value)}</td>"
        f'<td class="number">{w.slice.photos:,}</td><td class="number">{w.slice.top1:.1f}</td>'
        f'<td class="number">{w.rest_top1:.1f}</td><td class="number">{w.p_value:.2g}</td></tr>'
        for w in report.worst
    )
    head = ["slice", "photos", "country top-1", "the rest", "corrected p"]
    return "<h2>Where it is worst</h2>" + _table(head, rows)


def _slices(report: Report) -> str:
    if not report.by_slice:
        return ""
    rows = "".join(
        f"<tr><td>{escape(s.what)}: {escape(s.value)}</td>"
        f'<td class="number">{s.photos:,}</td><td class="number">{number(s.top1, "%")}</td>'
        f'<td class="number">{number(s.top5, "%")}</td>'
        f'<td class="number">{number(s.median_km, "km")}</td>'
        f'<td class="number">{number(s.geoscore, "of 5000")}</td></tr>'
        for s in report.by_slice
    )
    head = ["slice", "photos", "top-1", "top-5", "median km", "GeoScore"]
    return "<h2>By slice</h2>" + _table(head, rows)


def _sheet(
    report: Report,
    title: str,
    rows: np.ndarray[tuple[int], np.dtype[np.int64]],
    photo: Callable[[str], Path] | None,
) -> str:
    truth = report.truth.countries()
    cards = []
    for row in rows:
        path = report.truth.paths[row]
        said = report.predictions.countries[row]
        words = f"{truth[row] or '?'} → {said[0] if said else '?'}"
        if np.isfinite(report.found.km[row]):
            words += f", {report.found.km[row]:,.0f} km"
        picture = _thumbnail(photo(path)) if photo else ""
        name = path.rpartition("/")[2]
        cards.append(
            f"<figure>{picture}<figcaption>{escape(name)}<br>{escape(words)}</figcaption></figure>"
        )
    return f'<h2>The {escape(title)}</h2><div class="sheet">{"".join(cards)}</div>'


def _thumbnail(path: Path) -> str:
    from graticule.errors import PhotoError
    from graticule.photos.photo import open_photo

    try:
        image = open_photo(path, draft=160).image
    except PhotoError:
        return ""
    image.thumbnail((160, 160))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=70)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="" src="data:image/jpeg;base64,{data}">'


def _table(head: list[str], rows: str) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f'<div class="scroll"><table><tr>{cells}</tr>{rows}</table></div>'
