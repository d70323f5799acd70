from __future__ import annotations

import numpy as np
import pytest

from graticule import atlas


@pytest.mark.parametrize("scale", ["110m", "50m"])
def test_rings_are_closed_and_stay_on_the_map(scale: str) -> None:
    rings = atlas.outlines(scale)  # type: ignore[arg-type]
    assert len(rings) > 100
    for ring in rings:
        assert np.array_equal(ring[0], ring[-1])
        assert (np.abs(ring) <= [180, 90]).all()


@pytest.mark.parametrize("scale", ["110m", "50m"])
def test_no_edge_crosses_the_map(scale: str) -> None:
    # Antarctica runs along the map's lower edge, where an edge may be as long as the map.
    lines = [*atlas.outlines(scale), *atlas.border_lines(scale)]  # type: ignore[arg-type]
    for line in lines:
        steps = np.abs(np.diff(line[:, 0]))[line[1:, 1] > -89]
        assert steps.max(initial=0) < 60


def test_the_land_covers_what_the_land_covers() -> None:
    # Natural Earth's land is 147 million km²; shoelace in the cylindrical equal-area projection.
    area = 0.0
    for ring in atlas.outlines("110m"):
        x, y = np.radians(ring[:, 0]), np.sin(np.radians(ring[:, 1]))
        area += float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2
    assert abs(area) * 6371.0088**2 == pytest.approx(147e6, rel=0.02)
