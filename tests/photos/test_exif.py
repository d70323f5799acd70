"""Metadata is read where it makes sense, and never believed where it does not."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from graticule.photos.exif import Metadata, read_metadata


def written(gps: dict[int, Any] | None = None, **tags: Any) -> Metadata:
    """What is read back from a JPEG with these GPS and top tags."""
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[int(tag[1:])] = value
    if gps:
        exif.get_ifd(0x8825).update(gps)
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=exif)
    return read_metadata(Image.open(out))


def gps(lat: tuple[float, ...], lon: tuple[float, ...], north: str = "N", east: str = "E") -> Any:
    return {1: north, 2: lat, 3: east, 4: lon}


def test_a_position_is_read_in_degrees() -> None:
    found = written(gps((33.0, 51.0, 54.0), (151.0, 12.0, 36.0), north="S"))
    assert found.lat == pytest.approx(-33.865)
    assert found.lon == pytest.approx(151.21)
    assert found.problem is None


def test_west_is_negative() -> None:
    assert written(gps((40.0, 0.0, 0.0), (74.0, 0.0, 0.0), east="W")).lon == pytest.approx(-74)


@pytest.mark.parametrize(
    ("position", "words"),
    [
        (gps((IFDRational(1, 0),) * 3, (IFDRational(1, 0),) * 3), "not a number"),
        (gps((200.0, 0.0, 0.0), (10.0, 0.0, 0.0)), "no place on Earth"),
        (gps((10.0, 0.0, 0.0), (181.0, 0.0, 0.0)), "no place on Earth"),
        (gps((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), "without a fix"),
    ],
)
def test_impossible_positions_are_said_to_be(position: dict[int, Any], words: str) -> None:
    found = written(position)
    assert (found.lat, found.lon) == (None, None)
    assert words in (found.problem or "")


def test_half_a_position_is_none() -> None:
    assert written({1: "N", 2: (48.0, 0.0, 0.0)}) == Metadata()


def test_time_and_camera() -> None:
    found = written(_306="2024:05:06 07:08:09", _271="Maker\x00", _272=" Model ")
    assert found.captured_at == "2024-05-06T07:08:09"
    assert found.camera == "Maker Model"


@pytest.mark.parametrize("text", ["", "yesterday", "0000:00:00 00:00:00", "2024:13:01 00:00:00"])
def test_times_that_are_none(text: str) -> None:
    assert written(_306=text).captured_at is None


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of broken tags
def test_exif_that_is_noise_is_harmless() -> None:
    image = Image.new("RGB", (8, 8))
    out = io.BytesIO()
    image.save(out, "JPEG", exif=b"Exif\x00\x00II*\x00" + bytes(range(200)))
    found = read_metadata(Image.open(out))
    assert found.lat is None


def test_the_satellites_clock_is_read_in_utc() -> None:
    assert written({7: (10.0, 15.0, 30.0), 29: "2024:06:20"}).gps_time == "2024-06-20T10:15:30Z"
    assert written({7: (10.0, 15.0, 30.0)}).gps_time is None
    assert written({7: (99.0, 0.0, 0.0), 29: "2024:06:20"}).gps_time is None
    assert written({7: (IFDRational(1, 0),) * 3, 29: "2024:06:20"}).gps_time is None
