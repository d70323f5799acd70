"""A comparison as Markdown, and as one HTML file that opens offline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from graticule import files
from graticule.draw import charts
from graticule.draw import page as shell
from graticule.draw.axis import Axis
from graticule.evaluation.bootstrap import Estimate
from graticule.evaluation.compare import SHOWN, TESTED, Comparison, Pair, Row
from graticule.evaluation.markdown import number

_STYLE = """
.page table.systems td { white-space: nowrap; }
.page table.systems td:last-child { white-space: normal; min-width: 7rem; }
.page .tested td:first-child { color: var(--accent); font-weight: 600; }
.page .pictures { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); }
.page .pictures figure { margin: 0; }
.page .pictures svg { width: 100%; height: auto; }
.page .range { color: var(--soft); font-size: .85em; }
"""

_HEAD = ("system", *TESTED, *SHOWN, "cost")
_PAIRS = ("against", "score", "difference", "95 %", "p", "p, corrected", "McNemar p")


def markdown(found: Comparison, level: str = "#") -> str:
    """The table, the paired tests, and what a reader must know."""
    lines = [f"{level} {found.title}", "", summary(found), ""]
    lines += ["| " + " | ".join(_HEAD) + " |", "|---" + "|---:" * (len(_HEAD) - 2) + "|---|"]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in found.rows]
    if found.pairs:
        lines += ["", f"{found.pairs[0].first} against the others, on the same photos:", ""]
        lines += ["| " + " | ".join(_PAIRS) + " |", "|---|---|---:|---|---:|---:|---:|"]
        lines += ["| " + " | ".join(_pair(pair)) + " |" for pair in found.pairs]
    if found.curves:
        lines += ["", *_curve_table(found)]
    told = [*(f"{r.name}: {r.note}." for r in found.rows if r.note), *found.notes]
    lines += ["", *(f"- {line}" for line in told)]
    return "\n".join(lines).rstrip() + "\n"


def summary(found: Comparison) -> str:
    """How many photos and clusters stand behind the table, and how to read it."""
    runs = max(row.runs for row in found.rows)
    return (
        f"{found.photos:,} photos in {found.clusters:,} independent clusters; "
        f"{found.located:,} have a place and judge distances. 95 % intervals by bootstrap over "
        "clusters. "
        + (
            f"Each system was trained {runs} times; a photo counts with its mean. "
            if runs > 1
            else ""
        )
    ).strip()


def html(found: Sequence[Comparison], title: str) -> str:
    """One page of one or more comparisons."""
    parts = [f"<h1>{escape(title)}</h1>"]
    for one in found:
        # A page of one comparison says its title once.
        parts += [f"<h2>{escape(one.title)}</h2>"] if one.title != title else []
        parts += [f"<p>{escape(summary(one))}</p>", _table(one)]
        parts += [_pictures(one), _tests(one), _notes(one)]
    return shell.document(title, "\n".join(parts), styles=[_STYLE])


def write(found: Sequence[Comparison], folder: Path, title: str) -> Path:
    """Write ``compare.json``, ``compare.md`` and ``compare.html``; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "compare.json", {"comparisons": [one.as_json() for one in found]})
    with files.atomic(folder / "compare.md") as text:
        text.write("\n".join(markdown(one) for one in found))
    with files.atomic(folder / "compare.html") as text:
        text.write(html(found, title))
    return folder / "compare.html"


def _cells(row: Row) -> list[str]:
    values = []
    for name, estimate in row.scores.items():
        unit = TESTED[name][0] if name in TESTED else "%"
        span = f" {_range(estimate, unit)}" if name in TESTED else ""
        values.append(number(estimate.value, unit) + span)
    return [row.name, *values, cost(row)]


def _range(estimate: Estimate, unit: str) -> str:
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return ""
    return f"[{number(estimate.low, unit)}, {number(estimate.high, unit)}]"


