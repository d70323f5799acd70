"""Circles on the globe: their area and their places, wherever they lie."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import sphere
from graticule.draw.caps import cap


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-89.5, 89.5), st.floats(-180, 179.9), st.floats(50, 19_500), st.integers(0, 2**32 - 1)
)
def test_a_place_is_inside_exactly_when_it_is_near(
    lat: float, lon: float, radius: float, seed: int
) -> None:
    shape = cap(lat, lon, radius, points=360)
    places = sphere.uniform(200, np.random.default_rng(seed))
    km = sphere.haversine(places, (lat, lon))
    edge = sphere.circle((lat, lon), radius, 360)[:, ::-1]
    step = float(np.abs(np.diff(edge[:, 1])).max())
    # Straight edges between corners cut a little off, most where a corner is beside a pole.
    clear = (np.abs(km - radius) > 60) & (np.abs(places[:, 0]) < 90 - 2 * step - 1)
    inside = shapely.contains_xy(shape, places[:, 1], places[:, 0])
    np.testing.assert_array_equal(inside[clear], (km < radius)[clear])
    assert shape.is_valid


@pytest.mark.parametrize(
    ("lat", "lon", "radius", "parts"),
    [(0, 0, 500, 1), (-17, 179.5, 500, 2), (85, 0, 1000, 1), (0, 0, 30_000, 1)],
)
def test_parts(lat: float, lon: float, radius: float, parts: int) -> None:
    assert len(shapely.get_parts(cap(lat, lon, radius))) == parts
