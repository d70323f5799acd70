"""Equal Earth: equal areas, and the constants of its paper."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.draw.projection import densify, equal_earth, outline


def test_known_points() -> None:
    # The bounds that the authors' own D3 code gives for a unit sphere.
    assert equal_earth((180, 0)) == pytest.approx((2.70663, 0), abs=1e-5)
    assert equal_earth((0, 90)) == pytest.approx((0, 1.31736), abs=1e-5)


@pytest.mark.parametrize("lat", [-80, -30, 0, 45, 70])
def test_areas_are_kept(lat: float) -> None:
    d = 0.01
    box = [(0, lat), (d, lat), (d, lat + d), (0, lat + d)]
    x, y = equal_earth(box).T
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    ground = np.radians(d) * (np.sin(np.radians(lat + d)) - np.sin(np.radians(lat)))
    assert area == pytest.approx(ground, rel=1e-4)


def test_outline_is_closed() -> None:
    edge = outline()
    np.testing.assert_allclose(edge[0], edge[-1])


def test_densify_keeps_corners() -> None:
    line = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 1.0]])
    dense = densify(line, 2.0)
    assert len(dense) == 7
    assert all((dense == corner).all(axis=1).any() for corner in line)
