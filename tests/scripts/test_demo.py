"""The demo: a table here, a map beside it, and one line when something is wrong."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import graticule
from bundles import GREEN, RED, make_bundle, photo

SCRIPT = Path(__file__).parents[2] / "scripts" / "demo.py"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    found = importlib.util.spec_from_file_location("demo", SCRIPT)
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    locator = graticule.load(make_bundle(tmp_path / "bundle"))
    monkeypatch.setattr(graticule, "load", lambda: locator)
    monkeypatch.setattr(module, "DEMO", tmp_path / "demo")
    return module


def test_a_folder(demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, colour in (("a.png", RED), ("b.png", GREEN)):
        photo(tmp_path / name, colour)
    assert demo.main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "France" in said
    assert "Delhi" in said
    assert said.endswith("map.html\n")
    assert "b.png" in (tmp_path / "demo" / "map.html").read_text(encoding="utf-8")


def test_the_sample(demo: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    assert demo.main([]) == 0
    assert (tmp_path / "demo" / "photos" / "china.jpg").is_file()
    page = (tmp_path / "demo" / "map.html").read_text(encoding="utf-8")
    assert "china.jpg" in page
    assert "data:image/jpeg" in page


def test_one_line_says_what_is_wrong(
    demo: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert demo.main([str(tmp_path / "empty")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("demo: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "demo" / "map.html").exists()
