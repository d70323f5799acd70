"""An explanation as one HTML file that opens offline."""

from __future__ import annotations

import base64
import io
from html import escape

import numpy as np
import numpy.typing as npt

from graticule.draw import page as shell
from graticule.locate.explain import Change, Explanation, overlay

_STYLE = """
.page .pair { display: flex; flex-wrap: wrap; gap: 1rem; }
.page .pair figure { margin: 0; flex: 1 1 18rem; max-width: 28rem; }
.page .pair img { width: 100%; border-radius: 8px; }
.page figcaption { color: var(--soft); }
"""


def page(found: Explanation, name: str) -> str:
    """The photo as the model saw it, its heat, and the countries that move."""
    body = f"""<h1>{escape(name)}</h1>
<p>Likeliest: <b>{escape(_name(found, found.cell))}</b>, {found.probability:.0%}. Each part of the
picture was blurred away in turn. Warm parts spoke for this answer, cool ones against it; the
strongest has full colour. This says what the model looked at, not where the photo was taken.</p>
<div class="pair">
<figure>{_image(found.crop)}<figcaption>What the model saw</figcaption></figure>
<figure>{_image(overlay(found))}<figcaption>What spoke</figcaption></figure>
</div>
<h2>When the telling tenth of it is hidden</h2>
<table><tr><th>place</th><th>before</th><th>after</th></tr>
{"".join(_row(found, change) for change in (*found.lost, *found.gained))}</table>"""
    return shell.document(f"What spoke in {name}", body, styles=[_STYLE])


def _row(found: Explanation, change: Change) -> str:
    return (
        f"<tr><td>{escape(_name(found, change.code))}</td>"
        f'<td class="number">{change.before:.1%}</td>'
        f'<td class="number">{change.after:.1%}</td></tr>'
    )


def _name(found: Explanation, cell: str) -> str:
    from graticule import atlas

    return atlas.country_name(cell) if found.task == "countries" else cell


def _image(pixels: npt.NDArray[np.uint8]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="" src="data:image/jpeg;base64,{data}">'
