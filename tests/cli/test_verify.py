"""The command: one photo, many, a table; formats, exit codes, and what is refused at once."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from bundles import GREEN, RED, make_bundle, photo
from locate.test_verify import fitted
from made_photos import run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_bundle(tmp_path_factory.mktemp("models") / "colours", fitted()))


def test_a_photo_and_a_claim(model: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    red = str(photo(tmp_path / "red.jpg", RED))
    assert run("verify", red, "--claim", "Paris, France", "-m", model) == 0
    out, err = capsys.readouterr()
    assert "red.jpg: agrees" in out
    assert "5 % false alarms" in err


def test_a_table_of_claims_goes_on_past_bad_rows(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    photo(tmp_path / "red.jpg", RED)
    photo(tmp_path / "green.jpg", GREEN)
    table = tmp_path / "claims.csv"
    table.write_text(
        "path,lat,lon,claim\n"
        "red.jpg,48.86,2.35,\n"
        'green.jpg,,,"Paris, France"\n'
        "gone.jpg,1,1,\n"
        "../../etc/passwd,1,1,\n"
        "red.jpg,,,Springfield\n"
        "red.jpg,,,\n"
        "red.jpg,139.7,35.7,\n",
        encoding="utf-8",
    )
    assert run("verify", "--claims", str(table), "-m", model, "-f", "json") == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["verdict"] for one in found] == ["agrees", "contradicts"] + [None] * 5
    assert [one["claim_text"] for one in found[4:]] == ["Springfield", "", "139.7,35.7"]
    words = [one["error"] for one in found[2:]]
    for part, error in zip(
        ("no such file", "leaves its folder", "24 towns", "neither", "did you mean"),
        words,
        strict=True,
    ):
        assert part in error
    target = tmp_path / "out" / "verified.csv"
    assert run("verify", "--claims", str(table), "-m", model, "-o", str(target)) == 1
    assert f"2 verified in {target}; 5 could not be read" in capsys.readouterr().err
    rows = list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8"))))
    assert [row["verdict"] for row in rows][:3] == ["agrees", "contradicts", ""]
    assert [row["claim"] for row in rows][4:] == ["Springfield", "", "139.7,35.7"]
    assert rows[0]["false_alarm"] == "0.04"


def test_a_claimed_country_is_named_with_its_share(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    red = str(photo(tmp_path / "red.jpg", RED))
    assert run("verify", red, "--claim", "India", "-m", model) == 0
    told = capsys.readouterr()
    assert "the claim: India " in told.out
    assert "Whole countries, against those of other photos, on 45 places" in told.err


def test_a_page(model: str, tmp_path: Path) -> None:
    red = str(photo(tmp_path / "red.jpg", RED))
    target = tmp_path / "it.html"
    assert run("verify", red, "--claim", "India", "-m", model, "-o", str(target)) == 0
    text = target.read_text(encoding="utf-8")
    assert "contradicts" in text
    assert "data:image/jpeg" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--claim", "Paris"], "give photos and --claim"),
        (["x.jpg"], "give photos and --claim"),
        (["x.jpg", "--claim", "Springfield"], "24 towns"),
        (["x.jpg", "--claim", "1,1", "-f", "pdf"], "choose one of"),
        (["x.jpg", "--claim", "1,1", "--false-alarm", "7"], "there are: 5"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    model: str, capsys: pytest.CaptureFixture, words: list[str], said: str
) -> None:
    assert run("verify", *words, "-m", model) == 1
    err = capsys.readouterr().err
    assert said in err
    assert err.startswith("graticule: ")
    assert err.count("\n") == 1


def test_a_table_without_claims_or_photos_is_named(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("path,country\na.jpg,FR\n", encoding="utf-8")
    assert run("verify", "--claims", str(table), "-m", model) == 1
    assert "needs columns lat and lon, or claim" in capsys.readouterr().err
    table.write_text("path,lat,lon\n", encoding="utf-8")
    assert run("verify", "--claims", str(table), "-m", model) == 1
    assert "no photo to verify" in capsys.readouterr().err
