"""Photos of an index that a photo is like, as figures of a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from graticule.answer import Match
from graticule.output.html import thumbnail


def looks(
    matches: Sequence[Match],
    indexed: Callable[[str], Path | None],
    side: int,
    words: Callable[[Match], str],
) -> str:
    """A figure for each match, in HTML.

    Args:
        matches: what the index found.
        indexed: a photo's name → its file, None where that is not known.
        side: longest side of a picture, in pixels.
        words: what is said below a match's name.
    """
    figures = []
    for match in matches:
        file = indexed(match.photo)
        data = thumbnail(file, side) if file is not None else None
        picture = f'<img alt="" src="{data}">' if data else ""
        # A long path breaks at its folders rather than within the name.
        name = escape(match.photo).replace("/", "/<wbr>")
        figures.append(
            f"<figure>{picture}<figcaption>{name}<br>{words(match)}</figcaption></figure>"
        )
    return f'<div class="looks">{"".join(figures)}</div>'
