"""Partitions drawn: an SVG picture, and one HTML file to move about in. Nothing is loaded."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from graticule import atlas
from graticule.atlas.outlines import Scale
from graticule.cells.partition import FloatArray, Partition
from graticule.draw import page
from graticule.draw.projection import densify, equal_earth, outline
from graticule.errors import PartitionError
from graticule.files import atomic

#: Width of the drawing in its own units; lines are simplified to a fraction of one.
_WIDTH: Final = 1600.0
_FINE: Final = 0.12
#: Shades of a cell by its photos, from few to many.
_SHADES: Final = 6

_STYLE: Final = """
.cells { background: var(--sea); width: 100%; height: auto; display: block; touch-action: none; }
.cells .land { fill: var(--land); stroke: var(--coast); }
.cells .border { fill: none; stroke: var(--border); }
.cells .cell { stroke: rgb(var(--heat)); stroke-opacity: .8; fill: rgb(var(--heat)); }
.cells .point { fill: rgb(var(--heat)); }
.cells path, .cells circle { vector-effect: non-scaling-stroke; stroke-width: .7; }
.cells .cell:hover { fill: var(--truth); fill-opacity: .5; }
"""
#: The same colours for a picture that stands alone.
_ALONE: Final = """
svg { --sea: #dde8ee; --land: #f7f4ec; --coast: #9aa7ad; --border: #c3c0b4; --heat: 214, 84, 12;
  --truth: #1763a6; }
"""
_ZOOM: Final = """
"use strict";
(() => {
  const svg = document.querySelector("svg.cells"), box = svg.viewBox.baseVal;
  const all = [box.x, box.y, box.width, box.height];
  const at = e => { const r = svg.getBoundingClientRect();
    return [box.x + (e.clientX - r.x) / r.width * box.width,
            box.y + (e.clientY - r.y) / r.height * box.height]; };
  const zoom = (f, [x, y]) => {
    f = Math.min(f, all[2] / box.width);
    if (box.width * f < all[2] / 4000) return;
    box.x = x - (x - box.x) * f; box.y = y - (y - box.y) * f; box.width *= f; box.height *= f;
    const r = box.width / all[2];
    svg.querySelectorAll("circle").forEach(c => c.setAttribute("r", 2.5 * r));
  };
  svg.addEventListener("wheel", e => { e.preventDefault(); zoom(1.0015 ** e.deltaY, at(e)); },
    { passive: false });
  let from = null;
  svg.addEventListener("pointerdown", e => { from = at(e); svg.setPointerCapture(e.pointerId); });
  svg.addEventListener("pointermove", e => { if (!from) return; const [x, y] = at(e);
    box.x += from[0] - x; box.y += from[1] - y; });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => from = null);
  svg.addEventListener("dblclick", e => zoom(.5, at(e)));
  svg.tabIndex = 0;
  svg.addEventListener("keydown", e => {
    const step = { ArrowLeft: [-.1, 0], ArrowRight: [.1, 0], ArrowUp: [0, -.1],
      ArrowDown: [0, .1] };
    const middle = [box.x + box.width / 2, box.y + box.height / 2];
    if (step[e.key]) { box.x += step[e.key][0] * box.width; box.y += step[e.key][1] * box.height; }
    else if (e.key === "+" || e.key === "=") zoom(.7, middle);
    else if (e.key === "-") zoom(1 / .7, middle);
    else if (e.key === "0") [box.x, box.y, box.width, box.height] = all;
    else return;
    e.preventDefault();
  });
})();
"""


def write_map(partition: Partition, path: str | Path) -> None:
    """Draw a partition to ``.svg`` or ``.html``, whole or not at all.

    Raises:
        PartitionError: another ending.
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind == ".svg":
        text = svg(partition, alone=True)
    elif kind in {".html", ".htm"}:
        text = _page(partition)
    else:
        raise PartitionError(f"{target}: a map of cells is written as .svg or .html")
    with atomic(target) as handle:
        handle.write(text)


def _page(partition: Partition) -> str:
    title = f"{partition.name}: {len(partition):,} cells"
    body = (
        f'<main class="page"><h1>{escape(title)}</h1>\n'
        f'<p class="note">{escape(_summary(partition))} Wheel or + and − zoom, drag or arrows '
        f"move, 0 goes back; a cell says its name when pointed at.</p>\n{svg(partition)}\n"
        f"</main>\n<script>{_ZOOM}</script>\n</body>\n</html>\n"
    )
    return page.head(title, styles=[_STYLE], scripts=[_ZOOM]) + body


def _summary(partition: Partition) -> str:
    counts = partition.counts
    if not counts.any():
        return "No photos are counted."
    return (
        f"{counts.sum():,} photos; {counts.min():,} to {counts.max():,} a cell, "
        f"median {np.median(counts):,.0f}. The darker, the more photos."
    )


