from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from graticule.download import Client
from graticule.errors import DownloadError, GraticuleError
from graticule.photos.sources import osv5m
from local_server import LocalServer, Stopwatch
from made_photos import jpeg, lines, picture, read, run, save

HEADER = (
    "id,latitude,longitude,thumb_original_url,country,sequence,captured_at,lon_bin,lat_bin,cell,"
    "region,sub-region,city,land_cover,drive_side,climate,creator_username,creator_id"
)


def dash_camera_frame() -> Image.Image:
    frame = picture(5, (640, 480))
    draw = ImageDraw.Draw(frame)
    words = "N48.8566 E2.3522 2018/05/14 12:30:01"
    draw.text(
        (20, 450),
        words,
        fill="white",
        font=ImageFont.load_default(16),
        stroke_width=1,
        stroke_fill="black",
    )
    return frame


def collection(folder: Path, count: int = 4, *, zipped: bool = True, split: str = "test") -> Path:
    rows = [
        (
            900 + n,
            10 + n,
            20,
            "",
            "FR" if n else "nan",
            "seq",
            1563139800000.0,
            1,
            2,
            "c",
            "Bretagne",
            "",
            "Brest",
            3,
            1,
            15,
            "ana",
            11,
        )
        for n in range(count + 1)  # the last is in no shard
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{split}.csv").write_text(HEADER + "\n" + lines(rows))
    bodies = {900 + n: jpeg(n if n != 1 else dash_camera_frame()) for n in range(count)}
    for number, body in bodies.items():
        if not zipped:
            save(folder / f"images/{split}/0{number % 2}/{number}.jpg", body)
    if zipped:
        for shard in (0, 1):
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                for number, body in bodies.items():
                    if number % 2 == shard:
                        archive.writestr(f"0{shard}/{number}.jpg", body)
                archive.writestr("../../evil.jpg", b"x")
                archive.writestr("../../../777.jpg", b"x")
            save(folder / f"images/{split}/0{shard}.zip", buffer.getvalue())
    return folder


@pytest.mark.parametrize("zipped", [True, False])
def test_rows_of_the_photos_that_are_there(tmp_path: Path, zipped: bool) -> None:
    folder = collection(tmp_path / "osv5m", zipped=zipped)
    out = tmp_path / "osv5m" if not zipped else tmp_path / "out"
    found = list(osv5m.rows(folder, out, "test"))
    assert [row["path"] for row in found] == [
        f"images/test/0{n % 2}/{900 + n}.jpg" for n in range(4)
    ]
    assert [row.get("mark", "") for row in found] == ["", "burned-in", "", ""]
    assert all((out / str(row["path"])).is_file() for row in found)
    assert dict(found[2]) == {
        "path": "images/test/00/902.jpg",
        "lat": 12.0,
        "lon": 20.0,
        "country": "FR",
        "region": "Bretagne",
        "city": "Brest",
        "photographer": "ana",
        "sequence": "seq",
        "captured_at": "2019-07-14T21:30:00Z",
        "climate": "15",
        "drive_side": "1",
        "land_cover": "3",
        "split": "test",
        "source": "osv5m",
        "licence": "CC BY-SA 4.0",
        "attribution": "ana, https://www.mapillary.com/app/?pKey=902",
    }
    assert found[0]["country"] == ""


def test_names_inside_a_zip_file_are_not_followed(tmp_path: Path) -> None:
    folder = collection(tmp_path / "a/b/osv5m")
    list(osv5m.rows(folder, tmp_path / "a/b/out", "test", look=False))
    outside = [p for p in tmp_path.rglob("*.jpg") if "out/images/test" not in p.as_posix()]
    assert outside == []
    assert (tmp_path / "a/b/out/images/test/00/777.jpg").is_file()  # by its number, inside


def test_a_broken_shard_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = collection(tmp_path / "osv5m")
    shard = folder / "images/test/00.zip"
    shard.write_bytes(shard.read_bytes()[:500])
    said: list[str] = []
    found = list(osv5m.rows(folder, tmp_path / "out", "test", look=False, say=said.append))
    assert [row["path"][-7:] for row in found] == ["901.jpg", "903.jpg"]
    assert "00.zip: not a whole zip file" in said[0]


def test_the_command_downloads_a_shard_and_reads_it(server: LocalServer, tmp_path: Path) -> None:
    there = collection(tmp_path / "there")
    for name in ("test.csv", "images/test/01.zip"):
        server.file(f"/{name}", (there / name).read_bytes())
    mine = tmp_path / "mine"
    common = [str(mine), "--split", "test", "--hub", server.url, "-o", str(tmp_path / "out")]
    assert run("data", "osv5m", *common, "--download", "--shards", "01", "--limit", "1") == 0
    assert [row["path"] for row in read(tmp_path / "out/manifest.csv")] == [
        "images/test/01/901.jpg"
    ]
    asked = len(server.asked)
    assert run("data", "osv5m", *common, "--download", "--shards", "01", "--no-look") == 0
    assert len(server.asked) == asked  # what is there is not asked for again
    assert len(read(tmp_path / "out/manifest.csv")) == 2


def test_a_missing_shard_leaves_nothing_half(server: LocalServer, tmp_path: Path) -> None:
    server.file("/test.csv", b"id,latitude,longitude\n")
    with pytest.raises(DownloadError, match="404"):
        osv5m.download(
            Client(clock=Stopwatch(), trusted=(server.url,)), tmp_path, "test", ("04",), server.url
        )
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["test.csv"]


def test_shards_by_list_and_range() -> None:
    assert osv5m.shard_names("test", "all") == ("00", "01", "02", "03", "04")
    assert osv5m.shard_names("train", "00,07-09") == ("00", "07", "08", "09")
    for wrong in ("05", "x", "", "3-"):
        with pytest.raises(GraticuleError, match="--shards"):
            osv5m.shard_names("test", wrong)


def test_without_the_table_the_way_is_told(tmp_path: Path) -> None:
    with pytest.raises(GraticuleError, match="add --download"):
        list(osv5m.rows(tmp_path, tmp_path))
    (tmp_path / "train.csv").write_text("a,b\n")
    (tmp_path / "images/train").mkdir(parents=True)
    with pytest.raises(GraticuleError, match="no column 'id'"):
        list(osv5m.rows(tmp_path, tmp_path))
