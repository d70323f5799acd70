"""The audit from the command line: alone, before an evaluation, and before a comparison."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from bundles import RED, make_bundle, photo
from graticule.cli.app import app
from graticule.errors import GraticuleError

RUNNER = CliRunner()


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Five judged photos: one by a photographer of training, one 3 km from it; and predictions."""
    (tmp_path / "train.csv").write_text(
        "path,lat,lon,photographer\nt1,48.86,2.35,ann\nt2,10,10,bob\n", encoding="utf-8"
    )
    (tmp_path / "test.csv").write_text(
        "path,lat,lon,country,photographer\na,48.887,2.35,FR,x\nb,52.52,13.4,DE,bob\n"
        "c,41.9,12.5,IT,x\nd,40.42,-3.7,ES,y\ne,59.91,10.75,NO,z\n",
        encoding="utf-8",
    )
    (tmp_path / "p.csv").write_text(
        "path,lat,lon\na,48.887,2.35\nb,52.52,13.4\nc,0,0\nd,0,0\ne,0,0\n", encoding="utf-8"
    )
    (tmp_path / "q.csv").write_text(
        "path,lat,lon\na,0,0\nb,0,0\nc,41.9,12.5\nd,40.42,-3.7\ne,0,0\n", encoding="utf-8"
    )
    return tmp_path


def run(command: str, folder: Path, *words: str) -> Result:
    files = {"--train", "--test", "-m", "-p", "-o"}
    return RUNNER.invoke(
        app,
        [command]
        + [str(folder / w) if before in files else w
           for before, w in zip(("", *words), words, strict=False)],
    )  # fmt: skip


def counts(said: str) -> dict[str, int]:
    return {
        kind: int(number)
        for number, kind in re.findall(r"^ +(\d+)  (.+?)(?: \(leak\))?$", said, re.MULTILINE)
    }


@pytest.mark.parametrize(("radius", "near"), [("1", 0), ("2.9", 0), ("5", 1)])
def test_the_radius_is_the_users(tables: Path, radius: str, near: int) -> None:
    done = run("audit", tables, "--train", "train.csv", "--test", "test.csv", "--radius", radius)
    assert done.exit_code == 1
    found = counts(done.output)
    assert found[f"within {radius} km of training"] == near
    assert found["same photographer"] == 1


def test_predictions_give_the_headline_as_given_without_each_finding_and_clean(
    tables: Path,
) -> None:
    done = run(
        "audit", tables, "--train", "train.csv", "--test", "test.csv", "-p", "p.csv",
        "--radius", "5", "-o", "found.json",
    )  # fmt: skip
    lines = {line.split(" | ")[0]: line for line in done.output.splitlines() if "| " in line}
    assert "| 5 | 40.0 |" in lines["| none left out"]
    assert "| 1 | 25.0 |" in lines["| within 5 km of training"]
    assert "| 1 | 25.0 |" in lines["| same photographer"]
    assert "| 2 | 0.0 |" in lines["| clean: all that spoil left out"]
    found = json.loads((tables / "found.json").read_text(encoding="utf-8"))
    assert found["as_given"]["within 25 km"] == 40
    assert found["clean"] == found["clean"] | {"photos": 3, "within 25 km": 0}
    (near,) = [f for f in found["findings"] if f["kind"] == "within 5 km of training"]
    assert near["rows"] == ["a"]
    assert near["headline_without"]["within 25 km"] == 25


def test_without_predictions_there_is_no_headline(tables: Path) -> None:
    done = run("audit", tables, "--train", "train.csv", "--test", "test.csv", "-o", "found.json")
    assert "none left out" not in done.output
    assert "clean" not in json.loads((tables / "found.json").read_text(encoding="utf-8"))


def test_an_evaluation_takes_the_radius_too(tables: Path) -> None:
    words = ("-p", "p.csv", "-m", "test.csv", "--train", "train.csv")
    assert "within 5 km of training" not in run("evaluate", tables, *words).output
    done = run("evaluate", tables, *words, "--radius", "5")
    assert "| within 5 km of training | 1 |" in done.output
    assert "Clean: the 3 photos" in done.output


def test_a_comparison_is_audited_and_has_a_clean_table_beside(tables: Path) -> None:
    words = ("-p", "p.csv", "-p", "q.csv", "-m", "test.csv", "--train", "train.csv")
    done = run("compare", tables, *words, "--radius", "5", "-o", "r")
    assert done.exit_code == 0, done.output
    whole, clean = done.output.split("# Systems compared, on 3 photos that no finding")
    assert whole.startswith("# Systems compared, as given")
    assert "5 photos in " in whole
    assert "audit, within 5 km of training: 1 photo:" in whole
    assert "audit, same photographer: 1 photo:" in whole
    assert "3 photos in " in clean
    assert (tables / "r" / "compare.html").is_file()
    found = json.loads((tables / "r" / "compare.json").read_text(encoding="utf-8"))
    rows = [
        {row["name"]: row["scores"]["within 25 km"]["value"] for row in one["rows"]}
        for one in found["comparisons"]
    ]
    assert rows[0] == {"p": 40, "q": 40}
    assert rows[1] == {"p": 0, "q": pytest.approx(200 / 3)}


def test_a_clean_comparison_is_one_table_and_says_what_was_looked_for(tables: Path) -> None:
    done = run("compare", tables, "-p", "p.csv", "-p", "q.csv", "-m", "test.csv")
    assert done.output.count("# Systems compared") == 1
    assert "audit: nothing was found by: label error" in done.output
    assert "training photos were not given" in done.output


@pytest.mark.parametrize("command", ["audit", "evaluate", "compare"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "mini"), "--train FILE"),
        (("--model", "mini", "--train", "train.csv", "--no-pixels"), "leave out --no-pixels"),
    ],
)
def test_a_model_for_the_audit_needs_photos_on_both_sides(
    tables: Path, command: str, words: tuple[str, ...], said: str
) -> None:
    given = {
        "audit": ("--test", "test.csv"),
        "evaluate": ("-p", "p.csv", "-m", "test.csv"),
        "compare": ("-p", "p.csv", "-p", "q.csv", "-m", "test.csv"),
    }
    found = run(command, tables, *given[command], *words)
    assert isinstance(found.exception, GraticuleError)
    assert said in str(found.exception)


@pytest.mark.parametrize("radius", ["-1", "nan", "far", "30000"])
def test_a_radius_that_is_none_is_refused(tables: Path, radius: str) -> None:
    done = run("audit", tables, "--test", "test.csv", "--radius", radius)
    assert done.exit_code == 2
    assert "--radius" in done.output


def test_predictions_of_others_are_audited_by_a_models_vectors(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        rows = f"path,lat,lon\n{name}/0.png,{10 if name == 'train' else 50},9\n"
        (tmp_path / f"{name}.csv").write_text(rows, encoding="utf-8")
    photo(tmp_path / "train" / "0.png", RED, seed=1)
    noise = np.random.default_rng(2).integers(0, 30, (60, 60, 3)) + np.array([200, 30, 30])
    Image.fromarray(noise.astype(np.uint8)).save(tmp_path / "test" / "0.png")
    (tmp_path / "p.csv").write_text("path,lat,lon\ntest/0.png,50,9\n", encoding="utf-8")
    words = ("-p", "p.csv", "-m", "test.csv", "--train", "train.csv")
    assert "alike a training photo" not in run("evaluate", tmp_path, *words).output
    done = run("evaluate", tmp_path, *words, "--model", str(bundle))
    assert "| alike a training photo | 1 |" in done.output, done.output
