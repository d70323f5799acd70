"""Countries as cells."""

from __future__ import annotations

import numpy as np
import pytest

from graticule import sphere
from graticule.cells.countries import countries
from graticule.errors import PartitionError


def test_a_closed_set_of_those_with_photos() -> None:
    made = countries(["FR", "", "JP", "FR"])
    assert (made.ids, made.counts.tolist()) == (("FR", "JP"), [2, 1])
    assert made.names == ("France", "Japan")
    assert made.assign([[48.9, 2.3], [35.7, 139.7], [52.5, 13.4], [0, -30]]).tolist() == [
        0,
        1,
        -1,
        -1,
    ]
    assert made.areas_km2[0] == pytest.approx(551_500, rel=0.05)


def test_the_point_is_the_mean_of_photos_or_the_centroid_on_land() -> None:
    codes, places = ["FR", "FR", "JP"], [[48.0, 2.0], [48.0, 4.0], [np.nan, np.nan]]
    photos = countries(codes, places)
    assert sphere.haversine(photos.centers[0], [48.0, 3.0]) < 1
    centroid = countries(codes, places, center="polygon")
    assert sphere.haversine(centroid.centers[0], [46.5, 2.6]) < 40
    np.testing.assert_allclose(photos.centers[1], centroid.centers[1])
    # Fiji lies on both sides of the antimeridian; its middle is between its islands.
    assert sphere.haversine(countries(["FJ"]).centers[0], [-17.5, 178.5]) < 100


def test_what_is_no_country_is_named() -> None:
    with pytest.raises(PartitionError, match="no photo has a country"):
        countries(["", ""])
    with pytest.raises(PartitionError, match="'ZZ'"):
        countries(["ZZ"])
