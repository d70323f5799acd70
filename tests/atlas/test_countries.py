from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import atlas, sphere
from graticule.atlas.countries import _index
from graticule.errors import GraticuleError

HARD = [
    ("Suva", -18.1416, 178.4415, "FJ"),
    ("Taveuni, Fiji, east of 180°", -16.85, -179.95, "FJ"),
    ("Lau islands, Fiji", -17.25, -178.97, "FJ"),
    ("Chukotka, west of 180°", 66.5, 179.0, "RU"),
    ("Chukotka, east of 180°", 66.0, -172.0, "RU"),
    ("Wrangel Island on the antimeridian", 71.2, 180.0, "RU"),
    ("Wrangel Island on the antimeridian, told westwards", 71.2, -180.0, "RU"),
    ("Attu, Aleutians, west of 180°", 52.9, 173.0, "US"),
    ("South Pole", -90.0, 0.0, "AQ"),
    ("McMurdo", -77.85, 166.67, "AQ"),
    ("North Pole", 90.0, 0.0, ""),
    ("Null Island", 0.0, 0.0, ""),
    ("Atlantic", 0.0, -30.0, ""),
    ("Pacific, Point Nemo", -48.88, -123.39, ""),
    ("Southern Ocean", -60.0, 90.0, ""),
    ("Maseru, Lesotho, inside South Africa", -29.31, 27.48, "LS"),
    ("Bloemfontein", -29.12, 26.22, "ZA"),
    ("Vatican", 41.9029, 12.4534, "VA"),
    ("Rome", 41.89, 12.49, "IT"),
    ("San Marino", 43.9356, 12.4473, "SM"),
    ("Rimini", 44.06, 12.57, "IT"),
    ("Monaco", 43.7347, 7.4206, "MC"),
    ("Kaliningrad", 54.71, 20.51, "RU"),
    ("Leh, Ladakh", 34.1642, 77.5848, "IN"),
    ("Cayenne, French Guiana", 4.9224, -52.3135, "GF"),
    ("Macau", 22.1987, 113.5439, "MO"),
    ("Zhuhai", 22.27, 113.57, "CN"),
    ("Hong Kong", 22.28, 114.16, "HK"),
    ("Hyderabad, Telangana", 17.385, 78.4867, "IN"),
    ("Ceuta", 35.889, -5.319, "ES"),
    ("Gibraltar", 36.14, -5.353, "GI"),
    ("Las Palmas", 28.12, -15.43, "ES"),
    ("Réunion", -21.1, 55.5, "RE"),
    ("Pristina", 42.66, 21.16, "XK"),
    ("Singapore", 1.29, 103.85, "SG"),
    ("Büsingen, Germany inside Switzerland", 47.697, 8.69, "DE"),
    ("Cabinda, Angola", -5.55, 12.2, "AO"),
    ("Nakhchivan, Azerbaijan", 39.21, 45.41, "AZ"),
    ("Oecusse, East Timor", -9.2, 124.36, "TL"),
    ("Male, an atoll", 4.1755, 73.5093, "MV"),
    ("Funafuti, an atoll", -8.5211, 179.1983, "TV"),
    ("Longyearbyen", 78.22, 15.65, "SJ"),
    ("Simferopol, Crimea: UA by ISO 3166-2", 44.95, 34.1, "UA"),
    ("Bir Tawil, nobody's", 21.88, 33.75, ""),
]


@pytest.mark.parametrize(
    ("lat", "lon", "code"), [row[1:] for row in HARD], ids=[r[0] for r in HARD]
)
def test_hard_places(lat: float, lon: float, code: str) -> None:
    assert atlas.countries((lat, lon)).tolist() == [code]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-360, 360)), min_size=1, max_size=200))
def test_the_grid_answers_as_the_polygons_do(points: list[tuple[float, float]]) -> None:
    latlon = np.array(points)
    lat, lon = latlon[:, 0], sphere.wrap_longitude(latlon[:, 1])
    assert np.array_equal(_index()._find(lat, lon), _index()._test(lat, lon))


def test_the_grid_answers_as_the_polygons_do_along_borders() -> None:
    rng = np.random.default_rng(0)
    lines = np.concatenate([line for line in atlas.border_lines("50m") if len(line)])
    lonlat = lines[rng.choice(len(lines), 3000)] + rng.normal(0, 0.05, (3000, 2))
    latlon = np.clip(lonlat[:, ::-1], [-90, -1e3], [90, 1e3])
    exact = _index()._test(latlon[:, 0], sphere.wrap_longitude(latlon[:, 1]))
    assert np.array_equal(_index().find(latlon), exact)


@settings(max_examples=60, deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(-2, 2))
def test_a_turn_around_the_earth_changes_nothing(lat: float, lon: float, turns: int) -> None:
    wrapped = float(sphere.wrap_longitude(lon + 360.0 * turns))
    assert atlas.countries((lat, wrapped)) == atlas.countries((lat, lon + 360.0 * turns))


def test_every_town_has_a_country_and_it_is_the_towns_own() -> None:
    table = atlas.towns()
    found = atlas.countries(table.latlon)
    assert (found != "").all()
    # GeoNames puts a few hundred villages on the other side of a border than the borders do.
    assert (found != table.country).mean() < 0.002


def test_every_country_holds_a_point_of_its_own_land() -> None:
    import shapely

    codes, polygons = zip(*atlas.country_polygons().items(), strict=True)
    inside = shapely.point_on_surface(list(polygons))
    latlon = np.stack([shapely.get_y(inside), shapely.get_x(inside)], axis=1)
    assert atlas.countries(latlon).tolist() == list(codes)


def test_polygons_are_valid_and_cut_at_the_antimeridian() -> None:
    import shapely

    polygons = atlas.country_polygons()
    assert all(shapely.is_valid(list(polygons.values())))
    for code in ("FJ", "RU"):
        west, _, east, _ = polygons[code].bounds
        assert (west, east) == (-180.0, 180.0)
        for part in polygons[code].geoms:
            assert part.bounds[2] - part.bounds[0] < 180


def test_countries_do_not_overlap() -> None:
    points = atlas.sample_land(3000, 1)
    index = atlas.countries(points)
    import shapely

    polygons = atlas.country_polygons()
    tree = shapely.STRtree(list(polygons.values()))
    point, shape = tree.query(shapely.points(points[:, ::-1]), predicate="within")
    assert len(point) == len(set(point.tolist()))
    assert (np.array(list(polygons))[shape] == index[point]).all()


def test_codes_names_continents_and_roads() -> None:
    codes = atlas.country_codes()
    assert len(codes) == 250
    assert atlas.country_name("IN") == "India"
    assert atlas.country_name("") == ""
    assert {atlas.continent(code) for code in codes} == {
        "Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America",
    }  # fmt: skip
    assert [atlas.continent(c) for c in ("US", "BR", "RU", "GF", "AU")] == [
        "North America", "South America", "Europe", "South America", "Oceania",
    ]  # fmt: skip
    left = {code for code in codes if atlas.road_side(code) == "left"}
    assert {"IN", "GB", "JP", "AU", "ZA", "TH", "MO", "HK", "KE", "NZ"} <= left
    assert not {"US", "FR", "CN", "BR", "DE", "MM", "RW"} & left


def test_an_unknown_code_and_a_bad_coordinate_are_named() -> None:
    with pytest.raises(GraticuleError, match="'ZZ'"):
        atlas.country_name("ZZ")
    with pytest.raises(GraticuleError, match="swapped"):
        atlas.countries((178.0, -18.0))


def test_no_points_no_answers() -> None:
    assert atlas.countries(np.empty((0, 2))).shape == (0,)
