"""Predictions as other projects write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graticule.errors import GraticuleError
from graticule.evaluation.predictions import read_predictions


def test_csv_with_names_of_other_projects(tmp_path: Path) -> None:
    file = tmp_path / "geo.csv"
    file.write_text(
        "\ufeffimg_id,pred_lat,pred_lng,countries,radius_50\na.jpg,1.5,2,FR;IT,10\nb.jpg,,,,\n",
        encoding="utf-8",
    )
    found = read_predictions(file)
    assert found.name == "geo"
    assert found.paths == ("a.jpg", "b.jpg")
    np.testing.assert_array_equal(found.latlon[0], [1.5, 2])
    assert found.countries == (("FR", "IT"), ())
    assert found.radius_km[50][0] == 10
    assert found.abstained.tolist() == [False, True]


def test_words_for_numbers_are_unknown_places(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("path,lat,lon\na,N/A,none\nb,1,2\n", encoding="utf-8")
    assert np.isnan(read_predictions(file).latlon[0]).all()


def test_answers_of_locate(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    rows = [
        {"photo": "a", "point": {"lat": 1, "lon": 2}, "radius_km": {"50": 7.0},
         "countries": [{"code": "FR", "name": "France", "probability": 0.5}], "abstained": False},
        {"photo": "b", "point": None, "abstained": True, "countries": []},
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = read_predictions(file)
    assert found.countries[0] == ("FR",)
    assert found.confidence[0] == 0.5
    assert found.radius_km[50][0] == 7
    assert found.abstained.tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [("lat,lon\n1,2\n", "no column 'path'"), ("path,x\na,1\n", "neither 'lat'")],
)
def test_missing_columns_are_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "p.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(GraticuleError, match=words):
        read_predictions(file)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GraticuleError, match=r"gone\.csv: no such file"):
        read_predictions(tmp_path / "gone.csv")
