"""What is installed is said, models among it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from graticule.cli.app import main
from graticule.files import cache_dir
from graticule.version import __version__


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0), capsys.readouterr().out


@pytest.fixture
def kept(colours: Path) -> Path:
    """The tiny model where downloaded ones are kept."""
    folder = cache_dir() / "models" / "colours"
    shutil.copytree(colours, folder, dirs_exist_ok=True)
    return folder


def test_models_are_listed_by_the_name_locate_takes(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = said(capsys, "models", "--verbose")
    assert code == 0
    line = next(line for line in out.splitlines() if line.startswith("colours"))
    assert "version 1" in line
    assert "cities, countries" in line
    assert "not calibrated" in line
    assert str(kept) in out
    assert "made by the tests" in out


def test_info(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "info")
    assert code == 0
    assert out.startswith(f"graticule {__version__} on Python 3.")
    assert "onnxruntime" in out
    assert "colours" in out
    assert str(cache_dir()) in out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == (0, f"graticule {__version__}\n")
