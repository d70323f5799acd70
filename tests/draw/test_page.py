"""The shell of a page: closed, escaped, and with its own styles allowed."""

from __future__ import annotations

import base64
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from graticule.draw.page import document, from_markdown, head, jpeg, json_text, table


def test_a_document_runs_its_own_script_only() -> None:
    text = document("A <title>", "<p>words</p>", styles=["p{color:red}"])
    assert "<title>A &lt;title&gt;</title>" in text
    assert text.count("sha256-") == 1  # the switch of colours
    assert "default-src 'none'" in text
    assert "<p>words</p>" in text
    assert "script-src 'none'" in head("no scripts")
    assert "unsafe" not in head("no scripts")


def test_a_table_escapes_its_names_and_turns_numbers_right() -> None:
    text = table(["a <b>", "n"], ["<tr><td>x</td></tr>"], numeric=(1,), kind="wide")
    assert '<table class="wide">' in text
    assert '<th>a &lt;b&gt;</th><th class="number">n</th>' in text
    assert "<tbody><tr><td>x</td></tr></tbody>" in text


def test_markdown_becomes_tables_and_markup_in_it_is_text() -> None:
    html = from_markdown("## Own\n\n| city | n |\n|---|---:|\n| <b>Lviv</b> & | 3 |\n\n- a note\n")
    assert "<h2>Own</h2>" in html
    assert '<div class="scroll"><table>' in html
    assert "<td>&lt;b&gt;Lviv&lt;/b&gt; &amp;</td>" in html
    assert "<li>a note</li>" in html
    assert from_markdown("") == ""


def test_a_picture_is_its_pixels_alone() -> None:
    from PIL import Image

    image = Image.new("RGB", (8, 8), (200, 30, 30))
    image.info |= {"comment": b"taken at home", "exif": b"Exif\0\0"}
    kept = base64.b64decode(jpeg(image).partition(",")[2])
    assert b"taken at home" not in kept
    assert Image.open(io.BytesIO(kept)).size == (8, 8)
    assert image.info["comment"] == b"taken at home"  # the caller's own is as it was


@given(st.text())
def test_json_stays_inside_its_element(words: str) -> None:
    text = json_text({"name": words})
    assert not set(text) & set("<>&\u2028\u2029\n")
    assert json.loads(text) == {"name": words}
