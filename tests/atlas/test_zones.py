"""Clocks as the tables of the world's time zones have them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pytest

from graticule import atlas
from graticule.atlas.zones import zones

PLACES = {
    "Europe/Kyiv": (49.84, 24.03),
    "Asia/Kolkata": (28.61, 77.21),
    "America/Los_Angeles": (37.77, -122.42),
    "Asia/Kathmandu": (27.70, 85.32),
    "America/Sao_Paulo": (-22.91, -43.17),
    "Pacific/Kiritimati": (1.98, -157.47),
}


def test_towns_keep_their_zones() -> None:
    assert atlas.time_zones(list(PLACES.values())) == list(PLACES)
    assert atlas.time_zones([(-50.0, -120.0)]) == [""]


@pytest.mark.parametrize("year", [1996, 2008, 2019, 2024])
@pytest.mark.parametrize("zone", PLACES)
def test_offsets_are_those_of_the_database(zone: str, year: int) -> None:
    try:
        clock = ZoneInfo(zone)
    except ZoneInfoNotFoundError:
        pytest.skip("this machine has no time zone database to compare with")
    for month in (1, 4, 7, 11):
        moment = datetime(year, month, 9, 12, 30, tzinfo=UTC)
        shown = moment.astimezone(clock)
        minutes = int(shown.utcoffset().total_seconds() // 60)
        assert atlas.utc_offsets([PLACES[zone]], moment)[0] == minutes
        assert atlas.utc_offsets([PLACES[zone]], shown.replace(tzinfo=None))[0] == minutes


def test_the_open_sea_keeps_nautical_time() -> None:
    found = atlas.utc_offsets([(-50.0, -120.0), (0.0, -20.0)], datetime(2020, 1, 1, tzinfo=UTC))
    assert found.tolist() == [-480, -60]


def test_every_town_has_a_zone_and_every_zone_its_changes() -> None:
    table = zones()
    assert len(table.zone) == len(atlas.towns())
    assert table.zone.max() < len(table.names) == len(table.ends)
    starts = np.concatenate([[0], table.ends[:-1]])
    assert (table.ends > starts).all()
    assert np.abs(table.minutes).max() <= 14 * 60
