from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.errors import ManifestError
from graticule.photos import manifest

PLAIN = "path,lat,lon,country\na.jpg,48.85,2.35,FR\nb/c.jpg,,,NA\n"


def _written(folder: Path, text: str | bytes, name: str = "manifest.csv") -> manifest.Manifest:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return manifest.read(file)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", ";").replace("48.85", "48,85").replace("2.35", "2,35"),
        PLAIN.replace(",,,", ",N/A,NA,"),
        PLAIN.replace("path,lat", " Path ,LAT"),
        PLAIN.replace("a.jpg", '"a.jpg"').rstrip("\n"),
    ],
    ids=["plain", "bom", "crlf", "semicolon", "tab", "comma", "n/a", "header", "quotes"],
)
def test_every_way_of_writing_a_table_reads_the_same(tmp_path: Path, text: str) -> None:
    read = _written(tmp_path, text)
    assert len(read) == 2
    np.testing.assert_array_equal(read.latlon, [[48.85, 2.35], [np.nan, np.nan]])
    # NA is Namibia where a country stands, and "unknown" where a number stands.
    assert list(read.column("country")) == ["FR", "NA"]
    assert read.files() == [tmp_path / "a.jpg", tmp_path / "b" / "c.jpg"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty file"),
        ("filename,lat,lon\na,1,2\n", "rename 'filename' to 'path'"),
        ("path,latitude,lon\na,1,2\n", "rename 'latitude' to 'lat'"),
        ("path,lat\na,1\n", "no column 'lon'"),
        ("path,path\na,b\n", "twice"),
        ("path\na\n".encode("utf-16"), "UTF-16"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not a text file"),
        ("path,city\na,Málaga\n".encode("latin-1"), "UTF-8"),
    ],
)
def test_what_is_no_manifest_is_told_in_one_line(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    with pytest.raises(ManifestError, match=words) as caught:
        _ = _written(tmp_path, text).table
    assert "manifest.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there_or_not_parquet(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such file"):
        manifest.read(tmp_path / "none.csv")
    with pytest.raises(ManifestError, match="a folder"):
        manifest.read(tmp_path)
    (tmp_path / "x.parquet").write_bytes(b"no")
    with pytest.raises(ManifestError, match="not a Parquet file"):
        manifest.read(tmp_path / "x.parquet")


def test_malformed_lines_are_passed_over_and_handed_out(tmp_path: Path) -> None:
    read = _written(tmp_path, "path;lat;lon\na;1;2\nb,1,2\nc;3;4;5\nd;5;6\n")
    bad: list[manifest.BadRow] = []
    rows = [name for batch in read.batches(["path"], bad_rows=bad) for name in batch[0].to_pylist()]
    assert rows == ["a", "d"]
    assert [(row.row, row.values) for row in bad] == [(3, 1), (4, 4)]


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../x.jpg", "a/../../x.jpg", "C:\\x.jpg", "..\\x"]
)
def test_a_path_that_leaves_its_folder_is_not_followed(tmp_path: Path, name: str) -> None:
    read = manifest.from_table(pa.table({"path": ["fine.jpg"]}), tmp_path / "m.csv")
    with pytest.raises(ManifestError):
        read.file(name)
    assert read.file("a/../b..c.jpg") == tmp_path / "a/../b..c.jpg"


def test_filter_by_expression_mask_and_numbers(planet: manifest.Manifest) -> None:
    mask = planet.column("scene") == "city"
    lazily = planet.filter(pc.field("scene") == "city")
    assert 0 < len(lazily) == mask.sum() < len(planet)
    assert list(lazily.column("path")) == list(planet.filter(mask).column("path"))
    assert list(planet.filter(np.array([3, 1])).column("path")) == [
        planet.column("path")[3],
        planet.column("path")[1],
    ]
    both = lazily.filter(pc.field("clue") == "yes")
    assert set(both.column("scene")) == {"city"}
    assert set(both.column("clue")) == {"yes"}
    with pytest.raises(ManifestError, match="no column 'nothing'"):
        list(planet.batches(["nothing"]))


def test_parquet_of_any_types_reads_as_the_schema_says(tmp_path: Path) -> None:
    table = pa.table(
        {
            "path": pa.array(["a", "b"]).dictionary_encode(),
            "lat": pa.array([1, 2], pa.float32()),
            "lon": ["3,5", None],
            "fold": [0, 1],
            "captured_at": pa.array([0, None], pa.timestamp("s")),
        }
    )
    pq.write_table(table, tmp_path / "m.parquet")
    read = manifest.read(tmp_path / "m.parquet")
    np.testing.assert_array_equal(read.latlon, [[1, 3.5], [2, np.nan]])
    assert list(read.column("fold")) == ["0", "1"]
    assert list(read.column("captured_at")) == ["1970-01-01T00:00:00", ""]


_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"])
    | st.sampled_from(",;\"'\n "),
    max_size=8,
).map(str.strip)
_CELL = _TEXT.filter(lambda text: text not in {"N/A", "n/a", "null", "NULL", "None", "nan", "NaN"})


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(_CELL, st.none() | st.floats(-90, 90, allow_subnormal=False), _CELL),
        min_size=1,
        max_size=6,
    ),
    suffix=st.sampled_from([".csv", ".parquet"]),
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float | None, str]], suffix: str
) -> None:
    file = tmp_path_factory.mktemp("m") / f"m{suffix}"
    names = [f"p{i}/{row[0]}" for i, row in enumerate(rows)]
    table = pa.table(
        {
            "path": pa.array(names, pa.string()),
            "lat": pa.array([row[1] for row in rows], pa.float64()),
            "lon": pa.array([row[1] for row in rows], pa.float64()),
            "city": pa.array([row[2] for row in rows], pa.string()),
        }
    )
    assert manifest.write(table, file) == len(rows)
    read = manifest.read(file)
    assert [name.replace("\r\n", "\n") for name in read.column("path")] == [
        n.strip() for n in names
    ]
    assert list(read.column("city")) == [row[2] for row in rows]
    np.testing.assert_array_equal(
        read.latlon[:, 0], np.array([row[1] for row in rows], dtype=float)
    )


def test_a_disk_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("whole")

    def broken():
        yield pa.RecordBatch.from_pydict({"path": ["a"]})
        raise OSError(28, "No space left on device")

    with pytest.raises(Exception, match="No space left"):
        manifest.write(broken(), file)
    assert file.read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["m.csv"]


def test_the_development_photos_load_as_they_are(shared: Path) -> None:
    read = manifest.read(shared / "photos" / "manifest.csv")
    assert len(read) > 13_000
    assert np.isfinite(read.latlon).all(axis=1).sum() > 3_000
    assert read.files()[0].is_file()
