"""``graticule teach`` at the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bundles import BLUE, GREEN, RED, make_bundle, photo
from graticule.cli.app import app
from graticule.errors import GraticuleError

PURPLE = (210, 40, 210)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_bundle(tmp_path / "own")
    for name, colour in {"red": RED, "green": GREEN, "blue": BLUE, "hampi": PURPLE}.items():
        folder = tmp_path / ("hampi" if name == "hampi" else f"albums/{name}")
        folder.mkdir(parents=True)
        for i in range(4):
            photo(folder / f"{i}.png", colour, seed=i)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["teach", *words])
    if isinstance(done.exception, GraticuleError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_taught_listed_and_forgotten(here: Path) -> None:
    own = ("own", "--name", "Hampi", "--photos", "hampi", "--at", "15.335,76.46")
    assert "Hampi at 15.335, 76.46 is known by 4 photos" in run(*own, "--others", "albums")
    assert run("own", "--list") == "Hampi\t15.335,76.46\t4 photos\n"
    assert "Hampi forgotten" in run("own", "--forget", "hampi")
    assert run("own", "--list") == "graticule: own: was taught no place\n"


def test_a_copy_is_taught_with_o(here: Path) -> None:
    before = (here / "own" / "system.json").read_bytes()
    run("./own", "-o", "copy", "-n", "Hampi", "-p", "hampi", "--at", "15.335,76.46",
        "--others", "albums")  # fmt: skip
    assert (here / "own" / "system.json").read_bytes() == before
    assert "Hampi" in run("copy", "--list")
    with pytest.raises(GraticuleError, match="copy: exists"):
        run("own", "-o", "copy", "--forget", "Hampi")


def test_a_copy_that_cannot_be_taught_is_not_left(here: Path) -> None:
    with pytest.raises(GraticuleError, match="none of the 1 photos can be read"):
        run("own", "-o", "copy", "-n", "Hampi", "-p", "nowhere.jpg", "--at", "15.3,76.5")
    assert sorted(file.name for file in here.iterdir()) == ["albums", "hampi", "own"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("own",), "nothing to do"),
        (("own", "--name", "Hampi"), "both --name and --photos"),
        (("mini", "--forget", "Hampi"), "mini: all users share this model"),
        (("own", "-n", "Hampi", "-p", "hampi", "--at", "here"), "--at here: two numbers"),
        (("own", "-n", "Hampi", "-p", "hampi", "--at", "1,2,3"), "--at 1,2,3: two numbers"),
        (("nowhere", "--list"), "no such model"),
    ],
)
def test_wrong_use_is_one_line(here: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(GraticuleError, match=said):
        run(*words)
