"""The worked example of docs/adapters.md, run as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import graticule
from bundles import GREEN, picture

PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"


def test_the_worked_example_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {"__name__": "example"})
    answer = graticule.load("./colour-gallery").locate(picture(GREEN))[0]
    assert answer.countries[0].code == "IN"
