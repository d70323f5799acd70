"""The published tables: MP-16, YFCC100M, the Im2GPS family; tiny files in their very form."""

from __future__ import annotations

import bz2
from pathlib import Path

import pytest

from graticule.download import Client
from graticule.errors import GraticuleError, ManifestError
from graticule.photos.sources import im2gps, mp16, yfcc
from graticule.photos.sources.pictures import Album
from local_server import LocalServer, Reply, Stopwatch
from made_photos import card, geotagged, jpeg, lines, pack, picture, read, run, save

HEADER = "IMG_ID,AUTHOR,LAT,LON,S3_Label,S16_Label,S365_Label,Prob_indoor,Prob_natural,Prob_urban"
BEACH, BAR = 48, 39  # their numbers among the 365


def benchmark(folder: Path, header: str = HEADER, count: int = 6) -> Path:
    """A table as GeoEstimation publishes it, and the photos it names."""
    rows = []
    for number in range(count):
        name = f"10{number}26968_abc_{number}_7884137{number}@N00.jpg"
        save(folder / name, jpeg(number))
        rows.append((name, f"7884137{number}@N00", 10 + number, 100.5, 1, 6, BEACH, 0.1, 0.7, 0.2))
    table = folder / "im2gps3k_places365.csv"
    table.write_text(header + "\n" + lines(rows))
    return table


def test_im2gps3k_as_published(tmp_path: Path) -> None:
    table = benchmark(tmp_path)
    row = next(iter(im2gps.rows(im2gps.IM2GPS3K, table, tmp_path, tmp_path)))
    assert row == {
        "path": "10026968_abc_0_78841370@N00.jpg",
        "lat": 10.0,
        "lon": 100.5,
        "photographer": "78841370@N00",
        "source": "im2gps3k",
        "attribution": "https://www.flickr.com/photo.gne?id=10026968",
        "places365": "beach",
        "scene": "coast",
        "places3": "natural",
        "places3_p": 0.7,
        "split": "test",
    }


def test_the_early_header_with_lat_and_lon_exchanged_is_seen(tmp_path: Path) -> None:
    said: list[str] = []
    table = benchmark(tmp_path, HEADER.replace("LAT,LON", "LON,LAT"))
    found = list(im2gps.rows(im2gps.IM2GPS3K, table, tmp_path, tmp_path, say=said.append))
    assert [(row["lat"], row["lon"]) for row in found][:2] == [(10.0, 100.5), (11.0, 100.5)]
    assert "the other way round" in said[0]


def test_cards_are_marked_by_look_and_by_being_the_same_file(tmp_path: Path) -> None:
    table = benchmark(tmp_path, count=8)
    names = sorted(file.name for file in tmp_path.glob("*.jpg"))
    save(tmp_path / names[0], jpeg(card()))
    save(tmp_path / names[1], jpeg(card(ground=20)))
    for name in names[2:5]:  # a colourful card would not be known by its look
        save(tmp_path / name, jpeg(99))
    (tmp_path / names[7]).unlink()
    said: list[str] = []
    found = list(im2gps.rows(im2gps.IM2GPS3K, table, tmp_path, tmp_path, say=said.append))
    marked = {row["path"]: row.get("mark", "") for row in found}
    assert list(marked.values()) == ["placeholder"] * 5 + ["", ""]
    assert any("5 " in line for line in said)
    assert any("1 photos of the table are not" in line for line in said)


