"""``graticule compare`` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bundles import BLUE, GREEN, RED, make_bundle, photo
from graticule.cli.app import app
from graticule.errors import GraticuleError

RUNNER = CliRunner()


def album(folder: Path) -> Path:
    folder.mkdir()
    lines = ["path,lat,lon,country"]
    for number, (colour, place) in enumerate(
        [(RED, "48.86,2.35,FR"), (GREEN, "28.61,77.21,IN"), (BLUE, "-22.91,-43.17,BR")] * 2
    ):
        photo(folder / f"{number}.png", colour, seed=number)
        lines.append(f"{number}.png,{place}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "manifest.csv"


def test_a_bundle_against_a_table_of_answers(tmp_path: Path) -> None:
    manifest, bundle = album(tmp_path / "p"), make_bundle(tmp_path / "b")
    theirs = tmp_path / "theirs.csv"
    theirs.write_text(
        "path,lat,lon,country\n" + "".join(f"{i}.png,0,0,FR\n" for i in range(6)), encoding="utf-8"
    )
    done = RUNNER.invoke(
        app,
        ["compare", str(bundle), "-p", str(theirs), "-m", str(manifest), "-o", str(tmp_path / "r")],
    )
    assert done.exit_code == 0, done.output
    assert "| colours | 100.0" in done.output
    assert "| theirs | 33.3" in done.output
    assert "MB" in done.output
    assert (tmp_path / "r" / "compare.html").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mini"], "--manifest FILE"),
        (["mini", "-m", "x.csv"], "name two systems or more"),
        (["mini", "mini", "-m", "x.csv"], "mini is given twice"),
        (["--recipe", "compare", "-m", "x.csv"], "say -o FOLDER"),
        (["mini", "--recipe", "compare", "-m", "x.csv"], "leave out bundles"),
    ],
)
def test_what_is_missing_is_said_before_any_work(words: list[str], said: str) -> None:
    found = RUNNER.invoke(app, ["compare", *words])
    assert isinstance(found.exception, GraticuleError)
    assert said in str(found.exception)


def test_help_has_examples() -> None:
    assert "Example" in RUNNER.invoke(app, ["compare", "--help"]).output