def cost(row: Row) -> str:
    """A row's cost in words, an empty string where nothing was measured."""
    if row.cost is None:
        return ""
    told = [
        f"{row.cost.parameters / 1e6:.2f} M parameters" if row.cost.parameters else "",
        f"{row.cost.megabytes:g} MB" if row.cost.megabytes else "",
        f"{row.cost.ms:g} ms" if row.cost.ms else "",
        f"{row.cost.seconds:g} s to train" if row.cost.seconds else "",
    ]
    return ", ".join(word for word in told if word)


def _pair(pair: Pair) -> list[str]:
    unit = TESTED[pair.score][0]
    estimate = pair.difference.estimate
    sign = "+" if estimate.value > 0 else ""
    is_worse = not pair.better and estimate.value != 0
    return [
        pair.second,
        pair.score,
        f"{sign}{number(estimate.value, unit)}" + (" (worse)" if is_worse else ""),
        _range(estimate, unit),
        _p(pair.difference.p_value, bounded=pair.difference.at_floor),
        _p(pair.corrected, bounded=pair.bounded),
        _p(pair.mcnemar),
    ]


def _p(value: float, *, bounded: bool = False) -> str:
    """Four decimals; of a bound, and of what is smaller than they show, the next above it."""
    if not math.isfinite(value):
        return "–"
    if bounded or value < 0.0001:
        return f"< {max(math.ceil(value * 10_000), 1) / 10_000:.4f}"
    return f"{value:.4f}"


def _curve_table(found: Comparison) -> list[str]:
    curve = found.curves.get("country top-5", {})
    if not curve:
        return []
    photos = next(iter(curve.values()))[0]
    head = " | ".join(f"{x:,.0f} photos" for x in photos)
    lines = ["Country top-5, %, by photos learned from:", "", f"| system | {head} |"]
    lines.append("|---" + "|---:" * len(photos) + "|")
    lines += [
        f"| {name} | " + " | ".join(f"{y:.1f}" for y in ys) + " |"
        for name, (_, ys) in curve.items()
    ]
    return lines


def _table(found: Comparison) -> str:
    tested = found.pairs[0].first if found.pairs else ""
    rows = []
    for row in found.rows:
        name, *values, last = _cells(row)
        cells = []
        for value in values:
            main, _, span = value.partition(" [")
            range_ = f'<br><span class="range">[{escape(span)}</span>' if span else ""
            cells.append(f'<td class="number">{escape(main)}{range_}</td>')
        mark = ' class="tested"' if row.name == tested else ""
        rows.append(
            f"<tr{mark}><td>{escape(name)}</td>{''.join(cells)}<td>{escape(last)}</td></tr>"
        )
    return shell.table(_HEAD, rows, numeric=range(1, len(_HEAD) - 1), kind="systems")


def _tests(found: Comparison) -> str:
    if not found.pairs:
        return ""
    rows = [
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _pair(pair)) + "</tr>"
        for pair in found.pairs
    ]
    title = f"<h3>{escape(found.pairs[0].first)} against the others, on the same photos</h3>"
    return title + shell.table(_PAIRS, rows)


def _notes(found: Comparison) -> str:
    told = [*(f"{r.name}: {r.note}." for r in found.rows if r.note), *found.notes]
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in told) + "</ul>"


def _pictures(found: Comparison) -> str:
    """Bars of every tested score, and curves of accuracy over photos learned from."""
    made = []
    for score, (unit, _) in TESTED.items():
        known = {r.name: r.scores[score] for r in found.rows}
        known = {name: e for name, e in known.items() if math.isfinite(e.value)}
        if known:
            picture = charts.bars(
                {name: e.value for name, e in known.items()},
                x=Axis(score, unit),
                intervals={
                    name: (e.low, e.high)
                    for name, e in known.items()
                    if math.isfinite(e.low) and math.isfinite(e.high)
                },
            )
            made.append(picture)
    for score, curve in found.curves.items():
        if score.startswith("country"):
            sizes = {size for xs, _ in curve.values() for size in xs}
            x = Axis("photos learned from", log=True, ticks=tuple(sorted(sizes)))
            made.append(charts.lines(dict(curve), x=x, y=Axis(score, "%")))
    return '<div class="pictures">' + "".join(f"<figure>{p}</figure>" for p in made) + "</div>"
