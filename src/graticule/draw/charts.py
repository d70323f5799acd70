"""Charts as SVG for pages: lines, bars and a confusion matrix, without any library but numpy.

They take the page's colours, light or dark, and tell each value in words under the pointer.

>>> text = bars({"mini": 28.0, "prior": 5.5}, x=Axis("within 25 km", "%"))
>>> text.startswith("<svg")
True
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count, pairwise

import numpy as np
import numpy.typing as npt

from graticule.draw.axis import Axis, number

#: Of every chart: little more than a phone is wide, so that its text stays large there.
_WIDTH = 440
#: Height of lines between their axes; room at the right for half a number, and below for an axis.
_HEIGHT, _RIGHT, _BELOW = 220, 26, 46
#: Mean width of a letter as large as phones show it, and of one of the small ones in a matrix.
_LETTER, _SMALL = 8.2, 7.2
#: Of a bar with the room around it.
_ROW = 26
#: A line with more points has no dot on each.
_DOTS = 24
#: Letters of a name; a longer one is cut, and whole in the words under the pointer.
_LONGEST = 20
#: Opacity of a whole row's share: the page's ink must read on it.
_FULL = 0.7
#: Colour and dashes of each series. The named colours are the page's, the others read on its light
#: and its dark paper; dashes tell apart what colours do not.
_SERIES = (
    ("var(--accent,#c8430a)", "none"),
    ("var(--truth,#1763a6)", "7 3"),
    ("var(--sure,#24704a)", "2 3"),
    ("#8f62c9", "9 3 2 3"),
    ("#a07d00", "4 2"),
    ("var(--soft,#5b6873)", "none"),
)
_STYLE = """
.chart text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
fill:var(--soft,#5b6873);font-variant-numeric:tabular-nums}
.chart .name{fill:var(--ink,currentColor)}
.chart .end{text-anchor:end}.chart .middle{text-anchor:middle}
.chart .grid{stroke:var(--line,#dcdfe0)}.chart .base{stroke:var(--soft,#5b6873)}
.chart .equal{stroke:var(--soft,#5b6873);stroke-dasharray:3 4}
.chart .line{fill:none;stroke:var(--series);stroke-width:2.2;stroke-linejoin:round}
.chart .dot{fill:var(--series);stroke:var(--paper,#fff);stroke-width:1.5}
.chart .bar{fill:var(--series)}
.chart .interval{fill:none;stroke:var(--ink,currentColor);stroke-width:1.5}
.chart .hit{fill:transparent}.chart .hit:hover{fill:var(--series);fill-opacity:.3}
.chart .cell{fill:var(--accent,#c8430a);stroke:var(--line,#dcdfe0)}
.chart .share{fill:var(--ink,currentColor);font-size:11px;text-anchor:middle;pointer-events:none}
.chart .small{font-size:11.5px}
@media (max-width:40rem){.chart text{font-size:15px}.chart .share,.chart .small{font-size:12.5px}}
""" + "".join(
    f".chart .s{i}{{--series:{colour}}}.chart .s{i} .line{{stroke-dasharray:{dashes}}}\n"
    for i, (colour, dashes) in enumerate(_SERIES)
)

#: Name → x and y values.
Series = Mapping[str, tuple[Sequence[float], Sequence[float]]]


def lines(series: Series, *, x: Axis, y: Axis, diagonal: bool = False) -> str:
    """Lines over a common axis: shares within a distance, coverage against its promise.

    A line of few points has a dot on each, others have them at the ticks that ``x`` asks for.

    Args:
        series: name → x and y values; a point that is not finite is left out.
        x: what runs to the right.
        y: what runs up.
        diagonal: give both axes one span and draw y = x, for calibration.

    Returns:
        An ``<svg>`` element.
    """
    points = {name: part for name, pair in series.items() if (part := _finite(*pair))}
    asked = set(x.ticks)
    right, up = ([point[side] for part in points.values() for point in part] for side in (0, 1))
    x, y = (x.over(right + up), y.over(right + up)) if diagonal else (x.over(right), y.over(up))
    legend, top = _legend(list(points)) if len(points) > 1 else ([], 26)
    left = 12 + _LETTER * max(len(number(tick)) for tick in y.ticks)
    frame = _Frame(x, y, left, top)
    parts = [f'<text x="0" y="14">{escape(y.label)}</text>', *legend, *frame.rulers()]
    if diagonal:
        parts.append(
            f'<path class="equal" d="{frame.path([(end, end) for end in x.span or ()])}"/>'
        )
    for i, (name, part) in enumerate(points.items()):
        parts.append(f'<g class="s{i % len(_SERIES)}"><path class="line" d="{frame.path(part)}"/>')
        before = f"{name}: " if len(points) > 1 else ""
        for a, b in part:
            at = 'cx="{:.1f}" cy="{:.1f}"'.format(*frame.at(a, b))
            if len(part) <= _DOTS or a in asked:
                parts.append(f'<circle class="dot" {at} r="4"/>')
            words = f"{before}{x.told(a)}, {y.told(b)}"
            parts.append(f'<circle class="hit" {at} r="8">{_title(words)}</circle>')
        parts.append("</g>")
    return _chart(f"{y.name} by {x.name}", top + _HEIGHT + _BELOW, parts)


def bars(
    values: Mapping[str, float],
    *,
    x: Axis,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> str:
    """Horizontal bars from zero, one a name, in the order given.

    Args:
        values: name → a finite value.
        x: what is measured.
        intervals: name → lower and upper end, of those that have one.

    Returns:
        An ``<svg>`` element.
    """
    spans = intervals or {}
    x = x.over([0.0, *values.values(), *(end for span in spans.values() for end in span)])
    left = 10 + _LETTER * max((len(_short(name)) for name in values), default=0)
    room = _LETTER * max((len(number(v)) for v in values.values()), default=0)
    bottom = 8 + _ROW * len(values)
    # The last number of the axis needs half its width, and the longest bar its value beside it.
    right = _WIDTH - max(_RIGHT, room + 6)
    parts = _ticks(x, left, right, 0, bottom)

    def place(value: float) -> float:
        return left + x.share(value) * (right - left)

    for row, (name, value) in enumerate(values.items()):
        y = 4 + _ROW * (row + 0.5)
        words = f"{name}: {x.told(value)}"
        drawn = ""
        furthest = max(value, 0.0)
        if name in spans:
            low, high = spans[name]
            words += f", 95 % interval {number(low)} to {number(high)}"
            furthest = max(furthest, high)
            drawn = (
                f'<path class="interval" d="M{place(low):.1f} {y:.1f}H{place(high):.1f}'
                f'M{place(low):.1f} {y - 4:.1f}v8M{place(high):.1f} {y - 4:.1f}v8"/>'
            )
        start, end = sorted((place(0.0), place(value)))
        parts.append(
            f'<g class="s0"><text class="name end" x="{left - 8:.1f}" y="{y + 4.5:.1f}">'
            f"{escape(_short(name))}</text>"
            f'<rect class="bar" x="{start:.1f}" y="{y - 8:.1f}" width="{end - start:.1f}" '
            f'height="16" rx="2"/>{drawn}'
            f'<text x="{place(furthest) + 6:.1f}" y="{y + 4.5:.1f}">{number(value)}</text>'
            f"{_title(words)}</g>"
        )
    return _chart(x.name, bottom + _BELOW, parts)


def confusion(
    matrix: npt.ArrayLike, rows: Sequence[str], columns: Sequence[str], *, x: str, y: str
) -> str:
    """A confusion matrix: each cell tells, and is shaded by, its percentage of its row.

    Args:
        matrix: (rows, columns) counts.
        rows: names, of the truth.
        columns: names, of what was answered.
        x: what the columns are.
        y: what the rows are.

    Returns:
        An ``<svg>`` element; the counts stand at the right, and in the words of each cell.
    """
    counts = np.asarray(matrix, dtype=np.float64)
    totals = counts.sum(axis=1)
    shares = 100 * counts / np.maximum(totals[:, None], 1)
    left = 10 + _LETTER * max(len(_short(name)) for name in (*rows, y))
    right = _WIDTH - 8 - _SMALL * max(len(number(total)) for total in totals)
    size = (right - left) / len(columns)
    high = min(size, 34.0)
    # A name that is wider than its column leans.
    leaning = [name for name in map(_short, columns) if _SMALL * len(name) > size + 4]
    top = 44 + 0.7 * _SMALL * max(map(len, leaning), default=0)
    parts = [
        f'<text class="middle" x="{(left + right) / 2:.1f}" y="14">{escape(x)}</text>',
        f'<text class="end" x="{left - 8:.1f}" y="{top - 8:.1f}">{escape(y)}</text>',
        f'<text class="small end" x="{_WIDTH}" y="{top - 8:.1f}">n</text>',
    ]
    for j, name in enumerate(columns):
        lean = _short(name) in leaning
        parts.append(
            f'<text class="name small{"" if lean else " middle"}" transform="translate('
            f'{left + (j + 0.5) * size:.1f} {top - 8:.1f}){" rotate(-45)" if lean else ""}">'
            f"{escape(_short(name))}</text>"
        )
    for i, name in enumerate(rows):
        y0 = top + i * high
        middle = f'y="{y0 + high / 2 + 4.5:.1f}"'
        parts += [
            f'<text class="name end" x="{left - 8:.1f}" {middle}>{escape(_short(name))}</text>',
            f'<text class="small end" x="{_WIDTH}" {middle}>{number(totals[i])}</text>',
        ]
        for j, said in enumerate(columns):
            x0 = left + j * size
            # One photo of many is still seen.
            shade = 0.06 + (_FULL - 0.06) * shares[i, j] / 100 if counts[i, j] else 0
            words = (
                f"{name}, {x} {said}: {number(counts[i, j])} of {number(totals[i])}, "
                f"{number(shares[i, j])} %"
            )
            parts.append(
                f'<rect class="cell" fill-opacity="{shade:.3f}" x="{x0:.1f}" y="{y0:.1f}" '
                f'width="{size:.1f}" height="{high:.1f}">{_title(words)}</rect>'
            )
            if shares[i, j] >= 0.5:
                at = f'x="{x0 + size / 2:.1f}" {middle}'
                parts.append(f'<text class="share" {at}>{shares[i, j]:.0f}</text>')
    return _chart(f"{y} and {x}", top + high * len(rows) + 4, parts)


@dataclass(frozen=True)
class _Frame:
    """Two axes with their spans around a field of pixels."""

    x: Axis
    y: Axis
    left: float
    top: float

    def at(self, a: float, b: float) -> tuple[float, float]:
        """The pixel of a value of each axis."""
        across = self.left + self.x.share(a) * (_WIDTH - _RIGHT - self.left)
        return across, self.top + (1 - self.y.share(b)) * _HEIGHT

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        """A line through the points."""
        told = ("{:.1f} {:.1f}".format(*self.at(a, b)) for a, b in points)
        return "M" + "L".join(told)

    def rulers(self) -> list[str]:
        """Lines and numbers of both axes."""
        bottom, right = self.top + _HEIGHT, _WIDTH - _RIGHT
        across = []
        for tick in self.y.ticks:
            y = self.top + (1 - self.y.share(tick)) * _HEIGHT
            across.append(
                f'<path class="grid" d="M{self.left:.1f} {y:.1f}H{right}"/>'
                f'<text class="end" x="{self.left - 7:.1f}" y="{y + 4.5:.1f}">{number(tick)}</text>'
            )
        return [*across, *_ticks(self.x, self.left, right, self.top, bottom)]


def _ticks(x: Axis, left: float, right: float, top: float, bottom: float) -> list[str]:
    """Lines, numbers and label of an axis that runs to the right."""
    places = [left + x.share(tick) * (right - left) for tick in x.ticks]
    parts = [f'<path class="grid" d="M{at:.1f} {top}V{bottom}"/>' for at in places]
    words = list(zip(places, map(number, x.ticks), strict=True))
    # Where numbers would run into one another, every second is told, or third; all lines stay.
    told = next(part for step in count(1) if _apart(part := words[::step]))
    parts += [
        f'<text class="middle" x="{a:.1f}" y="{bottom + 18}">{word}</text>' for a, word in told
    ]
    parts.append(f'<path class="base" d="M{left:.1f} {bottom}H{right:.1f}"/>')
    middle = f'x="{(left + right) / 2:.1f}" y="{bottom + 39}"'
    return [*parts, f'<text class="middle" {middle}>{escape(x.label)}</text>']


def _apart(words: Sequence[tuple[float, str]]) -> bool:
    return all(
        b - a > _LETTER * (len(before) + len(after)) / 2 + 6
        for (a, before), (b, after) in pairwise(words)
    )


def _finite(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    pairs = ((float(a), float(b)) for a, b in zip(xs, ys, strict=True))
    return [pair for pair in pairs if all(map(math.isfinite, pair))]


def _legend(names: Sequence[str]) -> tuple[list[str], int]:
    """A sample of each line with its name, in rows, and where the field below them begins."""
    parts, x, y = [], 0.0, 36
    for i, name in enumerate(names):
        width = 40 + _LETTER * len(_short(name))
        if x and x + width > _WIDTH:
            x, y = 0.0, y + 21
        parts.append(
            f'<g class="s{i % len(_SERIES)}"><path class="line" d="M{x:.1f} {y - 4.5}h24"/>'
            f'<text class="name" x="{x + 30:.1f}" y="{y}">{escape(_short(name))}'
            f"{_title(name)}</text></g>"
        )
        x += width
    return parts, y + 14


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _title(words: str) -> str:
    return f"<title>{escape(words)}</title>"


def _chart(label: str, height: float, parts: Iterable[str]) -> str:
    size = f'viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" height="{height:.0f}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {size} role="img" '
        f'aria-label="{escape(label)}"><style>{_STYLE}</style>'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"
