"""Areas and centroids on the sphere, against caps and boxes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from graticule import sphere
from graticule.cells import geometry


def cap(lat: float, lon: float, km: float) -> shapely.Polygon:
    return shapely.Polygon(sphere.circle((lat, lon), km, 360)[:, ::-1])


def test_an_octant_is_an_eighth_of_the_earth() -> None:
    octant = shapely.segmentize(shapely.box(0, 0, 90, 90), 1)
    assert geometry.area_km2(octant) == pytest.approx(sphere.SPHERE_AREA_KM2 / 8, rel=1e-6)


@pytest.mark.parametrize("lat", [0, 45, -70])
def test_a_cap_has_its_area_and_its_middle(lat: float) -> None:
    polygon = cap(lat, 20, 500)
    assert geometry.area_km2(polygon) == pytest.approx(sphere.cap_area_km2(500), rel=1e-3)
    assert sphere.haversine(geometry.centroid(polygon), (lat, 20)) < 1


def test_two_parts_across_the_antimeridian_meet_at_it() -> None:
    both = shapely.MultiPolygon([shapely.box(175, 0, 180, 1), shapely.box(-180, 0, -175, 1)])
    assert sphere.haversine(geometry.centroid(both), (0.5, 180)) < 1


@given(st.floats(-89, 89), st.floats(-180, 180), st.floats(0, 360), st.floats(1, 8000))
def test_projection_there_and_back(lat: float, lon: float, bearing: float, km: float) -> None:
    place = sphere.offset([[lat, lon]], [bearing], [km])
    back = geometry.unproject(geometry.project(place, (lat, lon)), (lat, lon))
    assert sphere.haversine(place, back)[0] < 1e-3


def test_projection_keeps_areas() -> None:
    ring = sphere.circle((50, 10), 300, 360)
    plane = shapely.Polygon(geometry.project(ring, (40.0, -5.0)))
    assert plane.area == pytest.approx(float(sphere.cap_area_km2(300)), rel=1e-3)
    assert np.isfinite(geometry.project([[-40.0, 175.0]], (40.0, -5.0))).all()
