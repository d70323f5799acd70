"""The commands on manifests, as a person types them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graticule.cli.app import main
from graticule.cli.data import COMMANDS
from graticule.photos import manifest


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in ("data", *arguments)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def own(planet: manifest.Manifest, tmp_path: Path) -> Path:
    """A copy of the planet's manifest and photos that may be changed."""
    shutil.copytree(planet.root, tmp_path / "planet")
    return tmp_path / "planet" / "manifest.csv"


@pytest.mark.parametrize("name", ["check", "show", "split", "duplicates", "planet"])
def test_help_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, name, "--help")
    assert code == 0
    assert f"graticule data {name} " in out


def test_the_group_lists_its_commands_without_loading_them() -> None:
    script = (
        "import sys; from graticule.cli.app import main\n"
        "try: main(['data', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'pyarrow', 'PIL', 'scipy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    for name in COMMANDS:
        assert f"  {name} " in done.stdout


def test_check_of_good_rows(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "check", own)[:2] == (0, f"{own}: 300 rows, none with errors\n")


def test_check_names_writes_and_reports(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = own.read_text().splitlines()
    broken = [*lines[:2], lines[2].replace(",", ";", 3), *lines[3:]]
    own.write_text("\r\n".join(broken))
    for path in list(own.parent.rglob("*.jpg"))[:30]:
        path.unlink()
    before = own.read_bytes()
    good, report = own.with_name("good.csv"), own.with_name("report.csv")
    code, out, err = run(capsys, "check", own, "--good-rows", good, "--report", report)
    assert code == 1
    assert err == ""
    assert "error: row 3: line" in out
    assert "more of these" in out
    assert own.read_bytes() == before
    problems = report.read_text().splitlines()
    kept = manifest.read(good)
    assert len(kept) == 300 - (len(problems) - 1)
    assert run(capsys, "check", good)[0] == 0


def test_good_rows_have_to_stay_beside_their_photos(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "check", own, "--good-rows", tmp_path / "good.csv")
    assert code == 1
    assert "manifest's folder" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("by", ["random", "photographer", "sequence", "group", "source"])
def test_split_by_a_key(by: str, own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "split", own, "--by", by, "--seed", "3")
    assert code == 0, out
    read = manifest.read(own)
    sides = read.column(f"split_{by}")
    assert set(sides) == {"train", "val", "test"}
    for key in {"group", by} - {"random"}:
        keys = read.column(key)
        assert all(len(set(sides[keys == value])) == 1 for value in np.unique(keys))
    assert set(read.column("split")) == {"train", "val", "test"}


def test_split_by_place_and_time(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "split", own, "--by", "place", "--level", "5", "--buffer", "30")[0] == 0
    target = own.with_suffix(".parquet")
    assert run(capsys, "split", own, "--by", "time", "-o", target)[0] == 0
    read = manifest.read(target)
    assert (read.column("split_place") == "train").any()
    dates, sides = read.column("captured_at"), read.column("split_time")
    assert max(dates[sides == "train"]) < min(dates[sides == "test"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--by", "photographer", "--sizes", "a,b"), "--sizes"),
        (("--by", "photographer", "--sizes", "0.9,0.9,0.1"), "sum to 1"),
        (("--by", "photographer", "-o", "elsewhere.csv"), "manifest's folder"),
    ],
)
def test_split_refuses_in_one_line(
    arguments: tuple[str, ...], words: str, own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = own.read_bytes()
    code, _, err = run(capsys, "split", own, *arguments)
    assert code == 1
    assert words in err
    assert err.count("\n") == 1
    assert own.read_bytes() == before


def test_split_without_the_column_names_those_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.csv").write_text("path,city\na.jpg,Paris\n")
    for by in ("photographer", "place", "time"):
        code, _, err = run(capsys, "split", tmp_path / "m.csv", "--by", by)
        assert code == 1
        assert "it has: path, city" in err


def test_duplicates_join_what_is_there(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = manifest.read(own).column("group")
    code, out, _ = run(capsys, "duplicates", own)
    assert code == 0
    assert "groups" in out
    after = manifest.read(own).column("group")
    assert all(len(set(after[before == name])) == 1 for name in np.unique(before))


def test_duplicates_take_embeddings(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vectors = own.with_name("vectors.npy")
    np.save(vectors, np.eye(300, dtype=np.float32))
    assert run(capsys, "duplicates", own, "--embeddings", vectors)[0] == 0
    np.save(vectors, np.eye(7))
    code, _, err = run(capsys, "duplicates", own, "--embeddings", vectors)
    assert code == 1
    assert "300 rows" in err


def test_show_counts_and_draws(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, picture = own.with_name("page.html"), own.with_name("map.svg")
    code, out, _ = run(capsys, "show", own, "-o", page)
    assert code == 0
    assert "300 photos, 300 with coordinates" in out
    assert "CC0-1.0" in out
    text = page.read_text()
    assert "default-src 'none'" in text
    assert text.count('class="point"') > 3
    assert run(capsys, "show", own, "-o", picture)[0] == 0
    assert picture.read_text().startswith("<svg")
    code, _, err = run(capsys, "show", own, "-o", own.with_name("map.png"))
    assert code == 1
    assert ".html" in err


def test_show_counts_one_countrys_states(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "m.csv"
    rows = ["a.jpg,17.385,78.4867,IN,", "b.jpg,17.4,78.5,IN,", "c.jpg,34.16,77.58,IN,",
            "d.jpg,,,IN,Kerala", "e.jpg,,,IN,", "f.jpg,48.86,2.35,IN,",
            "g.jpg,99,0,IN,"]  # fmt: skip
    table.write_text("\n".join(["path,lat,lon,country,region", *rows]) + "\n", encoding="utf-8")
    code, out, _ = run(capsys, "show", table)
    assert code == 0
    counted = out.partition("by region")[2].splitlines()
    assert "2  Telangana" in counted[1] + counted[2]
    assert any("1  Ladakh" in line for line in counted)
    assert any("1  Kerala" in line for line in counted)
    assert any("3  (unknown)" in line for line in counted)  # Paris lies in no state of India
    table.write_text("path,lat,lon\na.jpg,17.385,78.4867\nb.jpg,48.86,2.35\n", encoding="utf-8")
    assert "by region" not in run(capsys, "show", table)[1]
    out = run(capsys, "show", table, "--by", "region")[1]
    assert "Telangana" in out
    assert "by region (2 values)" in out
    code, _, err = run(capsys, "show", table, "--by", "village")
    assert code == 1
    assert "--by village: region" in err


def test_show_escapes_what_a_manifest_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.csv").write_text("path,source\na.jpg,<script>alert(1)</script>\n")
    assert run(capsys, "show", tmp_path / "m.csv", "-o", tmp_path / "p.html")[0] == 0
    assert "<script>alert" not in (tmp_path / "p.html").read_text()


def test_planet_tells_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "planet"
    code, out, _ = run(capsys, "planet", "-n", 12, "--countries", 3, "-o", folder)
    assert code == 0
    assert "graticule data check" in out
    assert len(manifest.read(folder / "manifest.csv").files()) == 12


def test_the_development_photos_are_checked_split_and_shown(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = shared / "photos" / "manifest.csv"
    assert run(capsys, "check", table)[0] == 0
    copy = tmp_path / "manifest.csv"
    shutil.copy(table, copy)
    assert run(capsys, "split", copy, "--by", "source", "--sizes", "0.6,0.2,0.2")[0] == 0
    read = manifest.read(copy)
    sources, sides = read.column("source"), read.column("split_source")
    assert all(len(set(sides[sources == name])) == 1 for name in np.unique(sources))
    assert set(sides) == {"train", "val", "test"}
    assert run(capsys, "show", table, "-o", tmp_path / "map.html")[0] == 0
    assert (tmp_path / "map.html").read_text().count('class="point"') > 50