def test_without_a_table_im2gps_places_come_from_exif(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", geotagged(-12.0, 33.0))
    save(tmp_path / "b.jpg", jpeg(1))
    found = list(im2gps.rows(im2gps.IM2GPS, None, tmp_path, tmp_path))
    assert [(row["path"], row["lat"], row["lon"]) for row in found] == [("a.jpg", -12.0, 33.0)]


def test_a_benchmark_elsewhere_is_reached_through_one_link(tmp_path: Path) -> None:
    table = benchmark(tmp_path / "photos")
    out = tmp_path / "out"
    assert run("data", "im2gps3k", str(table.parent), "--table", str(table), "-o", str(out)) == 0
    rows = read(out / "manifest.csv")
    assert len(rows) == 6
    assert all((out / row["path"]).is_file() for row in rows)
    assert (out / "images").is_symlink()


@pytest.mark.parametrize("name", ["im2gps", "im2gps3k", "yfcc4k"])
def test_a_table_of_another_kind_is_one_line(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    table = ["--table", str(tmp_path / "t.csv")]
    assert run("data", name, str(tmp_path), *table, "-o", str(tmp_path)) == 1
    assert "no column IMG_ID or LAT or LON (it has: a, b)" in capsys.readouterr().err


def yfcc_line(number: int, lat: object = 48.5, lon: object = 2.5, video: int = 0) -> list[object]:
    """A line of yfcc100m_dataset in its newer form: number, id, hash and 22 fields more."""
    photo = 6_185_218_900 + number
    page, url = f"http://www.flickr.com/photos/a/{photo}/", f"http://x.org/{photo}_s.jpg"
    who = [f"{number}@N00", "Ana+Mar%C3%ADa", "2012-02-16 09:56:37.0", 1331840483]
    words = ["Canon", "My+title", "", "a,b", ""]
    licence = ["Attribution License", "http://creativecommons.org/licenses/by/2.0/"]
    rest = [7205, 8, "s", "o", "jpg", video]
    return [number, photo, f"4e2f{number}", *who, *words, lon, lat, 12, page, url, *licence, *rest]


@pytest.mark.parametrize("form", ["numbered", "hashed", "first", "bz2"])
def test_every_form_of_yfcc_reads_the_same(tmp_path: Path, form: str) -> None:
    full = [
        yfcc_line(0),
        yfcc_line(1, video=1),
        yfcc_line(2, lat="", lon=""),
        yfcc_line(3, lat=-33.9, lon=151.2),
    ]
    cut = {"numbered": slice(0), "bz2": slice(0), "hashed": slice(1), "first": slice(1)}[form]
    rows = [line[cut.stop or 0 :] for line in full]
    if form == "first":
        rows = [[line[0], *line[2:]] for line in rows]
    text = lines(rows, "\t")
    table = tmp_path / ("yfcc100m_dataset" + (".bz2" if form == "bz2" else ""))
    table.write_bytes(bz2.compress(text.encode()) if form == "bz2" else text.encode())
    save(tmp_path / "p/6185218900.jpg", jpeg(0))
    save(tmp_path / "p/6185218903.jpg", jpeg(3))
    found = list(yfcc.rows(table, tmp_path, tmp_path / "p"))
    assert [(row["path"], row["lat"], row["lon"]) for row in found] == [
        ("p/6185218900.jpg", 48.5, 2.5),
        ("p/6185218903.jpg", -33.9, 151.2),
    ]
    assert found[0]["captured_at"] == "2012-02-16T09:56:37"
    assert found[0]["attribution"].startswith("Ana María, http")
    assert found[0]["licence"] == "Attribution License"


def test_photos_named_by_hash_in_folders_are_found(tmp_path: Path) -> None:
    table = tmp_path / "t"
    table.write_text(lines([yfcc_line(n) for n in range(30)], "\t"))
    for number in range(30):
        save(tmp_path / f"data/{number % 3}/4e2f{number}.jpg", jpeg(number))
    found = list(yfcc.rows(table, tmp_path, tmp_path / "data"))
    # the first few are looked for where they should be, then the whole folder is listed
    assert found[-1]["path"] == "data/2/4e2f29.jpg"
    assert len(found) >= 10


def test_least_accuracy_and_limit(tmp_path: Path) -> None:
    table = tmp_path / "t"
    table.write_text(lines([yfcc_line(n) for n in range(4)], "\t"))
    for number in range(4):
        save(tmp_path / f"{6_185_218_900 + number}.jpg", jpeg(number))
    assert not list(yfcc.rows(table, tmp_path, tmp_path, accuracy=13))
    assert len(list(yfcc.rows(table, tmp_path, tmp_path, accuracy=12, limit=3))) == 3


def test_a_broken_archive_is_one_line(tmp_path: Path) -> None:
    table = tmp_path / "yfcc100m_dataset.bz2"
    whole = bz2.compress(lines([yfcc_line(n) for n in range(99)], "\t").encode())
    for body in (whole[: len(whole) // 2], b"no bzip2"):
        table.write_bytes(body)
        with pytest.raises(GraticuleError, match="breaks off or is not bzip2"):
            list(yfcc.records(table))
    (tmp_path / "csv").write_text("a,b,c\n")
    with pytest.raises(ManifestError, match="line 1 has 1 fields"):
        list(yfcc.records(tmp_path / "csv"))


def test_a_flickr_address_in_another_size() -> None:
    assert yfcc.sized("http://x.org/1_a.jpg", "z") == "http://x.org/1_a_z.jpg"
    assert yfcc.sized("http://x.org/1_a.jpg", "") == "http://x.org/1_a.jpg"


def mp16_tables(folder: Path, count: int = 5, base: str = "http://x.org") -> tuple[Path, Path]:
    header = HEADER.replace("AUTHOR,", "")
    names = [f"f{n}/5d/948423642{n}.jpg" for n in range(count)]
    rows = [(name, -40 + n, 100 + n, 0, 1, BAR, 0.8, 0.1, 0.1) for n, name in enumerate(names)]
    table, urls = folder / "mp16_places365.csv", folder / "mp16_urls.csv"
    table.write_text(header + "\n" + lines(rows))
    urls.write_text(lines((name, f"{base}/{n}_s.jpg") for n, name in enumerate(names[::-1])))
    return table, urls


def test_mp16_from_msgpack_shards(tmp_path: Path) -> None:
    table, _ = mp16_tables(tmp_path)
    for shard in (0, 1):
        body = b"".join(
            pack({"image": jpeg(n), "id": f"f{n}/5d/948423642{n}.jpg"})
            for n in range(5)
            if n % 2 == shard
        )
        save(tmp_path / f"shards/shard_{shard}.msg", body)
    out = tmp_path / "out"
    assert (
        run("data", "mp16", str(table), "--shards", str(tmp_path / "shards"), "-o", str(out)) == 0
    )
    rows = read(out / "manifest.csv")
    assert [row["path"] for row in rows] == [f"images/f{n}/5d/948423642{n}.jpg" for n in range(5)]
    assert (out / rows[3]["path"]).read_bytes() == jpeg(3)
    assert (rows[0]["lat"], rows[0]["lon"], rows[0]["scene"]) == ("-40", "100", "indoor")
    assert rows[0]["places3"] == "indoor"


def test_mp16_by_address(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mp16, "_CHUNK", 2)  # places and addresses are joined chunk by chunk
    table, urls = mp16_tables(tmp_path, base=server.url)
    for number in range(5):
        server.route(f"/{number}_s_z.jpg", Reply(jpeg(number), kind="image/jpeg"))
    server.route("/2_s_z.jpg", Reply(status=410))
    with Album(tmp_path, Client(clock=Stopwatch(), trusted=(server.url,))).open() as album:
        found = list(mp16.rows(table, tmp_path, album=album, urls=urls))
    assert [row["lat"] for row in found] == [-40.0, -39.0, -37.0, -36.0]
    assert (tmp_path / found[0]["path"]).read_bytes() == jpeg(4)  # the last address is the first's


def test_mediaevals_own_table(tmp_path: Path) -> None:
    table = tmp_path / "mediaeval2016_placing_train_photo"
    table.write_text(lines([(99001, "ab12", 2.35, 48.85, "1:France:Country")], "\t"))
    save(tmp_path / "p/ab12.jpg", jpeg(0))
    row = next(iter(mp16.rows(table, tmp_path, tmp_path / "p")))
    assert (row["path"], row["lat"], row["lon"]) == ("p/ab12.jpg", 48.85, 2.35)


def test_mp16_wants_to_know_where_the_photos_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, _ = mp16_tables(tmp_path)
    assert run("data", "mp16", str(table), "-o", str(tmp_path)) == 1
    assert "one of --photos, --shards, --urls" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run("data", "mp16", str(table), "--photos", str(empty), "-o", str(tmp_path)) == 1
    assert "no photo was found" in capsys.readouterr().err
    assert not (tmp_path / "manifest.csv").exists()


def test_a_large_picture_of_one_colour_is_a_card_and_a_dark_photo_is_not(tmp_path: Path) -> None:
    save(tmp_path / "night.jpg", jpeg(picture(3).point(lambda v: v // 5)))
    assert not im2gps.is_card(tmp_path / "night.jpg")
    save(tmp_path / "card.jpg", jpeg(card("")))
    assert im2gps.is_card(tmp_path / "card.jpg")
