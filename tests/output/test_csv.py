"""CSV: a row a photo, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from graticule.answer import Answer
from graticule.output import write
from graticule.output.csv import cell


def test_a_row_a_photo(answers: list[Answer], tmp_path: Path) -> None:
    write(answers, "csv", tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == len(answers)
    first = rows[0]
    assert (first["lat"], first["lon"], first["radius_km_90"]) == ("39.9", "116.4", "1480.0")
    assert (first["country_code"], first["city"]) == ("CN", "Beijing")
    assert first["countries"] == "CN 0.710; JP 0.200"
    assert rows[3]["abstained"] == "true"
    assert rows[3]["lat"] == ""
    assert rows[4]["error"] == "notes.txt: not an image"
    assert rows[5]["photo"] == "'" + answers[5].photo


def test_places_far_apart_and_who_spoke_have_columns(torn: Answer, tmp_path: Path) -> None:
    write([torn], "csv", tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as handle:
        (row,) = csv.DictReader(handle)
    assert row["hypotheses"] == "39.9 116.4 0.600; 35.7 139.7 0.310"
    assert (row["scene"], row["spoke"]) == ("city", "coast")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "＝1"])
def test_formulas_are_quoted(text: str) -> None:
    assert cell(text) == "'" + text


def test_numbers_stay_numbers() -> None:
    assert cell(-33.9) == -33.9
