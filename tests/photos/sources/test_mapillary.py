from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.errors import DownloadError, GraticuleError
from graticule.photos.sources import mapillary
from graticule.photos.sources.mapillary import Box
from graticule.photos.sources.pictures import Album
from local_server import Asked, LocalServer, Reply, Stopwatch
from made_photos import jpeg

BOX = Box(48.84, 2.33, 48.86, 2.36)


class FakeMapillary:
    """The images end point: a box, a limit, and silence about what did not fit."""

    def __init__(self, server: LocalServer, places: list[tuple[float, float]]) -> None:
        self.server = server
        self.photos = [self.photo(number, *place) for number, place in enumerate(places)]
        server.route("/images", self.images)
        for number in range(len(places)):
            server.route(f"/{number}.jpg", Reply(jpeg(number), kind="image/jpeg"))

    def photo(self, number: int, lat: float, lon: float) -> dict[str, Any]:
        return {
            "id": str(500 + number),
            "captured_at": 1_563_139_800_000,
            "geometry": {"type": "Point", "coordinates": [lon + 0.001, lat]},
            "computed_geometry": {"type": "Point", "coordinates": [lon, lat]},
            "compass_angle": 10,
            "computed_compass_angle": 12.34,
            "sequence": f"s{number % 2}",
            "creator": {"username": "ana", "id": "7"},
            "is_pano": False,
            "thumb_1024_url": f"{self.server.url}/{number}.jpg",
        }

    def images(self, asked: Asked) -> Reply:
        west, south, east, north = map(float, asked.query["bbox"].split(","))
        assert (north - south) * (east - west) <= 0.01, "the API refuses larger boxes"
        inside = [
            photo
            for photo in self.photos
            if west <= photo["computed_geometry"]["coordinates"][0] <= east
            and south <= photo["computed_geometry"]["coordinates"][1] <= north
        ]
        shown = inside[: int(asked.query["limit"])]
        return Reply(json.dumps({"data": shown}).encode(), kind="application/json")


def gather(server: LocalServer, folder: Path, box: Box = BOX, **options: Any) -> list[Any]:
    api = mapillary.client("token", clock=Stopwatch(), trusted=(server.url,), retries=1)
    plain = Album(folder, type(api)(clock=Stopwatch(), trusted=(server.url,)))
    with plain.open() as album:
        return list(mapillary.rows(album, api, box, base=server.url, **options))


def test_a_row_has_place_time_and_whose_it_is(server: LocalServer, tmp_path: Path) -> None:
    FakeMapillary(server, [(48.85, 2.34)])
    assert gather(server, tmp_path) == [
        {
            "path": "images/500.jpg",
            "lat": 48.85,
            "lon": 2.34,
            "photographer": "ana",
            "sequence": "s0",
            "captured_at": "2019-07-14T21:30:00Z",
            "compass": "12.3",
            "panorama": "no",
            "source": "mapillary",
            "licence": "CC BY-SA 4.0",
            "attribution": "ana, https://www.mapillary.com/app/?pKey=500",
        }
    ]


def test_the_token_goes_to_the_api_alone(server: LocalServer, tmp_path: Path) -> None:
    FakeMapillary(server, [(48.85, 2.34)])
    gather(server, tmp_path)
    api, photo = server.asked
    assert api.headers["authorization"] == "OAuth token"
    assert "token" not in str(api.query)
    assert "authorization" not in photo.headers


def test_a_full_box_is_cut_until_nothing_is_left_out(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapillary, "_MOST", 10)
    places = [(48.841 + 0.0007 * i, 2.331 + 0.0011 * (i % 25)) for i in range(25)] * 2
    FakeMapillary(server, places)
    rows = gather(server, tmp_path)
    assert len(rows) == len(places)
    assert len({row["path"] for row in rows}) == len(places)


def test_few_of_each_drive(server: LocalServer, tmp_path: Path) -> None:
    FakeMapillary(server, [(48.85, 2.34)] * 9)
    assert [row["sequence"] for row in gather(server, tmp_path, per_sequence=1)] == ["s0", "s1"]
    assert len(gather(server, tmp_path, limit=3)) == 3


def test_a_wrong_token_is_said(server: LocalServer, tmp_path: Path) -> None:
    error = {"error": {"message": "Invalid OAuth access token", "code": 190}}
    server.route("/images", Reply(json.dumps(error).encode(), 401))
    with pytest.raises(DownloadError, match=r"Invalid OAuth access token.*MAPILLARY_TOKEN"):
        gather(server, tmp_path)


def test_a_place_may_be_missing(server: LocalServer, tmp_path: Path) -> None:
    fake = FakeMapillary(server, [(48.85, 2.34)])
    server.route(
        "/images",
        Reply(
            json.dumps(
                {"data": [{"id": "9", "thumb_1024_url": fake.photos[0]["thumb_1024_url"]}]}
            ).encode()
        ),
    )
    row = gather(server, tmp_path)[0]
    assert (row["lat"], row["captured_at"], row["compass"]) == (None, "", "")


@pytest.mark.parametrize(
    "wrong", ["", "1,2,3", "a,b,c,d", "50,2,49,3", "48,170,49,-170", "0,0,91,1"]
)
def test_what_is_no_box_is_refused(wrong: str) -> None:
    with pytest.raises(GraticuleError, match="SOUTH,WEST,NORTH,EAST"):
        mapillary.parse_box(wrong)


@given(st.floats(-89, 88), st.floats(-179, 178), st.floats(0.001, 0.9), st.floats(0.001, 0.9))
def test_tiles_cover_the_box_once(south: float, west: float, high: float, wide: float) -> None:
    box = Box(south, west, south + high, west + wide)
    tiles = list(box.tiles())
    area = sum((t.north - t.south) * (t.east - t.west) for t in tiles)
    assert area == pytest.approx((box.north - box.south) * (box.east - box.west))
    assert all((t.north - t.south) * (t.east - t.west) <= 0.01 for t in tiles)
    edges = [min(t.south for t in tiles), min(t.west for t in tiles)]
    edges += [max(t.north for t in tiles), max(t.east for t in tiles)]
    assert edges == [box.south, box.west, box.north, box.east]
