from __future__ import annotations

import numpy as np
import pytest

from graticule import atlas
from graticule.atlas.climate import ZONE_NAMES


@pytest.mark.parametrize(
    ("lat", "lon", "zones"),
    [
        (1.29, 103.85, {"Af"}),  # Singapore
        (27.17, 78.04, {"BSh", "Cwa"}),  # Agra
        (51.5, -0.12, {"Cfb"}),  # London
        (37.98, 23.73, {"Csa", "BSk", "BSh"}),  # Athens
        (62.03, 129.73, {"Dfd", "Dfc", "Dwd"}),  # Yakutsk
        (24.0, 10.0, {"BWh"}),  # the Sahara
        (75.0, -40.0, {"EF"}),  # Greenland's ice
        (-90.0, 0.0, {"EF"}),
        (90.0, 0.0, {""}),
        (0.0, -30.0, {""}),
    ],
)
def test_known_climates(lat: float, lon: float, zones: set[str]) -> None:
    assert atlas.climate((lat, lon))[0] in zones


def test_the_raster_goes_round() -> None:
    assert atlas.climate([(66.5, 180.0), (66.5, -180.0)]).tolist() == ["ET", "ET"]


def test_every_zone_that_occurs_has_a_name() -> None:
    zones = set(atlas.climate(atlas.sample_land(20_000, 0)).tolist())
    assert zones - {""} <= set(ZONE_NAMES)
    assert len(zones) > 25
    assert atlas.climate_name("Aw").startswith("tropical")
    assert atlas.climate_name("") == ""


def test_land_has_a_climate() -> None:
    assert (atlas.climate(atlas.sample_land(5000, 1)) != "").mean() > 0.99


def test_no_points() -> None:
    assert atlas.climate(np.empty((0, 2))).shape == (0,)
