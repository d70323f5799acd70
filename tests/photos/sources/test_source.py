from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.cli.app import main
from graticule.cli.data import COMMANDS
from graticule.errors import DownloadError, GraticuleError, ManifestError
from graticule.photos import manifest
from graticule.photos.sources import (
    flickr,
    folder,
    im2gps,
    mapillary,
    mp16,
    osv5m,
    places365,
    source,
    yfcc,
)
from made_photos import jpeg, read, save

ABOUTS = [
    *(module.ABOUT for module in (flickr, folder, mapillary, mp16, osv5m, places365, yfcc)),
    *im2gps.BENCHMARKS.values(),
]


@pytest.mark.parametrize("about", ABOUTS, ids=lambda about: about.name)
def test_every_source_has_a_command_with_an_example_and_a_licence(
    about: source.About, capsys: pytest.CaptureFixture[str]
) -> None:
    assert about.name in COMMANDS
    with pytest.raises(SystemExit):
        main(["data", about.name, "--help"])
    assert f"graticule data {about.name} " in capsys.readouterr().out
    assert "Licence: " in about.notice()
    assert "Cite: " in about.notice()
    assert about.columns[0] == "path"
    assert len(about.columns) == len(set(about.columns))


@given(st.text(min_size=1))
def test_any_identity_is_a_name_that_stays_in_its_folder(identity: str) -> None:
    try:
        name = source.safe_name(identity)
    except GraticuleError:
        assert not identity.strip(".")
        return
    assert manifest.path_problem(f"{name}.jpg") == ""
    assert "/" not in name
    assert len(name) <= 120


@given(st.one_of(st.none(), st.text(), st.floats()), st.one_of(st.none(), st.text(), st.floats()))
def test_coordinates_are_a_place_or_nothing(lat: object, lon: object) -> None:
    pair = source.coordinates(lat, lon)
    assert pair is None or (abs(pair[0]) <= 90 and abs(pair[1]) <= 180 and pair != (0, 0))


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [{"path": f"{n}.jpg", "lat": n / 7, "lon": -n / 3, "city": 'A,\n"b"'} for n in range(9)]
    for name in ("m.csv", "m.parquet"):
        assert source.write_rows(rows, tmp_path / name, ("path", "lat", "lon", "city")) == 9
        found = manifest.read(tmp_path / name)
        assert found.latlon[8].tolist() == [8 / 7, -8 / 3]
        assert found.column("city")[0] == 'A,\n"b"'


def test_rows_that_end_in_trouble_are_kept_and_the_trouble_told(tmp_path: Path) -> None:
    def rows() -> Iterator[source.Row]:
        yield {"path": "a.jpg"}
        raise DownloadError("the network is down")

    with pytest.raises(DownloadError, match="network is down"):
        source.write_what_is_there(rows(), tmp_path / "m.csv", ("path",))
    assert read(tmp_path / "m.csv") == [{"path": "a.jpg"}]


def test_an_older_manifest_survives_a_run_without_rows(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path\nold.jpg\n")
    with pytest.raises(ManifestError, match="no photo was found"):
        source.write_rows([], tmp_path / "m.csv", ("path",))
    assert read(tmp_path / "m.csv") == [{"path": "old.jpg"}]


def test_a_link_is_made_once_and_others_are_kept(tmp_path: Path) -> None:
    one, two, out = tmp_path / "one", tmp_path / "two", tmp_path / "out"
    for place in (one, two):
        place.mkdir()
    assert source.reach(out, one) == source.reach(out, one) == "images/"
    assert source.reach(out, two) == "images-2/"
    assert source.reach(tmp_path, one) == "one/"
    assert source.reach(one, one) == ""


def test_a_table_cannot_point_outside_the_photos(tmp_path: Path) -> None:
    save(tmp_path / "secret.jpg", jpeg())
    save(tmp_path / "photos/a.jpg", jpeg())
    finder = source.Finder(tmp_path / "photos", tmp_path / "photos")
    assert finder.find("a.jpg") == "a.jpg"
    assert finder.find("../secret.jpg") is None
    assert finder.find(str(tmp_path / "secret.jpg")) is None
