from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.errors import ManifestError
from graticule.photos import manifest
from graticule.photos.check import Problem, _hashes, check, write_good_rows

HEAD = "path,lat,lon,country,scene,captured_at,scene_p,split_random\n"
GOOD = "good.jpg,48.85,2.35,FR,city,2019-07-14T21:30:00+02:00,0.9,train\n"


def _problems(folder: Path, *lines: str, files: bool = False) -> list[Problem]:
    file = folder / "m.csv"
    file.write_text(HEAD + GOOD + "".join(line + "\n" for line in lines))
    found: list[Problem] = []
    findings = check(manifest.read(file), files=files, on_problem=found.append)
    assert findings.counts.total() == len(found)
    return found


@pytest.mark.parametrize(
    ("line", "column", "kind", "mend"),
    [
        ("x.jpg,91,2,,,,,", "lat, lon", "latitude beyond", "swap lat and lon"),
        ("x.jpg,2.35,48.85,FR,,,,", "lat, lon", "the swapped place is", "swap lat and lon"),
        ("x.jpg,2.35,190,,,,,", "lat, lon", "longitude beyond", "write -170"),
        ("x.jpg,5e6,4e5,,,,,", "lat, lon", "not degrees", "convert to WGS84"),
        ("x.jpg,0,0,,,,,", "lat, lon", "open sea", "leave both empty"),
        ("x.jpg,0.0,-0.0,FR,,,,", "lat, lon", "open sea", "leave both empty"),
        ("x.jpg,48°N,2,,,,,", "lat", "not a number", "decimal degrees"),
        ("x.jpg,48,,,,,,", "lat", "has no lon", "fill lon"),
        ("x.jpg,,,France,,,,", "country", "unknown country", "write FR"),
        ("x.jpg,,,UK,,,,", "country", "unknown country", "write GB"),
        ("x.jpg,,,deu,,,,", "country", "unknown country", "write DE"),
        ("x.jpg,,,Frence,,,,", "country", "unknown country", "write FR"),
        ("x.jpg,,,QQ,,,,", "country", "unknown country", "ISO 3166-1"),
        ("x.jpg,,,,citty,,,", "scene", "unknown scene", "write city"),
        ("x.jpg,,,,,2019:07:14 21:30:00,,", "captured_at", "ISO 8601", "write 2019-07-14T21:30:00"),
        ("x.jpg,,,,,1563139800,,", "captured_at", "ISO 8601", "1970"),
        ("x.jpg,,,,,,1.5,", "scene_p", "not a probability", "0 to 1"),
        ("x.jpg,,,,,,,training", "split_random", "unknown split_random", "train, val or test"),
        ("../x.jpg,,,,,,,", "path", "leaves its folder", "--root"),
        ("/etc/passwd,,,,,,,", "path", "is absolute", "--root"),
        (",,,,city,,,", "path", "is empty", "--root"),
        ("good.jpg,,,,,,,", "path", "the same path twice", "row 2 has it too"),
        ("x.jpg,1,2", "line", "has 3 values", "8 columns"),
        ("x.jpg;1;2;;;;;", "line", "has 1 values", "separators"),
    ],
)
def test_each_problem_names_row_value_and_mend(
    tmp_path: Path, line: str, column: str, kind: str, mend: str
) -> None:
    (problem,) = _problems(tmp_path, line)
    assert problem.row == 3
    assert problem.column == column
    assert kind in problem.kind
    assert mend in problem.mend
    assert problem.error
    assert "\n" not in str(problem)


def test_a_place_in_another_country_is_a_doubt_not_an_error(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, "x.jpg,52.5,13.4,FR,,,,")
    assert not problem.error
    assert "DE" in problem.mend


def test_good_rows_have_no_problem(tmp_path: Path) -> None:
    lines = ("a.jpg,,,,,,,", "b.jpg,NA,N/A,NA,insidecity,2019,,", '"c,d.jpg","48,85","2,35",,,,,')
    assert _problems(tmp_path, *lines) == []


def test_rows_are_counted_as_a_spreadsheet_does_past_malformed_lines(tmp_path: Path) -> None:
    lines = [
        "ok1.jpg,,,,,,,",
        "bad",
        "ok2.jpg,,,,,,,",
        "bad,bad",
        "x.jpg,0,0,,,,,",
        "y.jpg,0,0,,,,,",
    ]
    rows = sorted((p.row, p.column) for p in _problems(tmp_path, *lines))
    assert rows == [(4, "line"), (6, "line"), (7, "lat, lon"), (8, "lat, lon")]


def test_missing_and_empty_files_are_named_and_the_rest_goes_on(
    tmp_path: Path, planet: manifest.Manifest
) -> None:
    table = planet.table
    names = table.column("path").to_pylist()
    gone = {i for i in range(len(names)) if i % 10 == 3}
    for i, name in enumerate(names):
        if i not in gone:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"" if i == 0 else b"x")
    manifest.write(table, tmp_path / "m.csv")
    before = (tmp_path / "m.csv").read_bytes()
    opened = manifest.read(tmp_path / "m.csv")
    findings = check(opened)
    assert findings.counts == {"no such file": len(gone), "empty file": 1}
    assert findings.bad_rows == len(gone) + 1
    written = write_good_rows(opened, findings, tmp_path / "good.csv")
    assert written == len(names) - len(gone) - 1
    good = manifest.read(tmp_path / "good.csv")
    assert check(good).counts == {}
    kept = [i for i in range(len(names)) if i not in gone and i != 0]
    assert good.table.equals(table.take(kept))
    assert (tmp_path / "m.csv").read_bytes() == before
    with pytest.raises(ManifestError, match="the manifest itself"):
        write_good_rows(opened, findings, tmp_path / "m.csv")


def test_columns_that_were_swapped_whole_are_noticed(tmp_path: Path) -> None:
    # Inland Brazil: open sea if swapped, so the country column is not needed to see it.
    lines = [f"p{i}.jpg,{-50 + i / 50},{-10 + i / 50}" for i in range(60)]
    (tmp_path / "m.csv").write_text("path,lon,lat\n" + "\n".join(lines) + "\n")
    right = check(manifest.read(tmp_path / "m.csv"), files=False)
    (tmp_path / "m.csv").write_text("path,lat,lon\n" + "\n".join(lines) + "\n")
    swapped = check(manifest.read(tmp_path / "m.csv"), files=False)
    assert not right.counts
    assert sum("swapped" in kind for kind in swapped.counts) == 1


def test_declared_scenes_are_known(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path,scene\na.jpg,lava tube\n")
    opened = manifest.read(tmp_path / "m.csv")
    assert check(opened, files=False).bad_rows == 1
    assert check(opened, files=False, scenes=["lava tube"]).bad_rows == 0


def test_the_planet_has_no_problem(planet: manifest.Manifest) -> None:
    assert check(planet).counts == {}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=30))
def test_hashes_are_equal_exactly_where_texts_are(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    hashes = _hashes(pa.array(texts, pa.string()))
    same = np.equal.outer(hashes, hashes)
    assert same.tolist() == [[a == b for b in texts] for a in texts]


def test_the_development_photos_are_in_order(shared: Path) -> None:
    findings = check(manifest.read(shared / "photos" / "manifest.csv"))
    assert findings.rows > 13_000
    assert findings.bad_rows == 0
