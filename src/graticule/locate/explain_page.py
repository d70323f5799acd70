"""An explanation as one HTML file that opens offline, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.answer import Match
from graticule.draw import page as shell
from graticule.locate.explain import Change, Explanation, overlay
from graticule.locate.looks import looks
from graticule.output.summary import percent

_SIDE, _SMALL = 720, 150
_STYLE = """
.pair { display: flex; flex-wrap: wrap; gap: 1rem; }
.pair figure { margin: 0; flex: 1 1 20rem; max-width: 33rem; position: relative; }
.pair img { width: 100%; border-radius: 8px; display: block; }
.page figcaption { color: var(--soft); font-size: .9rem; margin-top: .3em; }
.shown { position: relative; }
.shown span { position: absolute; transform: translate(-50%, -50%); width: 1.6em; height: 1.6em;
  border-radius: 50%; background: var(--paper); color: var(--ink); border: 2px solid var(--accent);
  font-size: .8rem; font-weight: 650; line-height: 1.35em; text-align: center; }
.looks { display: flex; flex-wrap: wrap; gap: .7rem; }
.looks figure { margin: 0; width: 9.4rem; font-size: .8rem; overflow-wrap: anywhere; }
.looks img { width: 100%; border-radius: 6px; }
"""


def page(
    found: Explanation, name: str, indexed: Callable[[str], Path | None] = lambda _: None
) -> str:
    """The photo, its heat, what gains and loses, and alike photos.

    Args:
        found: the explanation.
        name: of the photo.
        indexed: from the name of a photo of the user's index to its file.
    """
    unseen = "" if _all_seen(found) else " Dimmed: not seen by the model."
    body = f"""<h1>What spoke in {escape(name)}</h1>
<p>Likeliest: <b>{escape(found.name)}</b>, {percent(found.probability)}. Each part of the picture
was blurred away in turn. Warm parts spoke for this answer, cool ones against it; the strongest has
full colour. This says what the model looked at, not where the photo was taken.</p>
<div class="pair">
<figure>{_image(_small(found.picture))}<figcaption>The photo.</figcaption></figure>
<figure><div class="shown">{_image(overlay(found, _SIDE))}{_marks(found)}</div>
<figcaption>What spoke; the most telling parts are numbered.{unseen}</figcaption></figure>
</div>
<h2>When the telling tenth of it is hidden</h2>
{_table([("", change) for change in (*found.lost, *found.gained)])}
<h2>When one part is hidden</h2>
{_table([(str(i + 1), c) for i, p in enumerate(found.parts) for c in (*p.lost, *p.gained)])}
{_looks(found.matches, indexed)}"""
    return shell.document(f"What spoke in {name}", body, styles=[_STYLE])


def as_json(found: Explanation, name: str) -> dict[str, Any]:
    """The explanation as JSON values."""

    def changes(some: Sequence[Change]) -> list[dict[str, Any]]:
        return [
            {"code": c.code, "name": c.name, "before": c.before, "after": c.after} for c in some
        ]

    return {
        "schema_version": 1,
        "photo": name,
        "belief": found.task,
        "answer": {"code": found.cell, "name": found.name, "probability": found.probability},
        "heat": np.round(found.heat, 4).tolist(),
        "seen": [round(edge, 1) for edge in found.box],
        "size": [found.picture.shape[1], found.picture.shape[0]],
        "parts": [
            {
                "row": part.row,
                "column": part.column,
                "heat": round(part.heat, 4),
                "lost": changes(part.lost),
                "gained": changes(part.gained),
            }
            for part in found.parts
        ],
        "lost": changes(found.lost),
        "gained": changes(found.gained),
        "matches": [match.model_dump() for match in found.matches],
    }


def _all_seen(found: Explanation) -> bool:
    height, width = found.picture.shape[:2]
    left, top, right, bottom = found.box
    return left <= 0 and top <= 0 and right >= width and bottom >= height


def _marks(found: Explanation) -> str:
    """Numbers at the telling parts, in percent of the picture."""
    height, width = found.picture.shape[:2]
    left, top, right, bottom = found.box
    grid = len(found.heat)
    out = []
    for number, part in enumerate(found.parts, 1):
        x = (left + (part.column + 0.5) / grid * (right - left)) / width
        y = (top + (part.row + 0.5) / grid * (bottom - top)) / height
        if 0 <= x <= 1 and 0 <= y <= 1:
            out.append(f'<span style="left:{x:.2%};top:{y:.2%}">{number}</span>')
    return "".join(out)


def _table(rows: Sequence[tuple[str, Change]]) -> str:
    lines = []
    numbered = any(number for number, _ in rows)
    last = ""
    for number, change in rows:
        cell = f"<td>{number if number != last else ''}</td>" if numbered else ""
        last = number
        lines.append(
            f"<tr>{cell}<td>{escape(change.name)}</td>"
            f'<td class="number">{100 * change.before:.1f} %</td>'
            f'<td class="number">{100 * change.after:.1f} %</td></tr>'
        )
    names = ("place", "before", "after")
    if not numbered:
        return shell.table(names, lines, numeric=(1, 2))
    return shell.table(("part", *names), lines, numeric=(2, 3))


def _looks(matches: Sequence[Match], indexed: Callable[[str], Path | None]) -> str:
    if not matches:
        return ""
    figures = looks(
        matches,
        indexed,
        _SMALL,
        lambda match: f"{match.lat:.2f}, {match.lon:.2f}; likeness {match.similarity:.2f}",
    )
    return f"<h2>Most alike in your index</h2>{figures}"


def _small(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((_SIDE, _SIDE))
    return np.asarray(image)


def _image(pixels: npt.NDArray[np.uint8]) -> str:
    from PIL import Image

    return f'<img alt="" src="{shell.jpeg(Image.fromarray(pixels), quality=85)}">'
