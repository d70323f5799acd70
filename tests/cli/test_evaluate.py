"""`graticule evaluate` and `audit` from the command line, with good tables and with bad ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from graticule.cli.app import main

Capture = pytest.CaptureFixture[str]


def run(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def tables(folder: Path, rows: str, truth: str | None = None) -> tuple[str, str]:
    (folder / "p.csv").write_text(rows, encoding="utf-8")
    photos = ["a,48.86,2.35,FR", "b,52.52,13.40,DE", "c,41.90,12.50,IT", "d,40.42,-3.70,ES",
              "e,59.91,10.75,NO"]  # fmt: skip
    text = truth or "path,lat,lon,country\n" + "\n".join(photos) + "\n"
    (folder / "m.csv").write_text(text, encoding="utf-8")
    return str(folder / "p.csv"), str(folder / "m.csv")


def evaluated(
    capsys: Capture, folder: Path, rows: str, *words: str, truth: str | None = None
) -> tuple[int, str]:
    p, m = tables(folder, rows, truth)
    code, out, err = run(capsys, "evaluate", "-p", p, "-m", m, *words)
    return code, out + err


GOOD = "path,lat,lon\na,48.8,2.3\nb,52.5,13.4\nc,41.9,12.5\nd,40.4,-3.7\ne,59.9,10.7\n"


def test_a_stranger_gets_a_report_from_one_command(capsys: Capture, tmp_path: Path) -> None:
    code, said = evaluated(capsys, tmp_path, GOOD, "-o", str(tmp_path / "report"))
    assert code == 0, said
    assert "| within 25 km (%) | 100.0 |" in said
    found = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert found["photos"] == 5
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Audit</h2>" in page
    assert not re.search(r"(src|href)=.?https?:|url\(https?:", page)  # opens offline


def test_a_table_that_holds_its_own_truth_needs_no_manifest(
    capsys: Capture, tmp_path: Path
) -> None:
    (tmp_path / "p.csv").write_text(
        "img_id,gt_lat,gt_long,predicted_lat,predicted_long\na,0,0,0,1\nb,0,0,0,0\n",
        encoding="utf-8",
    )
    code, out, err = run(capsys, "evaluate", "-p", tmp_path / "p.csv")
    assert code == 0, err
    assert "| within 1 km (%) | 50.0 |" in out


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            "path,lat,lon\na,48.8,2.3\nz,1,1\n",
            "4 photos of the manifest have no prediction: b, c, d",
        ),
        (GOOD + "a,0,0\n", "1 photo has more than one prediction; the first counts: a"),
        ("path,lat,lon\na,nan,2\nb,,\nc,x,y\n", "1 prediction has one coordinate of two"),
        (
            "path,lat,lon\na,.853,.041\nb,.917,.234\nc,.731,.218\nd,.705,-.065\ne,1.046,.188\n",
            "radians, by the look of it",
        ),
        (
            "path,lon,lat\na,48.8,2.3\nb,52.5,13.4\nc,41.9,12.5\nd,40.4,-3.7\ne,59.9,10.7\n",
            "latitude and longitude look swapped",
        ),
        (
            "path,lat,lon\nout/A.PNG,48.8,2.3\nout/B.PNG,52.5,13.4\n",
            "matched by file name without case and extension",
        ),
    ],
)
def test_bad_predictions_are_scored_and_said(
    capsys: Capture, tmp_path: Path, rows: str, words: str
) -> None:
    code, said = evaluated(capsys, tmp_path, rows)
    assert code == 0, said
    assert words in said


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("path,lat,lon\nx,1,2\n", "have no photo in common (e.g. 'x' and 'a')"),
        ("path,lat,lon\n", "only a header"),
        ("x,y\n1,2\n", "no column 'path'"),
    ],
)
def test_what_cannot_be_judged_is_one_line(
    capsys: Capture, tmp_path: Path, rows: str, words: str
) -> None:
    code, said = evaluated(capsys, tmp_path, rows)
    assert code != 0
    assert words in said
    assert "Traceback" not in said


def test_a_manifest_of_one_country_is_said_to_be(capsys: Capture, tmp_path: Path) -> None:
    truth = "path,lat,lon,country\na,48.86,2.35,FR\nb,45.76,4.84,FR\n"
    code, said = evaluated(capsys, tmp_path, "path,lat,lon\na,48.8,2.3\nb,45.7,4.8\n", truth=truth)
    assert code == 0
    assert "every photo is of one country (FR)" in said


def test_geodesic_distances_on_request(capsys: Capture, tmp_path: Path) -> None:
    pytest.importorskip("pyproj")
    rows = "path,lat,lon\na,-48.8,-177\n"
    _, sphere = evaluated(capsys, tmp_path, rows)
    _, ellipsoid = evaluated(capsys, tmp_path, rows, "--geodesic")
    line = "| median error (km) |"
    assert line in sphere
    assert next(x for x in sphere.splitlines() if line in x) != next(
        x for x in ellipsoid.splitlines() if line in x
    )


def test_photos_that_are_not_here_are_no_defect(capsys: Capture, tmp_path: Path) -> None:
    _, said = evaluated(capsys, tmp_path, GOOD)
    assert "none of the photos is on this machine: none was looked at" in said
    assert "unreadable" not in said


@pytest.mark.parametrize("name", ["Greece", "gr"])
def test_names_of_countries_are_no_label_errors(capsys: Capture, tmp_path: Path, name: str) -> None:
    truth = f"path,lat,lon,country\na,38.0,23.7,{name}\nb,39.6,22.4,{name}\nc,52.5,13.4,Narnia\n"
    rows = "path,lat,lon,country\na,38.0,23.7,GR\nb,39.6,22.4,GR\nc,52.5,13.4,DE\n"
    code, said = evaluated(capsys, tmp_path, rows, truth=truth)
    assert code == 0, said
    assert "| country top-1 (%) | 100.0 |" in said
    assert "1 photo states a country that is none" in said
    code, out, err = run(capsys, "audit", "--test", tmp_path / "m.csv", "--no-pixels")
    assert code == 0, out
    assert "1 photo states a country that is none" in err
    assert err.rstrip().endswith(": Narnia")


def test_a_subset_on_purpose_is_judged_alone(capsys: Capture, tmp_path: Path) -> None:
    few = "path,lat,lon\na,48.8,2.3\n"
    _, said = evaluated(capsys, tmp_path, few)
    assert "| within 25 km (%) | 20.0 |" in said
    _, said = evaluated(capsys, tmp_path, few, "--subset")
    assert "| within 25 km (%) | 100.0 |" in said
    assert "1 photos, 1 with coordinates" in said


def test_the_missing_are_named_in_the_json_one_by_one(capsys: Capture, tmp_path: Path) -> None:
    few = "path,lat,lon\na,48.8,2.3\n"
    evaluated(capsys, tmp_path, few, "-o", str(tmp_path / "report"))
    found = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert found["missing"] == ["b", "c", "d", "e"]
