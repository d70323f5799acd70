"""The shell of a page: closed, escaped, and with its own styles allowed."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from graticule.draw.page import document, head, json_text, table


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


@given(st.text())
def test_json_stays_inside_its_element(words: str) -> None:
    text = json_text({"name": words})
    assert not set(text) & set("<>&\u2028\u2029\n")
    assert json.loads(text) == {"name": words}
