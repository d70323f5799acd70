"""The README's blocks run as they stand, and its figures are those that programs measured."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from graticule.photos.manifest import Manifest

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"```(\w+)( \w+)?\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)


@pytest.fixture(scope="module")
def folder(planet: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README's commands find: photos, albums by city, and a table of predictions."""
    home = tmp_path_factory.mktemp("readme")
    paths, cities = planet.column("path"), planet.column("city")
    (home / "photos").mkdir()
    for name, path in zip(("one.jpg", "two.jpg"), paths[:2], strict=True):
        shutil.copy(planet.file(str(path)), home / "photos" / name)
    for path, city in zip(paths, cities, strict=True):
        if city:
            (home / "albums" / city).mkdir(parents=True, exist_ok=True)
            shutil.copy(planet.file(str(path)), home / "albums" / city / Path(path).name)
    rows = [
        f"{path},{lat:.4f},{lon:.4f}"
        for path, (lat, lon) in zip(paths, planet.latlon, strict=True)
        if lat == lat
    ]
    text = "\n".join(["path,lat,lon", *rows]) + "\n"
    (home / "predictions.csv").write_text(text, encoding="utf-8")
    (home / "photos.csv").write_text(text, encoding="utf-8")
    for path in paths:
        target = home / str(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(planet.file(str(path)), target)
    return home


def commands(kind: str) -> list[str]:
    return [
        line
        for language, mark, text in BLOCKS
        if language == "sh" and mark.strip() == kind
        for line in text.splitlines()
        if line.strip()
    ]


def started(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    # The checkout's own package, also where it is not installed.
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def run(line: str, folder: Path) -> None:
    words = line.split()
    assert words[0] == "graticule"
    ran = started(["-m", *words], folder)
    assert ran.returncode == 0, f"{line}\n{ran.stdout}\n{ran.stderr}"


@pytest.mark.parametrize("line", commands(""))
def test_a_command_of_the_readme_runs(line: str, folder: Path) -> None:
    run(line, folder)


def test_the_python_of_the_readme_runs(folder: Path) -> None:
    for language, _, text in BLOCKS:
        if language == "python":
            ran = started(["-c", text], folder)
            assert ran.returncode == 0, ran.stderr
            assert "one.jpg" in ran.stdout


@pytest.mark.slow
def test_the_three_commands_of_training_run(folder: Path) -> None:
    pytest.importorskip("torch")
    for line in commands("train"):
        run(line, folder)


def test_the_figures_are_the_measured_ones() -> None:
    script = ROOT / "scripts" / "readme.py"
    assert subprocess.run([sys.executable, script, "--check"], check=False).returncode == 0


def test_pictures_and_pages_it_names_are_there() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    named = re.findall(r"""[`"]((?:docs|src)/[\w./-]+)[`"]""", text)
    assert len(named) > 3
    for name in named:
        assert (ROOT / name).is_file(), name
