from __future__ import annotations

import numpy as np
import pytest

from graticule import atlas
from graticule.errors import GraticuleError


def test_a_city_is_named_whole() -> None:
    found = atlas.names([(27.1751, 78.0421), (40.7484, -73.9857)])
    assert found.country.tolist() == ["IN", "US"]
    assert found.country_name[0] == "India"
    assert found.region_name.tolist() == ["Uttar Pradesh", "New York"]
    assert found[0].town_km < 10
    assert str(found[0]).endswith("Uttar Pradesh, India")
    assert len(list(found)) == 2


def test_the_open_sea_gets_a_plain_answer() -> None:
    place = atlas.names((-48.88, -123.39))[0]
    assert (place.country, place.region, place.town) == ("", "", "")
    assert np.isnan(place.town_km)
    assert str(place) == "at sea"


def test_antarctica_gets_a_plain_answer() -> None:
    place = atlas.names((-90.0, 0.0))[0]
    assert (place.country, place.country_name) == ("AQ", "Antarctica")
    assert str(place).endswith("Antarctica")


def test_the_town_is_of_the_same_country_where_one_is_near() -> None:
    # Konstanz's station is 200 m from Kreuzlingen in Switzerland.
    place = atlas.names((47.6575, 9.1765))[0]
    assert place.country == "DE"
    assert place.town == "Konstanz"


def test_many_points_are_named_as_one_by_one() -> None:
    points = atlas.sample_land(50, 0)
    together = atlas.names(points)
    for i, point in enumerate(points):
        alone, listed = atlas.names(point)[0], together[i]
        assert str(alone) == str(listed)
        assert alone.town_km == pytest.approx(listed.town_km, nan_ok=True)


def test_nothing_and_nonsense() -> None:
    assert len(atlas.names(np.empty((0, 2)))) == 0
    with pytest.raises(GraticuleError, match="coordinate 1"):
        atlas.names([(0.0, 0.0), (np.nan, 0.0)])
