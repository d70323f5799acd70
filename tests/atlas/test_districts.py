from __future__ import annotations

import numpy as np
import pytest

from graticule import atlas


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (17.385, 78.4867, "IN-TG/Hyderabad"),
        (34.1642, 77.5848, "IN-LA/Leh"),
        (34.557, 76.126, "IN-LA/Kargil"),
        (27.1751, 78.0421, "IN-UP/Agra"),
        (9.9252, 78.1198, "IN-TN/Madurai"),
        (26.9124, 75.7873, "IN-RJ/Jaipur"),
        (27.92, 79.34, "IN-UP/Budaun"),  # Dataganj, which the source gives to Nepal
        (29.58, 80.22, "IN-UK/Pithoragarh"),
        (22.36, 88.43, "IN-WB/South 24 Parganas"),  # Baruipur, to Bangladesh
        (51.5, -0.1, ""),
        (10.0, 65.0, ""),
    ],
)
def test_places_have_their_district(lat: float, lon: float, code: str) -> None:
    assert atlas.find_districts((lat, lon)).tolist() == [code]


def test_there_are_about_as_many_as_there_are() -> None:
    table = atlas.districts()
    assert 700 < len(table) < 800
    assert len({d.code for d in table}) == len(table)
    assert {d.region for d in table} == {c for c, r in atlas.region_table().items() if r[1] == "IN"}
    # Telangana has 33 districts since 2019, Ladakh had two until 2024.
    assert sum(d.region == "IN-TG" for d in table) == 33
    assert sorted(d.name for d in table if d.region == "IN-LA") == ["Kargil", "Leh"]
    assert sum(bool(d.name_hi) for d in table) > 250


def test_districts_cover_india_once() -> None:
    import shapely

    shapes = [d.polygon for d in atlas.districts()]
    assert shapely.is_valid(shapes).all()
    points = atlas.sample_land(40_000, 5)
    points = points[atlas.countries(points) == "IN"]
    assert len(points) > 500
    assert (atlas.find_districts(points) != "").all()
    tree = shapely.STRtree(shapes)
    point, _ = tree.query(shapely.points(points[:, ::-1]), predicate="within")
    held = np.bincount(point, minlength=len(points))
    assert (held == 1).mean() > 0.97
    assert (held > 1).mean() < 0.005


def test_no_sub_district_is_missing_inside() -> None:
    import shapely

    whole = shapely.union_all([d.polygon for d in atlas.districts()])
    holes = [shapely.Polygon(r).area for part in shapely.get_parts(whole) for r in part.interiors]
    # Square degrees: cracks are left, the smallest sub-districts are 0.01.
    assert max(holes) < 0.004


def test_a_districts_state_is_the_points_state() -> None:
    points = atlas.sample_land(20_000, 6)
    points = points[atlas.countries(points) == "IN"]
    state = [code.split("/")[0] for code in atlas.find_districts(points).tolist()]
    assert np.mean(np.array(state) == atlas.regions(points)[0]) > 0.985
