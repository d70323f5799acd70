"""The trigonometry of the house, against worked examples and its own invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule import sphere
from graticule.errors import GraticuleError

lat = st.floats(-90, 90, allow_nan=False)
lon = st.floats(-180, 180, allow_nan=False)
place = st.tuples(lat, lon)


def test_known_distances() -> None:
    # A quarter and a half of a great circle, and one degree along the equator.
    quarter = np.pi / 2 * sphere.EARTH_RADIUS_KM
    assert sphere.haversine([0, 0], [90, 0]) == pytest.approx(quarter)
    assert sphere.haversine([0, 0], [0, 180]) == pytest.approx(2 * quarter)
    assert sphere.haversine([0, 0], [0, 1]) == pytest.approx(111.19508, abs=1e-4)


def test_antimeridian_is_no_border() -> None:
    assert sphere.haversine([0, 179.5], [0, -179.5]) == pytest.approx(111.19508, abs=1e-4)
    middle = sphere.mean([[10, 179], [10, -179]])
    assert abs(middle[1]) == pytest.approx(180)


@given(place, place)
def test_distance_is_symmetric_and_bounded(a: tuple[float, float], b: tuple[float, float]) -> None:
    there, back = sphere.haversine(a, b), sphere.haversine(b, a)
    assert there == pytest.approx(back, abs=1e-9)
    assert 0 <= there <= sphere.HALF_CIRCUMFERENCE_KM + 1e-6


@given(place, place, place)
def test_triangle_inequality(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]
) -> None:
    direct = sphere.haversine(a, c)
    assert direct <= sphere.haversine(a, b) + sphere.haversine(b, c) + 1e-3


@given(place, st.floats(0, 360), st.floats(0, 20000))
def test_offset_is_as_far_as_asked(a: tuple[float, float], bearing: float, km: float) -> None:
    reached = sphere.offset(a, bearing, km)
    assert sphere.haversine(a, reached) == pytest.approx(km, abs=1e-3)
    assert -180 <= reached[1] < 180


@given(st.lists(place, min_size=1, max_size=30), st.lists(place, min_size=1, max_size=30))
def test_blocks_equal_haversine(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> None:
    expected = sphere.haversine(np.array(a)[:, None], np.array(b)[None])
    found = np.empty_like(expected)
    for rows, km in sphere.distance_blocks(a, b, block_elements=7):
        found[rows] = km
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_allclose(sphere.distances(a, b), expected, atol=1e-3)


@given(place)
def test_vectors_there_and_back(a: tuple[float, float]) -> None:
    back = sphere.from_unit_vectors(sphere.unit_vectors(a))
    assert sphere.haversine(a, back) < 1e-6


@given(st.floats(0.001, 20000))
def test_chord_and_arc_are_inverse(km: float) -> None:
    assert sphere.arc(sphere.chord(km)) == pytest.approx(km, rel=1e-6)


def test_group_means_skip_outsiders_and_empty_groups() -> None:
    means = sphere.group_means([[0, 10], [0, 20], [50, 50]], np.array([0, 0, -1]), 2)
    np.testing.assert_allclose(means[0], [0, 15], atol=1e-9)
    assert np.isnan(means[1]).all()


def test_mean_of_antipodes_is_one_of_them() -> None:
    np.testing.assert_allclose(sphere.mean([[0, 0], [0, 180]]), [0, 0], atol=1e-9)


def test_weights_pull_the_mean() -> None:
    assert sphere.mean([[0, 0], [0, 10]], weights=[3, 1])[1] < 5


def test_cap_area_of_the_whole_earth() -> None:
    whole = sphere.cap_area_km2(sphere.HALF_CIRCUMFERENCE_KM)
    assert whole == pytest.approx(sphere.SPHERE_AREA_KM2)


def test_uniform_points_fill_the_sphere_evenly() -> None:
    points = sphere.uniform(20_000, np.random.default_rng(1))
    assert np.mean(points[:, 0] > 30) == pytest.approx(0.25, abs=0.015)


@pytest.mark.parametrize(
    ("value", "words"),
    [([[91, 0]], "latitude"), ([[np.nan, 0]], "finite"), ([[1, 2, 3]], "shape")],
)
def test_bad_coordinates_are_named(value: list[list[float]], words: str) -> None:
    with pytest.raises(GraticuleError, match=words):
        sphere.as_latlon(value)


def test_no_points_have_no_mean() -> None:
    with pytest.raises(GraticuleError, match="no points"):
        sphere.mean(np.empty((0, 2)))


@given(place, st.floats(0, 360), st.floats(0, 15_000))
def test_the_plane_there_and_back(origin: tuple[float, float], bearing: float, km: float) -> None:
    point = sphere.offset([origin], [bearing], [km])
    back = sphere.from_plane(sphere.to_plane(point, origin), origin)
    assert sphere.haversine(point, back)[0] < 1e-3


def test_the_plane_keeps_areas() -> None:
    ring = sphere.to_plane(sphere.circle((50, 10), 300, 720), (40.0, -5.0))
    x, y = ring.T
    area = abs((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) / 2
    assert area == pytest.approx(float(sphere.cap_area_km2(300)), rel=1e-4)
