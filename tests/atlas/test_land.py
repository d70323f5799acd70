from __future__ import annotations

import numpy as np
import pytest

from graticule import atlas, sphere


@pytest.mark.parametrize(
    ("lat", "lon", "land"),
    [
        (48.85, 2.35, True),
        (-85.0, 100.0, True),
        (0.0, -30.0, False),
        (42.5, 51.0, False),  # the Caspian Sea
        (4.1755, 73.5093, True),  # Male, an atoll
        (85.0, 0.0, False),
        (50.2, -0.7, False),  # the English Channel
    ],
)
def test_land_and_sea(lat: float, lon: float, land: bool) -> None:
    assert atlas.is_land((lat, lon)).tolist() == [land]


def test_samples_are_on_land_repeatable_and_as_many_as_asked() -> None:
    for n in (0, 1, 500):
        assert atlas.sample_land(n, 3).shape == (n, 2)
    points = atlas.sample_land(500, 3)
    assert np.array_equal(points, atlas.sample_land(500, np.random.default_rng(3)))
    assert atlas.is_land(points).all()


def test_samples_are_even_over_the_land() -> None:
    # Without its ice shelves Antarctica is 12.3 of 147.4 million km², 8.3 %; Brazil 5.8 %.
    codes = atlas.countries(atlas.sample_land(20_000, 0))
    assert (codes == "AQ").mean() == pytest.approx(0.083, abs=0.008)
    assert (codes == "BR").mean() == pytest.approx(0.058, abs=0.006)


def test_the_share_of_land_is_the_earths() -> None:
    points = sphere.from_unit_vectors(np.random.default_rng(0).normal(size=(40_000, 3)))
    assert atlas.is_land(points).mean() == pytest.approx(0.292, abs=0.01)
