from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from graticule.download import Client
from graticule.errors import DownloadError, GraticuleError
from graticule.photos.sources import flickr
from graticule.photos.sources.pictures import Album
from local_server import Asked, LocalServer, Reply, Stopwatch
from made_photos import card, jpeg, read, run

LICENCES = [
    {"id": 0, "name": "All Rights Reserved", "url": "https://www.flickrhelp.com/hc/"},
    {
        "id": 4,
        "name": "Attribution License",
        "url": "https://creativecommons.org/licenses/by/2.0/",
    },
    {
        "id": "15",
        "name": "Attribution-NonCommercial",
        "url": "https://creativecommons.org/licenses/by-nc/4.0/",
    },
    {"id": 9, "name": "CC0", "url": "https://creativecommons.org/publicdomain/zero/1.0/"},
    {"id": 8, "name": "United States Government Work", "url": "http://www.usa.gov/copyright"},
]
NAMES = {"0": "All Rights Reserved", "4": "CC BY 2.0", "15": "CC BY-NC 4.0", "9": "CC0 1.0"}
PARIS = flickr.City("Paris", 48.8566, 2.3522, "FR")
PER_PAGE = flickr._PER_PAGE


def as_json(value: object) -> Reply:
    return Reply(json.dumps(value).encode(), kind="application/json")


