"""What a manifest holds, counted in one pass: by country, source, split, licence; and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import numpy.typing as npt

from graticule.photos.manifest import Manifest

#: Columns that are counted by value, beside those whose name begins with ``split``.
COUNTED = ("country", "source", "split", "licence", "scene", "fold")
#: Side of a box on the map, in degrees.
BOX = 0.25
#: Boxes that are drawn; beyond it the fullest are.
MAX_BOXES = 4000


@dataclass
class Summary:
    """Counts of a manifest.

    Attributes:
        rows: all rows.
        filled: column → rows where it is known.
        counts: column → value → rows, for the columns that are counted.
        boxes: box on the map → rows, boxes numbered from the south-west.
    """

    rows: int = 0
    filled: Counter[str] = field(default_factory=Counter)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    boxes: Counter[int] = field(default_factory=Counter)

    def places(self) -> npt.NDArray[np.float64]:
        """The middle of each box and its rows, fullest first: (k, 3) of lat, lon, rows."""
        found = self.boxes.most_common(MAX_BOXES)
        if not found:
            return np.empty((0, 3))
        numbers, rows = np.array(found, dtype=np.int64).T
        lat, lon = np.divmod(numbers, round(360 / BOX))
        return np.stack([(lat + 0.5) * BOX - 90, (lon + 0.5) * BOX - 180, rows], axis=1)


def summarise(manifest: Manifest) -> Summary:
    """Count a manifest's rows, in bounded memory."""
    import pyarrow.compute as pc

    summary = Summary()
    counted = [name for name in manifest.columns if name in COUNTED or name.startswith("split_")]
    summary.counts = {name: Counter() for name in counted}
    for batch in manifest.batches():
        summary.rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            summary.filled[name] += len(column) - column.null_count
            if name in summary.counts:
                found = pc.value_counts(pc.fill_null(column, ""))
                values, numbers = found.field("values"), found.field("counts")
                summary.counts[name].update(
                    dict(zip(values.to_pylist(), numbers.to_pylist(), strict=True))
                )
        if "lat" in manifest.columns:
            pair = [batch.column(batch.schema.get_field_index(name)) for name in ("lat", "lon")]
            latlon = np.stack([c.to_numpy(zero_copy_only=False) for c in pair], axis=1)
            _add_boxes(summary.boxes, latlon.astype(np.float64))
    return summary


def one_country(summary: Summary) -> str:
    """The country of a manifest that is of one country, else ""."""
    known = [code for code in summary.counts.get("country", {}) if code]
    return known[0] if len(known) == 1 else ""


def count_regions(manifest: Manifest, country: str = "") -> Counter[str]:
    """Rows by region (in India: state): the column's value, else where the coordinates lie.

    Args:
        manifest: what is counted.
        country: a row of coordinates elsewhere counts as unknown; "" takes all countries.
    """
    from graticule import atlas

    counts: Counter[str] = Counter()
    wanted = [name for name in ("region", "lat", "lon") if name in manifest.columns]
    for batch in manifest.batches(wanted):
        columns = {
            name: batch.column(batch.schema.get_field_index(name)).to_numpy(zero_copy_only=False)
            for name in batch.schema.names
        }
        found = np.full(batch.num_rows, "", dtype=object)
        if "lat" in columns and "lon" in columns:
            latlon = np.stack([columns["lat"], columns["lon"]], axis=1).astype(np.float64)
            here = np.isfinite(latlon).all(axis=1) & (np.abs(latlon[:, 0]) <= 90)
            codes, names = atlas.regions(latlon[here])
            if country:
                names = np.where(np.char.startswith(codes, f"{country}-"), names, "")
            found[here] = names
        if "region" in columns:
            own = np.array([value or "" for value in columns["region"]], dtype=object)
            found = np.where(own != "", own, found)
        counts.update(found.tolist())
    return counts


def _add_boxes(boxes: Counter[int], latlon: npt.NDArray[np.float64]) -> None:
    known = latlon[np.isfinite(latlon).all(axis=1)]
    known = known[(np.abs(known[:, 0]) <= 90) & (np.abs(known[:, 1]) <= 180)]
    high, wide = round(180 / BOX), round(360 / BOX)
    lat = np.minimum(((known[:, 0] + 90) / BOX).astype(np.int64), high - 1)
    lon = np.minimum(((known[:, 1] + 180) / BOX).astype(np.int64), wide - 1)
    numbers, rows = np.unique(lat * wide + lon, return_counts=True)
    boxes.update(dict(zip(numbers.tolist(), rows.tolist(), strict=True)))


def world_svg(summary: Summary, title: str) -> str:
    """A map: countries by their rows (dark is many, on a log scale), and every place."""
    from graticule.draw.svg import worldmap

    countries = {code: n for code, n in summary.counts.get("country", {}).items() if code}
    most = max(countries.values(), default=1)
    shades = {code: float(np.log1p(n) / np.log1p(most)) for code, n in countries.items()}
    return worldmap(points=summary.places()[:, :2], values=shades, title=title)


def page(summary: Summary, name: str, top: int = 40) -> str:
    """A page with the map and the counts; needs no network."""
    from graticule.draw.page import document

    located = sum(summary.boxes.values())
    boxes = len(summary.boxes)
    parts = [
        f"<h1>{escape(name)}</h1>",
        f"<p>{summary.rows:,} photos, {located:,} with coordinates in {boxes:,} boxes of "
        f"{BOX:g}°. A darker country has more photos; the scale is logarithmic.</p>",
        world_svg(summary, f"Places of {name}"),
        "<h2>Columns</h2>",
        _table(("column", "known", "share"), _filled(summary)),
    ]
    for column, counts in summary.counts.items():
        parts.append(f"<h2>By {escape(column)}</h2>")
        rows = [(value or "unknown", f"{n:,}") for value, n in counts.most_common(top)]
        parts.append(_table((column, "photos"), rows))
        if len(counts) > top:
            parts.append(f'<p class="note">and {len(counts) - top:,} more</p>')
    return document(name, "\n".join(parts))


def _filled(summary: Summary) -> list[tuple[str, str, str]]:
    return [
        (name, f"{n:,}", f"{n / max(1, summary.rows):.0%}") for name, n in summary.filled.items()
    ]


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Words in the first column, numbers in the others."""
    from graticule.draw.page import table

    cells = (
        f"<tr><td>{escape(first)}</td>"
        + "".join(f'<td class="number">{escape(value)}</td>' for value in rest)
        + "</tr>"
        for first, *rest in rows
    )
    return table(names, cells, numeric=range(1, len(names)))
