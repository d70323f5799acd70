"""Predictions as other projects write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graticule.errors import GraticuleError
from graticule.evaluation.predictions import read_predictions, truth_beside


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


def test_the_truth_beside_a_prediction_is_not_taken_for_it(tmp_path: Path) -> None:
    # As the files of published results have it: both places in one table.
    file = tmp_path / "base.csv"
    file.write_text(
        "img_id,gt_lat,predicted_lat,gt_long,predicted_long,great_circle_distance\n"
        "1_78@N00.jpg,32.3,26.1,-64.7,-77.8,1437.19\n",
        encoding="utf-8",
    )
    found = read_predictions(file)
    np.testing.assert_array_equal(found.latlon, [[26.1, -77.8]])
    truth = truth_beside(file)
    assert truth is not None
    np.testing.assert_array_equal(truth.latlon, [[32.3, -64.7]])
    plain = tmp_path / "plain.csv"
    plain.write_text("path,lat,lon\na,1,2\n", encoding="utf-8")
    assert truth_beside(plain) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "IMG_ID;Latitude;Longitude\n0001;1,5;2,25\n"),
        ("a.tsv", "filename\tLAT\tLNG\n0001\t1.5\t2.25\n"),
        ("a.csv", "0001,1.5,2.25\n"),
        ("a.csv", "image,lat,lon,pred_lat,pred_lon\n0001,9,9,1.5,2.25\n"),
        ("a.csv", 'photo,prediction\n0001,"(1.5, 2.25)"\n'),
        ("a.json", '[{"image": "0001", "lat": 1.5, "lon": 2.25}]'),
        ("a.json", '{"0001": [1.5, 2.25]}'),
        ("a.jsonl", '{"photo": "0001", "lat": 1.5, "lon": 2.25}\n'),
        ("a.csv", "img_id,p_key,pred_lat,pred_lng\n0001,coarse,9,9\n0001,hierarchy,1.5,2.25\n"),
    ],
)
def test_tables_of_many_makers(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    found = read_predictions(file)
    assert found.paths == ("0001",)  # a name that is a number keeps its zeros
    np.testing.assert_array_equal(found.latlon, [[1.5, 2.25]])


def test_namibia_is_no_missing_value(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("path,country\na,NA\n", encoding="utf-8")
    assert read_predictions(file).countries == (("NA",),)


def test_parquet_is_read(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"path": ["a"], "lat": [1.5], "lon": [2.0]}), tmp_path / "p.parquet")
    np.testing.assert_array_equal(read_predictions(tmp_path / "p.parquet").latlon, [[1.5, 2.0]])


def test_broken_lines_are_counted_and_named(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("path,lat,lon\na,1,2\nb,1\nc,3,4\n", encoding="utf-8")
    found = read_predictions(file)
    assert found.paths == ("a", "c")
    assert "1 lines of p.csv" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), ("path,lat,lon\n", "only a header"), ("path,lat,lat\na,1,2\n", "two columns")],
)
def test_tables_without_rows_or_sense_are_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "p.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(GraticuleError, match=words):
        read_predictions(file)


def test_the_first_probability_is_the_confidence_where_no_other_is_given(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    head, rows = "path,countries,probabilities", ("a,FR;IT,0.7;0.2", "b,IT,", "c,ES,0.4")
    file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    np.testing.assert_array_equal(read_predictions(file).confidence, [0.7, np.nan, 0.4])
    own = [f"{row},{sure}" for row, sure in zip(rows, (0.1, 0.2, 0.3), strict=True)]
    file.write_text("\n".join([f"{head},confidence", *own]) + "\n", encoding="utf-8")
    np.testing.assert_array_equal(read_predictions(file).confidence, [0.1, 0.2, 0.3])


def test_percent_is_no_probability_and_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("path,countries,probabilities\na,FR;IT,97;2\nb,IT;FR,60;40\n", encoding="utf-8")
    found = read_predictions(file)
    assert found.shares == ((0.97, 0.02), (0.6, 0.4))
    np.testing.assert_allclose(found.confidence, [0.97, 0.6])
    assert any("probabilities of p.csv" in note and "percent" in note for note in found.notes)


def test_who_names_countries_alone_has_answered(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("path,country\na,FR\nb,\n", encoding="utf-8")
    assert read_predictions(file).abstained.tolist() == [False, True]


def test_the_truth_beside_predictions_is_of_codes(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text(
        "img_id,gt_lat,gt_lon,gt_country,pred_lat,pred_lon\na,38,24,Greece,1,2\nb,38,23,gr,1,2\n"
        "c,38,22,Narnia,1,2\n",
        encoding="utf-8",
    )
    truth = truth_beside(file)
    assert truth is not None
    assert truth.column("country").tolist() == ["GR", "GR", ""]
    assert "Narnia" in truth.notes[0]
