"""Areas and centroids on the sphere, against caps and boxes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from graticule import sphere
from graticule.cells.geometry import areas_km2, centroids


def cap(lat: float, lon: float, km: float) -> shapely.Polygon:
    return shapely.Polygon(sphere.circle((lat, lon), km, 360)[:, ::-1])


def test_an_octant_is_an_eighth_of_the_earth() -> None:
    octant = shapely.segmentize(shapely.box(0, 0, 90, 90), 1)
    assert areas_km2([octant])[0] == pytest.approx(sphere.SPHERE_AREA_KM2 / 8, rel=1e-6)


@pytest.mark.parametrize("lat", [0, 45, -70])
def test_a_cap_has_its_area_and_its_middle(lat: float) -> None:
    polygon = cap(lat, 20, 500)
    assert areas_km2([polygon])[0] == pytest.approx(sphere.cap_area_km2(500), rel=1e-3)
    assert sphere.haversine(centroids([polygon])[0], (lat, 20)) < 1


def test_two_parts_across_the_antimeridian_meet_at_it() -> None:
    both = shapely.MultiPolygon([shapely.box(175, 0, 180, 1), shapely.box(-180, 0, -175, 1)])
    assert sphere.haversine(centroids([both])[0], (0.5, 180)) < 1


def test_a_hole_is_left_out_and_an_empty_shape_is_nowhere() -> None:
    ring = cap(10, 10, 500).difference(cap(10, 10, 200))
    expected = sphere.cap_area_km2(500) - sphere.cap_area_km2(200)
    assert areas_km2([ring, shapely.Polygon()]) == pytest.approx([expected, 0], rel=1e-3)
    assert np.isnan(centroids([shapely.Polygon()])).all()
