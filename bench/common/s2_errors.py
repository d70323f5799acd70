"""Where India's photos were put: a line from each landmark to every place it was taken for."""

from __future__ import annotations

from html import escape

import numpy as np

from graticule import atlas, sphere

#: India with room around it: south, north, west, east.
BOX = (5.0, 37.5, 67.0, 98.0)
WIDTH = 760
STYLE = """
.sea{fill:#dde8ee}.land{fill:#f7f4ec;stroke:#9aa7ad;stroke-width:.5}
.state{fill:none;stroke:#c3c0b4;stroke-width:.4}.wrong{stroke:#c8430a;stroke-opacity:.45}
.true{stroke:#fff;stroke-width:.8}text{font:11px sans-serif;fill:#3c464c}
"""


def draw(true: np.ndarray, said: np.ndarray, names: np.ndarray, title: str) -> str:
    """An SVG of India: landmarks coloured by their photos within 25 km, lines to wrong answers.

    Args:
        true: (n, 2) where photos were taken.
        said: (n, 2) where they were put.
        names: (n,) of the landmarks.
        title: above the map.
    """
    south, north, west, east = BOX
    squeeze = np.cos(np.radians((south + north) / 2))
    scale = WIDTH / ((east - west) * squeeze)
    height = round((north - south) * scale) + 40

    def at(latlon: np.ndarray) -> np.ndarray:
        points = np.atleast_2d(latlon)
        x = (points[:, 1] - west) * squeeze * scale
        return np.stack([x, 40 + (north - points[:, 0]) * scale], axis=1)

    def path(lonlat: np.ndarray, closed: bool = True) -> str:
        inside = (
            (lonlat[:, 0] > west - 5) & (lonlat[:, 0] < east + 5)
            & (lonlat[:, 1] > south - 5) & (lonlat[:, 1] < north + 5)
        )  # fmt: skip
        if not inside.any():
            return ""
        dots = at(lonlat[:, ::-1])
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in dots) + ("Z" if closed else "")

    import shapely

    land = "".join(path(np.asarray(line)) for line in atlas.outlines())
    states = "".join(
        path(shapely.get_coordinates(ring))
        for code, shape in atlas.region_polygons().items()
        if code.startswith("IN-")
        for ring in shapely.get_rings(shapely.get_parts(shape))
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="{escape(title)}"><style>{STYLE}</style>',
        f'<rect class="sea" width="{WIDTH}" height="{height}"/>',
        f'<path class="land" fill-rule="evenodd" d="{land}"/><path class="state" d="{states}"/>',
    ]
    km = sphere.haversine(true, said)
    dots = []
    for name in np.unique(names):
        own = names == name
        middle = true[own].mean(axis=0)
        (x, y) = at(middle)[0]
        wrong = said[own & (km > 25)]
        bins, counts = np.unique(wrong.round(1), axis=0, return_counts=True)
        for (u, v), count in zip(at(bins) if len(bins) else [], counts, strict=True):
            width = 0.4 + 3.0 * np.sqrt(count / own.sum())
            parts.append(
                f'<line class="wrong" x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}" '
                f'stroke-width="{width:.1f}"/>'
            )
        share = float((km[own] <= 25).mean())
        dots.append(
            f'<circle class="true" cx="{x:.1f}" cy="{y:.1f}" r="{3 + np.sqrt(own.sum()) / 3:.1f}" '
            f'fill="hsl({120 * share:.0f},60%,42%)"><title>{escape(str(name))}: {own.sum()} '
            f"photos, {share:.0%} within 25 km</title></circle>"
        )
    parts += [
        *dots,
        f'<rect class="sea" width="{WIDTH}" height="38"/>',
        f'<text x="8" y="16">{escape(title)}</text>',
        '<text x="8" y="31">Green: its photos are found within 25 km; red: none is. A line goes '
        "from a landmark to each place it was taken for.</text></svg>",
    ]
    return "\n".join(parts) + "\n"