class FakeFlickr:
    """flickr.photos.search as the real one answers: pages, and no more than 4,000 a question."""

    def __init__(self, server: LocalServer, photos: int, window: int = 4000) -> None:
        self.server, self.window = server, window
        self.photos = [self.photo(number) for number in range(photos)]
        server.route("/rest", self.search)
        for number in range(photos):
            server.route(f"/{number}_n.jpg", Reply(jpeg(number), kind="image/jpeg"))

    def photo(self, number: int) -> dict[str, Any]:
        return {
            "id": str(1000 + number),
            "owner": f"{number % 7}@N01",
            "ownername": f"Ana {number % 7}",
            "pathalias": None,
            "secret": "s",
            "server": "65535",
            "license": "4",
            "latitude": "48.85",
            "longitude": 2.35,
            "accuracy": "16",
            "dateupload": str(1_600_000_000 - number),
            "datetaken": "2019-07-14 21:30:00",
            "datetakengranularity": 0,
            "datetakenunknown": "0",
            "url_n": f"{self.server.url}/{number}_n.jpg",
        }

    def search(self, asked: Asked) -> Reply:
        if asked.query["method"] == "flickr.photos.licenses.getInfo":
            return as_json({"licenses": {"license": LICENCES}, "stat": "ok"})
        until = int(asked.query.get("max_upload_date", "9999999999"))
        found = [photo for photo in self.photos if int(photo["dateupload"]) <= until]
        size, page = int(asked.query["per_page"]), int(asked.query["page"])
        shown = found[: self.window][(page - 1) * size : page * size]
        pages = -(-len(found) // size)
        return as_json({"photos": {"page": page, "pages": pages, "photo": shown}, "stat": "ok"})


def client(server: LocalServer) -> Client:
    return Client(clock=Stopwatch(), trusted=(server.url,), retries=1)


def gather(server: LocalServer, folder: Path, per_city: int = 100) -> list[Any]:
    with Album(folder, client(server)).open() as album:
        return list(
            flickr.rows(
                album,
                client(server),
                "key",
                PARIS,
                flickr.Search(),
                per_city,
                f"{server.url}/rest",
                NAMES,
            )
        )


def test_a_row_keeps_whose_photo_it_is_and_on_what_terms(
    server: LocalServer, tmp_path: Path
) -> None:
    FakeFlickr(server, 3)
    row = gather(server, tmp_path)[0]
    assert row == {
        "path": "images/1000.jpg",
        "lat": 48.85,
        "lon": 2.35,
        "country": "FR",
        "city": "Paris",
        "photographer": "0@N01",
        "captured_at": "2019-07-14T21:30:00",
        "uploaded_at": "1600000000",
        "accuracy": "16",
        "page": "https://www.flickr.com/photos/0@N01/1000",
        "source": "flickr",
        "licence": "CC BY 2.0",
        "attribution": "Ana 0, https://www.flickr.com/photos/0@N01/1000",
    }
    assert (tmp_path / "images/1000.jpg").read_bytes() == jpeg(0)


def test_the_question_is_s3s(server: LocalServer, tmp_path: Path) -> None:
    FakeFlickr(server, 1)
    gather(server, tmp_path)
    query = server.asked[0].query
    wanted = {"method": "flickr.photos.search", "text": "streets", "has_geo": "1", "api_key": "key"}
    assert wanted.items() <= query.items()
    assert (query["lat"], query["lon"]) == ("48.8566", "2.3522")
    assert "url_n" in query["extras"]


def test_beyond_the_apis_window_the_next_question_ends_where_it_began(
    server: LocalServer, tmp_path: Path
) -> None:
    fake = FakeFlickr(server, 0)
    fake.photos = [fake.photo(number) for number in range(4000 + 2 * PER_PAGE)]
    found = list(
        flickr.listed(client(server), "k", PARIS, flickr.Search(), tmp_path, f"{server.url}/rest")
    )
    assert [photo["id"] for photo in found] == [photo["id"] for photo in fake.photos]
    windows = {asked.query.get("max_upload_date") for asked in server.asked}
    assert len(windows) == 2


def test_what_the_api_said_is_not_asked_again(server: LocalServer, tmp_path: Path) -> None:
    FakeFlickr(server, 5)
    first = gather(server, tmp_path, per_city=2)
    asked = len(server.asked)
    again = gather(server, tmp_path, per_city=5)
    assert again[:2] == first
    assert server.paths()[asked:] == ["/2_n.jpg", "/3_n.jpg", "/4_n.jpg"]


def test_a_pause_a_fault_and_a_cut_photo_are_lived_through(
    server: LocalServer, tmp_path: Path
) -> None:
    fake = FakeFlickr(server, 2)
    server.route("/rest", Reply(status=429, headers={"Retry-After": "3"}), fake.search)
    cut = Reply(jpeg(0), kind="image/jpeg", cut_at=100)
    server.route("/0_n.jpg", cut, Reply(jpeg(0), kind="image/jpeg"))
    server.route("/1_n.jpg", Reply(status=500), Reply(jpeg(1), kind="image/jpeg"))
    assert [row["path"] for row in gather(server, tmp_path)] == [
        "images/1000.jpg",
        "images/1001.jpg",
    ]


def test_photos_that_have_gone_are_noted_once_and_the_rest_goes_on(
    server: LocalServer, tmp_path: Path
) -> None:
    FakeFlickr(server, 6)
    moved = Reply(status=302, headers={"Location": "/pw/images/photo_unavailable.png"})
    server.route("/0_n.jpg", moved)
    server.route("/pw/images/photo_unavailable.png", Reply(jpeg(9), kind="image/png"))
    server.route("/1_n.jpg", Reply(jpeg(card()), kind="image/jpeg"))
    server.route("/2_n.jpg", Reply(b"<html>sorry</html>", kind="text/html"))
    server.route("/3_n.jpg", Reply(b"\xff\xd8 no photo", kind="image/jpeg"))
    server.route("/4_n.jpg", Reply(status=404))
    assert [row["path"] for row in gather(server, tmp_path)] == ["images/1005.jpg"]
    failed = read(tmp_path / "failed.csv")
    assert [row["id"] for row in failed] == ["1000", "1001", "1002", "1003", "1004"]
    assert {row["for_good"] for row in failed} == {"yes"}
    assert sorted(p.name for p in (tmp_path / "images").iterdir()) == ["1005.jpg"]
    asked = len(server.asked)
    assert len(gather(server, tmp_path)) == 1
    assert len(server.asked) == asked


def test_a_moved_photo_is_followed(server: LocalServer, tmp_path: Path) -> None:
    FakeFlickr(server, 1)
    server.route("/0_n.jpg", Reply(status=301, headers={"Location": "/new.jpg"}))
    server.route("/new.jpg", Reply(jpeg(0), kind="image/jpeg"))
    assert len(gather(server, tmp_path)) == 1


def test_an_address_into_the_local_network_is_not_followed(
    server: LocalServer, tmp_path: Path
) -> None:
    fake = FakeFlickr(server, 2)
    fake.photos[0]["url_n"] = "http://169.254.169.254/latest/meta-data"
    assert [row["path"] for row in gather(server, tmp_path)] == ["images/1001.jpg"]
    assert "local network" in read(tmp_path / "failed.csv")[0]["reason"]


def test_a_full_disk_stops_it_and_a_later_run_goes_on(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeFlickr(server, 4)
    gather(server, tmp_path, per_city=2)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as filled:
        filled.setattr("graticule.files.os.fsync", full)
        with pytest.raises(GraticuleError, match="No space left on device"):
            gather(server, tmp_path)
    assert sorted(p.name for p in (tmp_path / "images").iterdir()) == ["1000.jpg", "1001.jpg"]
    assert len(gather(server, tmp_path)) == 4


def test_an_identity_cannot_leave_the_folder(server: LocalServer, tmp_path: Path) -> None:
    fake = FakeFlickr(server, 1)
    fake.photos[0]["id"] = "../../../etc/passwd"
    assert gather(server, tmp_path)[0]["path"] == "images/_.._.._etc_passwd.jpg"


def test_when_nothing_works_it_stops(server: LocalServer, tmp_path: Path) -> None:
    fake = FakeFlickr(server, 40)
    for number in range(40):
        server.route(f"/{number}_n.jpg", Reply(status=503))
    with pytest.raises(DownloadError, match="20 photos in a row"):
        gather(server, tmp_path)
    assert len(fake.photos) == 40


def test_a_wrong_key_is_said_in_flickrs_words(server: LocalServer, tmp_path: Path) -> None:
    refusal = {"stat": "fail", "code": 100, "message": "Invalid API Key (Key not found)"}
    server.route("/rest", as_json(refusal))
    with pytest.raises(DownloadError, match=r"refuses the key in FLICKR_API_KEY \(Invalid API"):
        gather(server, tmp_path)


@pytest.mark.parametrize("answer", [{}, [], {"photos": {"photo": [{}]}}, {"photos": 3}])
def test_an_answer_of_another_form_is_one_line(
    server: LocalServer, tmp_path: Path, answer: object
) -> None:
    server.route("/rest", as_json(answer))
    with pytest.raises(DownloadError, match="not a list of"):
        gather(server, tmp_path)


@pytest.mark.parametrize(
    ("known", "taken"),
    [
        ({"datetakengranularity": "4"}, "2019-07"),
        ({"datetakengranularity": 6}, "2019"),
        ({"datetakengranularity": 8}, "2019"),
        ({"datetakenunknown": "1"}, ""),
        ({"datetaken": "0000-00-00 00:00:00"}, ""),
    ],
)
def test_a_date_is_as_exact_as_it_is_known(known: dict[str, Any], taken: str) -> None:
    photo = {"datetaken": "2019-07-14 21:30:00", "datetakengranularity": 0, **known}
    assert flickr._taken(photo) == taken


def test_cities_are_the_ten_or_given_with_a_place() -> None:
    assert len(flickr.TEN_CITIES) == 10
    assert flickr.parse_city("new york").country == "US"
    assert flickr.parse_city("Rome=41.9,12.5") == flickr.City("Rome", 41.9, 12.5)
    for wrong in ("Atlantis", "Rome=41.9", "Rome=north,south", "=1,2", "Rome=95,12"):
        with pytest.raises(GraticuleError):
            flickr.parse_city(wrong)


@pytest.mark.parametrize("wrong", [{"size": "x"}, {"licences": ("by",)}, {"radius_km": 50}])
def test_a_search_that_flickr_would_not_do_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(GraticuleError):
        flickr.Search(**wrong)


def test_the_command_writes_a_manifest_after_the_licence(
    server: LocalServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    FakeFlickr(server, 4)
    monkeypatch.setenv("FLICKR_API_KEY", "secret-key")
    api = ["--api", f"{server.url}/rest", "--city", "Paris", "-o", str(tmp_path)]
    assert run("data", "flickr", *api, "--per-city", "3") == 0
    said = capsys.readouterr()
    assert "Licence:" in said.err
    assert "secret-key" not in said.out + said.err
    assert server.asked[1].query["license"] == "4,15,9,8"
    assert [row["path"] for row in read(tmp_path / "manifest.csv")] == [
        "images/1000.jpg",
        "images/1001.jpg",
        "images/1002.jpg",
    ]


def test_what_there_was_before_a_breakdown_is_in_the_manifest(
    server: LocalServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    FakeFlickr(server, 40)
    for number in range(2, 40):
        server.route(f"/{number}_n.jpg", Reply(status=404 if number % 2 else 503))
    refusal = {"stat": "fail", "code": 105, "message": "Service currently unavailable"}
    plays = server.routes["/rest"]
    server.route("/rest", plays, plays, as_json(refusal))
    monkeypatch.setenv("FLICKR_API_KEY", "k")
    monkeypatch.setattr("graticule.download.SystemClock.sleep", lambda *_: None)
    cities = ["--city", "Paris", "--city", "Tokyo"]
    assert run("data", "flickr", "--api", f"{server.url}/rest", *cities, "-o", str(tmp_path)) == 1
    assert "Service currently unavailable" in capsys.readouterr().err
    assert len(read(tmp_path / "manifest.csv")) == 2


def test_licences_are_what_flickr_says_today(server: LocalServer) -> None:
    FakeFlickr(server, 0)
    found = flickr.licence_names(client(server), "k", f"{server.url}/rest")
    assert found == {**NAMES, "8": "United States Government Work"}
    server.route("/rest", as_json({"stat": "ok"}))
    with pytest.raises(DownloadError, match="not a list of licences"):
        flickr.licence_names(client(server), "k", f"{server.url}/rest")


def test_killed_and_run_again_it_ends_as_if_it_had_not_been(
    server: LocalServer, tmp_path: Path
) -> None:
    count = 16
    fake = FakeFlickr(server, count)
    for number in range(count):
        server.route(f"/{number}_n.jpg", Reply(jpeg(number), kind="image/jpeg"))
    where = ["--api", f"{server.url}/rest", "--city", "Paris", "-o", str(tmp_path)]
    command = [sys.executable, "-m", "graticule", "data", "flickr", *where]
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": path, "FLICKR_API_KEY": "k"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("images/1*.jpg"))) < 5:
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    kept = {file.stem for file in tmp_path.glob("images/1*.jpg")}
    assert len(kept) < count
    (tmp_path / "images/.1015.77.part.jpg").write_bytes(b"half")
    assert not (tmp_path / "manifest.csv").exists()
    asked = len(server.asked)
    subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True)
    rows = read(tmp_path / "manifest.csv")
    assert [row["path"] for row in rows] == [f"images/{photo['id']}.jpg" for photo in fake.photos]
    for number, row in enumerate(rows):
        assert (tmp_path / row["path"]).read_bytes() == jpeg(number)
    again = {f"/{int(identity) - 1000}_n.jpg" for identity in kept}
    assert not again & set(server.paths()[asked:])
    assert len(list((tmp_path / "images").iterdir())) == count


def test_without_a_key_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FLICKR_API_KEY", raising=False)
    assert run("data", "flickr", "-o", str(tmp_path)) == 1
    assert "FLICKR_API_KEY is not set" in capsys.readouterr().err
