from __future__ import annotations

from pathlib import Path

import pytest

from graticule.errors import GraticuleError, ManifestError
from graticule.photos.sources import folder
from made_photos import geotagged, jpeg, read, run, save


def test_exif_gives_place_and_time(tmp_path: Path) -> None:
    save(tmp_path / "a/b.jpg", geotagged(-33.0, 151.0))
    row = next(iter(folder.rows(tmp_path, tmp_path)))
    assert (row["path"], row["lat"], row["lon"]) == ("a/b.jpg", -33.0, 151.0)
    assert row["captured_at"] == "2019-07-14T21:30:00"


@pytest.mark.parametrize(
    ("label", "name", "value"),
    [
        ("city", "new_york", "new york"),
        ("country", "fr", "FR"),
        ("country", "South Korea", "KR"),
        ("country", "Atlantis", ""),
        ("scene", "forest", "forest"),
    ],
)
def test_folders_may_be_labels(tmp_path: Path, label: str, name: str, value: str) -> None:
    save(tmp_path / name / "deep" / "1.jpg", jpeg())
    assert next(iter(folder.rows(tmp_path, tmp_path, label=label)))[label] == value


def test_an_unknown_label_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(GraticuleError, match="one of country, region, city"):
        list(folder.rows(tmp_path, tmp_path, label="planet"))


@pytest.mark.parametrize(
    "text",
    [
        "filename,latitude,longitude,author\n1.jpg,48.85,2.35,Ana\n",
        "\ufeffimage;lat;lng;owner\r\n1.jpg;48,85;2,35;Ana\r\n",
        "path\tLAT\tLON\tphotographer\n1.jpg\t48.85\t2.35\tAna\n",
    ],
)
def test_a_table_beside_the_photos_wins(tmp_path: Path, text: str) -> None:
    save(tmp_path / "1.jpg", geotagged(10.0, 10.0))
    save(tmp_path / "2.jpg", geotagged(20.0, 20.0))
    save(tmp_path / "t.csv", text.encode())
    one, two = folder.rows(tmp_path, tmp_path, table=tmp_path / "t.csv")
    assert (one["lat"], one["lon"], one["photographer"]) == (48.85, 2.35, "Ana")
    assert (two["lat"], two["lon"]) == (20.0, 20.0)


def test_bad_lines_of_the_table_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    save(tmp_path / "1.jpg", jpeg())
    said: list[str] = []
    (tmp_path / "t.csv").write_text(
        "file,lat,lon\n1.jpg,N/A,2\nmissing.jpg,1,2\n../../etc/passwd,1,2\n"
    )
    rows = list(folder.rows(tmp_path, tmp_path, table=tmp_path / "t.csv", say=said.append))
    assert (rows[0]["lat"], rows[0]["lon"]) == (None, None)
    assert "2 of its photos are not in the folder" in said[0]
    assert "1 coordinates are no place" in said[1]


def test_a_table_of_nothing_here_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "1.jpg", jpeg())
    (tmp_path / "t.csv").write_text("lat,lon\n1,2\n")
    with pytest.raises(ManifestError, match="no column of file names"):
        list(folder.rows(tmp_path, tmp_path, table=tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_text("path,lat,lon\nx.jpg,1,2\n")
    with pytest.raises(ManifestError, match="names no photo"):
        list(folder.rows(tmp_path, tmp_path, table=tmp_path / "t.csv"))


def test_what_is_no_photo_is_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "good.jpg", jpeg())
    save(tmp_path / "bad.jpg", b"no photo")
    save(tmp_path / ".hidden.jpg", jpeg())
    assert run("data", "folder", str(tmp_path), "-o", str(tmp_path)) == 0
    assert [row["path"] for row in read(tmp_path / "manifest.csv")] == ["good.jpg"]
    assert "1 files are no photos" in capsys.readouterr().err


def test_a_manifest_elsewhere_reaches_the_photos_and_parquet_is_written(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    save(tmp_path / "photos/a.jpg", geotagged(1.0, 2.0))
    out = tmp_path / "out"
    assert run("data", "folder", str(tmp_path / "photos"), "-o", str(out / "m.parquet")) == 0
    table = pq.read_table(out / "m.parquet")
    assert table.column("path").to_pylist() == ["images/a.jpg"]
    assert (out / "images/a.jpg").is_file()
    assert run("data", "folder", str(tmp_path / "photos"), "-o", str(out)) == 0
    assert sorted(file.name for file in out.iterdir()) == ["images", "m.parquet", "manifest.csv"]


def test_no_photos_no_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data", "folder", str(tmp_path), "-o", str(tmp_path)) == 1
    assert run("data", "folder", str(tmp_path / "nowhere"), "-o", str(tmp_path)) == 1
    said = capsys.readouterr().err
    assert "no photo was found" in said
    assert "no such folder" in said
    assert list(tmp_path.iterdir()) == []
