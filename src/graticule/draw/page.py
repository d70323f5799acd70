"""One HTML file that needs nothing else: the shell that maps and reports share.

The page's Content-Security-Policy closes the network and allows only the scripts and styles whose
hash it names, so that text from disk could not run even if it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Collection, Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["document", "escape", "head", "jpeg", "json_text", "table"]

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="graticule">
<title>{title}</title>
{styles}
</head>
<body>
"""


def head(
    title: str,
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    style_attributes: bool = False,
) -> str:
    """Everything up to and with ``<body>``.

    Args:
        title: of the page; escaped here.
        styles: CSS after the shared one.
        scripts: JavaScript that the body will hold in ``<script>`` elements of just this text;
            no other script runs.
        style_attributes: allow styles in the body, which maps and charts bring along; they cannot
            run or fetch anything here.
    """
    sheets = [shared("page.css"), *styles]
    policy = "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            "style-src 'unsafe-inline'" if style_attributes else f"style-src {_hashes(sheets)}",
            f"script-src {_hashes(scripts)}" if scripts else "script-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return _HEAD.format(
        policy=policy,
        title=escape(title),
        styles="\n".join(f"<style>{sheet}</style>" for sheet in sheets),
    )


def document(title: str, body: str, *, styles: Sequence[str] = ()) -> str:
    """A whole page around ``body``, which is HTML already, with the light and dark switch."""
    switch = shared("theme.js")
    return (
        head(title, styles=styles, scripts=[switch], style_attributes=True)
        + f'<main class="page">\n{theme_button()}\n{body}\n</main>\n'
        + f"<script>{switch}</script>\n</body>\n</html>\n"
    )


def table(
    names: Sequence[str], rows: Iterable[str], *, numeric: Collection[int] = (), kind: str = ""
) -> str:
    """A table, which moves sideways by itself where the page is too narrow for it.

    Args:
        names: of the columns; escaped here.
        rows: ``<tr>`` elements, HTML already; a number stands in a cell of the class ``number``.
        numeric: columns, from 0, whose names stand to the right as their numbers do.
        kind: the table's class.
    """
    top = "".join(
        f'<th class="number">{escape(name)}</th>' if i in numeric else f"<th>{escape(name)}</th>"
        for i, name in enumerate(names)
    )
    opened = f'<table class="{kind}">' if kind else "<table>"
    return (
        f'<div class="scroll">{opened}<thead><tr>{top}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def from_markdown(text: str) -> str:
    """Our own Markdown as HTML; tables move sideways by themselves, and markup in it is text."""
    from markdown_it import MarkdownIt

    html = str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))
    html = html.replace("<table>", '<div class="scroll"><table>')
    return html.replace("</table>", "</table></div>")


def jpeg(image: Image, quality: int = 72) -> str:
    """A picture as a data URI: its pixels, and nothing of what its file said beside them."""
    bare = image.copy()
    bare.info.clear()
    buffer = io.BytesIO()
    bare.save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def theme_button() -> str:
    """The button that ``theme.js`` brings to life."""
    return '<button type="button" id="theme" class="quiet" hidden>Theme</button>'


def json_text(value: Any) -> str:
    """JSON on one line that can stand inside a script element: no markup can begin in it."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def shared(name: str) -> str:
    """The text of a file beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hashes(texts: Sequence[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
