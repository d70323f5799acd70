"""The sun where almanacs have it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from graticule.locate.sun import elevation, heights


@pytest.mark.parametrize(
    ("place", "when", "height"),
    [
        # Noon at the equinox on the equator, the June solstice over the Tropic of Cancer,
        # the midnight sun at the pole, and the night side.
        ((0.0, 0.0), datetime(2024, 3, 20, 12, 7, tzinfo=UTC), 90.0),
        ((23.44, 0.0), datetime(2024, 6, 20, 12, 2, tzinfo=UTC), 90.0),
        ((90.0, 0.0), datetime(2024, 6, 20, 0, 0, tzinfo=UTC), 23.44),
        ((0.0, 180.0), datetime(2024, 3, 20, 12, 7, tzinfo=UTC), -90.0),
    ],
)
def test_known_heights(place: tuple[float, float], when: datetime, height: float) -> None:
    assert elevation([place], when)[0] == pytest.approx(height, abs=0.4)


def test_a_time_with_its_offset_is_one_moment() -> None:
    low, high = heights([(48.85, 2.35)], "2024-06-20T13:50:00+02:00")
    assert low == high == pytest.approx(64.6, abs=0.5)


def test_a_camera_clock_is_taken_as_local_time_give_or_take_an_hour() -> None:
    low, high = heights([(35.7, 139.7)], "2024-06-20T12:00:00")
    assert high > 75
    assert low > 45
    low, high = heights([(35.7, 139.7)], "2024-12-20T23:30:00")
    assert high < -30


def test_several_places_give_the_span_of_all() -> None:
    alone = [heights([place], "2024-06-20T12:00:00Z") for place in ((0.0, 0.0), (60.0, 90.0))]
    both = heights([(0.0, 0.0), (60.0, 90.0)], "2024-06-20T12:00:00Z")
    assert both == (min(low for low, _ in alone), max(high for _, high in alone))


def test_an_unreadable_time_is_none() -> None:
    assert heights([(0.0, 0.0)], "yesterday") is None