class _View:
    """From degrees to the drawing: the Earth in Equal Earth, a part of it in its own scale."""

    def __init__(self, bounds: FloatArray) -> None:
        west, south, east, north = bounds
        self.world = bool(east - west > 150)
        if self.world:
            corners = outline()
        else:
            margin = 0.04 * max(east - west, north - south, 0.02)
            self.squeeze = max(float(np.cos(np.radians((south + north) / 2))), 0.05)
            west, south, east, north = west - margin, south - margin, east + margin, north + margin
            corners = self._flat(np.array([[west, south], [east, north]]))
        self.low, self.high = corners.min(axis=0), corners.max(axis=0)
        self.scale = _WIDTH / float(self.high[0] - self.low[0])
        self.height = self.scale * float(self.high[1] - self.low[1])
        self.clip = (-180.0, -90.0, 180.0, 90.0) if self.world else (west, south, east, north)

    def _flat(self, lonlat: FloatArray) -> FloatArray:
        return np.asarray(lonlat * np.array([self.squeeze, 1.0]))

    def __call__(self, lonlat: FloatArray) -> FloatArray:
        """Degrees, longitude first, (n, 2) → drawing units, y down."""
        plane = equal_earth(lonlat) if self.world else self._flat(lonlat)
        xy = (plane - self.low) * self.scale
        xy[:, 1] = self.height - xy[:, 1]
        return np.asarray(xy)


def svg(partition: Partition, *, alone: bool = False) -> str:
    """The map as an SVG element; ``alone`` brings its colours along."""
    import shapely

    shapes = partition.shapes()
    seen = partition.centers[:, ::-1]
    bounds = np.concatenate([seen.min(axis=0), seen.max(axis=0)])
    view = _View(bounds if shapes is None else shapely.total_bounds(shapes))
    style = f"<style>{_ALONE}{_STYLE}</style>" if alone else ""
    drawn = _base(view)
    drawn += _points(partition, view) if shapes is None else _cells(partition, shapes, view)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cells" role="img" '
        f'viewBox="0 0 {_WIDTH:.0f} {view.height:.0f}" aria-label="{escape(partition.name)}">'
        f"{style}\n" + "\n".join(drawn) + "\n</svg>\n"
    )


def _base(view: _View) -> list[str]:
    """Land and borders."""
    import shapely

    box = shapely.box(*view.clip)

    def drawn(lines: list[FloatArray], end: str) -> str:
        near = (line for line in lines if shapely.box(*_bounds(line)).intersects(box))
        return "".join(_line(line, view) + end for line in near)

    scale: Scale = "110m" if view.world else "50m"
    return [
        f'<path class="land" fill-rule="evenodd" d="{drawn(atlas.outlines(scale), "Z")}"/>',
        f'<path class="border" d="{drawn(atlas.border_lines(scale), "")}"/>',
    ]


def _bounds(line: FloatArray) -> tuple[float, ...]:
    return (*line.min(axis=0).tolist(), *line.max(axis=0).tolist())


def _line(lonlat: FloatArray, view: _View) -> str:
    return _path(view(densify(lonlat) if view.world else lonlat))


def _path(xy: FloatArray) -> str:
    """Points as an SVG path, without those that nobody would see."""
    whole = np.round(xy, 1)
    moved = np.ones(len(whole), bool)
    moved[1:] = (whole[1:] != whole[:-1]).any(axis=1)
    return "M" + "L".join(f"{x:g},{y:g}" for x, y in whole[moved].tolist())


def _shade(counts: npt.NDArray[np.int64]) -> FloatArray:
    """The opacity of each cell by its photos, in steps of their logarithm."""
    logs = np.log1p(counts)
    share = logs / max(float(logs.max()), 1.0)
    return np.asarray(0.08 + 0.6 * np.round(share * (_SHADES - 1)) / (_SHADES - 1))


def _title(partition: Partition, i: int) -> str:
    name, cell = partition.names[i], partition.ids[i]
    label = name if name == cell else f"{name} ({cell})"
    return f"<title>{escape(label)}: {partition.counts[i]:,} photos</title>"


def _cells(partition: Partition, shapes: npt.NDArray[Any], view: _View) -> list[str]:
    import shapely

    flat = shapely.transform(shapely.segmentize(shapes, 2.0) if view.world else shapes, view)
    thin = shapely.simplify(flat, _FINE, preserve_topology=False)
    thin = np.where(shapely.is_empty(thin), flat, thin)
    opacity = _shade(partition.counts)
    out = []
    for i, shape in enumerate(thin):
        rings = shapely.get_rings(shapely.get_parts(shape))
        d = "".join(_path(shapely.get_coordinates(ring)) + "Z" for ring in rings)
        out.append(
            f'<path class="cell" fill-rule="evenodd" fill-opacity="{opacity[i]:.2f}" d="{d}">'
            f"{_title(partition, i)}</path>"
        )
    return out


def _points(partition: Partition, view: _View) -> list[str]:
    xy = view(partition.centers[:, ::-1])
    return [
        f'<circle class="point" r="2.5" cx="{x:.1f}" cy="{y:.1f}">{_title(partition, i)}</circle>'
        for i, (x, y) in enumerate(xy.tolist())
    ]
