"""Each check agrees with what is so, contradicts what cannot be, and is silent elsewhere."""

from __future__ import annotations

import pytest

from graticule.locate.claims import parse
from graticule.locate.metadata_checks import Check, check_metadata
from graticule.photos.exif import Metadata

LVIV, TOKYO = parse("49.84,24.03"), parse("35.68,139.69")


def one(metadata: Metadata, of: str, claim: object = LVIV) -> Check:
    return next(check for check in check_metadata(metadata, claim) if check.of == of)


def test_a_file_without_metadata_says_nothing() -> None:
    assert check_metadata(Metadata(), LVIV) == ()


@pytest.mark.parametrize(
    ("place", "says"),
    [((49.85, 24.0), "agrees"), ((50.3, 24.4), "unclear"), ((50.45, 30.52), "contradicts")],
)
def test_gps_by_its_distance(place: tuple[float, float], says: str) -> None:
    assert one(Metadata(*place), "gps").says == says


def test_swapped_gps_is_recognised() -> None:
    found = one(Metadata(24.03, 49.84), "gps")
    assert found.says == "contradicts"
    assert "swapped" in found.words


def test_gps_against_a_whole_country() -> None:
    ukraine = parse("Ukraine")
    assert one(Metadata(50.45, 30.52), "gps", ukraine).says == "agrees"
    assert "Poland" in one(Metadata(52.2, 21.0), "gps", ukraine).words
    assert "at sea" in one(Metadata(30.0, -40.0), "gps", ukraine).words


def test_night_and_day_are_left_to_a_person_to_compare() -> None:
    noon = Metadata(captured_at="2024-06-20T12:00:00+03:00")
    assert "it was day there" in one(noon, "sun").words
    assert "it was dark there" in one(noon, "sun", parse("21.3,-157.8")).words
    assert one(noon, "sun").says == "look"
    dusk = Metadata(captured_at="2024-06-20T21:30:00")
    assert one(dusk, "sun").says == "unclear"


def test_the_satellites_clock_goes_before_the_cameras() -> None:
    both = Metadata(captured_at="2024-06-20T23:00:00", gps_time="2024-06-20T10:00:00Z")
    assert "by the GPS clock" in one(both, "sun").words
    assert "day there" in one(both, "sun").words


@pytest.mark.parametrize(
    ("taken", "says"),
    [
        ("2024-06-20T12:00:00+03:00", "agrees"),
        ("2024-06-20T12:00:00+02:00", "unclear"),
        ("2024-06-20T12:00:00+09:00", "contradicts"),
        ("2024-01-20T12:00:00+02:00", "agrees"),
    ],
)
def test_the_clocks_zone_with_summer_time(taken: str, says: str) -> None:
    assert one(Metadata(captured_at=taken), "time zone").says == says


def test_a_clock_without_its_zone_is_told_by_the_satellites() -> None:
    japan = Metadata(captured_at="2024-06-20T21:00:20", gps_time="2024-06-20T12:00:00Z")
    assert one(japan, "time zone", TOKYO).says == "agrees"
    assert one(japan, "time zone").says == "contradicts"
    slow = Metadata(captured_at="2024-06-20T21:07:00", gps_time="2024-06-20T12:00:00Z")
    assert [check.of for check in check_metadata(slow, TOKYO)] == ["sun"]


def test_what_is_broken_is_said() -> None:
    found = check_metadata(Metadata(captured_at="yesterday", problem="EXIF GPS is 0, 0"), LVIV)
    assert [(check.of, check.says) for check in found] == [("metadata", "unclear")]
