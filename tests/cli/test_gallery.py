"""``graticule gallery build``: places of a user's own, by list, photos, box or drawing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundles import GREEN, make_gallery_bundle, photo
from graticule.cells.files import read_partition
from graticule.cells.gallery import Gallery
from graticule.cli.app import main


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(("spacing", "least"), [("1km", 200), ("500m", 800), ("2", 40)])
def test_a_box_is_filled_as_densely_as_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spacing: str, least: int
) -> None:
    file = tmp_path / "zurich.parquet"
    box = "47.3,8.4,47.45,8.6"
    assert run("gallery", "build", "--box", box, "--spacing", spacing, "-o", file) == 0
    made = read_partition(file)
    assert isinstance(made, Gallery)
    assert least < len(made) < 2 * least
    assert f"{len(made):,} places" in capsys.readouterr().out


def test_a_list_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = tmp_path / "places.csv"
    listed.write_text("lat,lon\n48.86,2.35\n48.86,2.35\n0,-140\nnan,1\n", encoding="utf-8")
    assert run("gallery", "build", "--points", listed, "-o", tmp_path / "g.parquet") == 0
    said = capsys.readouterr().out
    assert "3 places, 1 of them given twice and 1 at sea, all kept; 1 rows are no place" in said


def test_places_of_photos_and_drawn_ones(tmp_path: Path) -> None:
    table = tmp_path / "photos.csv"
    table.write_text("path,lat,lon\na.jpg,1,2\nb.jpg,1,2\nc.jpg,3,4\n", encoding="utf-8")
    assert run("gallery", "build", "--manifest", table, "-o", tmp_path / "p.parquet") == 0
    assert read_partition(tmp_path / "p.parquet").counts.tolist() == [2, 1]
    for by in ("population", "area"):
        files = [tmp_path / f"{by}-{turn}.parquet" for turn in range(2)]
        for file in files:
            assert run("gallery", "build", "--draw", by, "-n", 300, "-o", file) == 0
        assert files[0].read_bytes() == files[1].read_bytes(), "same seed, same points"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "o.parquet"), "choose one"),
        (("--draw", "area", "-n", "0", "-o", "o.parquet"), "one or more"),
        (("--box", "1,2,3", "-o", "o.parquet"), "SOUTH,WEST,NORTH,EAST"),
        (("--box", "1,2,3,4", "--spacing", "1 mile", "-o", "o.parquet"), "write it as 1km"),
        (("--box", "1,2,3,4", "--spacing", "0km", "-o", "o.parquet"), "write it as 1km"),
        (("--box", "1,2,3,4", "-o", "o.csv"), "GeoParquet"),
        (("--points", "no.csv", "-o", "o.parquet"), "no.csv: no such file"),
    ],
)
def test_wrong_use_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("gallery", "build", *words) == 1
    err = capsys.readouterr().err.strip()
    assert said in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_from_a_list_to_an_answer_that_is_resumed_with_the_same_gallery_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_gallery_bundle(tmp_path / "bundle")
    listed = tmp_path / "places.csv"
    listed.write_text("lat,lon\n28.6129,77.2295\n48.8606,2.3376\n", encoding="utf-8")
    wanted, out = photo(tmp_path / "one.png", GREEN), tmp_path / "a.jsonl"
    locate = ("locate", wanted, "-m", bundle, "-f", "json", "-o", out)
    assert run(*locate, "--gallery", listed) == 0
    assert "2 places" in capsys.readouterr().err
    assert '"lat":28.6129' in out.read_text(encoding="utf-8")
    assert run(*locate, "--gallery", listed, "--resume") == 0
    capsys.readouterr()
    assert run(*locate, "--resume") == 1
    assert "answered with another --gallery" in capsys.readouterr().err
