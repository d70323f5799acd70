from __future__ import annotations

import numpy as np
import pytest

from graticule import atlas

PLACES = [
    ("Hyderabad", 17.385, 78.4867, "IN-TG", "Telangana"),
    ("Warangal", 17.97, 79.6, "IN-TG", "Telangana"),
    ("Vijayawada", 16.51, 80.65, "IN-AP", "Andhra Pradesh"),
    ("Leh", 34.1642, 77.5848, "IN-LA", "Ladakh"),
    ("Kargil", 34.557, 76.126, "IN-LA", "Ladakh"),
    ("Nubra, towards Siachen", 35.0, 77.8, "IN-LA", "Ladakh"),
    ("Jalandhar", 31.33, 75.58, "IN-PB", "Punjab"),
    ("Munsiari", 30.07, 80.24, "IN-UK", "Uttarakhand"),
    ("Pondicherry", 11.93, 79.83, "IN-PY", "Puducherry"),
    ("Karaikal", 10.92, 79.83, "IN-PY", "Puducherry"),
    ("Chandigarh", 30.735, 76.785, "IN-CH", "Chandigarh"),
    ("Gurugram", 28.46, 77.03, "IN-HR", "Haryana"),
    ("Srinagar", 34.09, 74.79, "IN-JK", "Jammu and Kashmir"),
    ("Daman", 20.41, 72.83, "IN-DH", "Dadra and Nagar Haveli and Daman and Diu"),
    ("Dehradun", 30.32, 78.03, "IN-UK", "Uttarakhand"),
    ("Port Blair", 11.67, 92.74, "IN-AN", "Andaman and Nicobar Islands"),
    ("New Delhi", 28.61, 77.21, "IN-DL", "Delhi"),
    ("San Francisco", 37.7749, -122.4194, "US-CA", "California"),
    ("Honolulu", 21.31, -157.86, "US-HI", "Hawaii"),
    ("Attu", 52.9, 173.0, "US-AK", "Alaska"),
]


@pytest.mark.parametrize(
    ("lat", "lon", "code", "name"), [p[1:] for p in PLACES], ids=[p[0] for p in PLACES]
)
def test_places_have_their_region(lat: float, lon: float, code: str, name: str) -> None:
    codes, names = atlas.regions((lat, lon))
    assert (codes[0], names[0]) == (code, name)


@pytest.mark.parametrize(
    ("lat", "lon", "name"),
    [(48.8566, 2.3522, "Paris"), (-33.87, 151.21, "New South Wales"), (43.65, -79.38, "Ontario"),
     (54.71, 20.51, "Kaliningrad"), (66.0, -172.0, "Chukchi Autonomous Okrug"),
     (35.68, 139.76, "Tokyo"), (-23.55, -46.63, "São Paulo")],
)  # fmt: skip
def test_the_world_outside_india(lat: float, lon: float, name: str) -> None:
    assert atlas.regions((lat, lon))[1].tolist() == [name]


def test_the_sea_has_none() -> None:
    assert atlas.regions((0.0, -30.0))[0].tolist() == [""]


def test_a_region_is_of_its_points_country() -> None:
    points = atlas.sample_land(3000, 0)
    country = atlas.countries(points)
    codes, _ = atlas.regions(points)
    table = atlas.region_table()
    owner = np.array([table[code][1] if code else "" for code in codes.tolist()])
    named = codes != ""
    assert (owner[named] == country[named]).all()
    assert named.mean() > 0.99


def test_codes_are_unique_and_india_is_of_today() -> None:
    table = atlas.region_table()
    india = {code: row for code, row in table.items() if row[1] == "IN"}
    assert len(india) == 36  # 28 states and 8 union territories
    assert all(hindi for _, _, hindi in india.values())
    assert len(atlas.region_polygons()) == len(table)


def test_polygons_are_valid() -> None:
    import shapely

    assert shapely.is_valid(list(atlas.region_polygons().values())).all()
