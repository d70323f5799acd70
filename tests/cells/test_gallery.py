"""Points as cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import sphere
from graticule.cells.files import read_partition
from graticule.cells.gallery import Gallery, gallery
from graticule.errors import GraticuleError, PartitionError


def test_every_place_has_the_nearest_point() -> None:
    points = sphere.uniform(300, np.random.default_rng(0))
    places = sphere.uniform(500, np.random.default_rng(1))
    found = gallery(points).assign(places)
    assert found.tolist() == sphere.distances(places, points).argmin(axis=1).tolist()


def test_areas_follow_the_density_and_fill_the_earth() -> None:
    whole = gallery(sphere.uniform(5000, np.random.default_rng(0)))
    assert whole.areas_km2.sum() == pytest.approx(sphere.SPHERE_AREA_KM2, rel=0.25)
    crowd = np.concatenate([whole.centers, np.random.default_rng(2).normal(45, 0.5, (5000, 2))])
    assert gallery(crowd).areas_km2[5000:].mean() < whole.areas_km2.mean() / 100


def test_duplicates_and_one_point_are_no_special_case() -> None:
    assert (gallery([[1, 2]] * 20).areas_km2 > 0).all()
    assert gallery([[1, 2]]).assign([[50, 60]]).tolist() == [0]


def test_saved_and_loaded_is_equal(tmp_path: Path) -> None:
    one = gallery([[1, 2], [3, 4]], counts=[5, 6])
    one.to_parquet(tmp_path / "g.parquet")
    back = read_partition(tmp_path / "g.parquet")
    assert isinstance(back, Gallery)
    assert back.ids == one.ids == ("0", "1")
    np.testing.assert_array_equal(back.areas_km2, one.areas_km2)


def test_bad_points_are_named() -> None:
    with pytest.raises(GraticuleError, match="at least one"):
        gallery(np.empty((0, 2)))
    with pytest.raises(GraticuleError, match="finite"):
        gallery([[np.nan, 0]])


def test_points_drawn_by_population_lie_where_people_do() -> None:
    from graticule import atlas
    from graticule.cells.gallery import drawn_on_land

    people, area = drawn_on_land(2000, "population", 1), drawn_on_land(2000, "area", 1)
    assert atlas.is_land(people).all()
    assert atlas.is_land(area).all()
    india = [(atlas.countries(points) == "IN").mean() for points in (people, area)]
    assert india[0] > 4 * india[1]


def test_lists_of_points(tmp_path: Path) -> None:
    from graticule.cells.gallery import read_points

    file = tmp_path / "p.csv"
    file.write_text("LON,LAT\n2.3,48.9\n")
    assert read_points(file).latlon.tolist() == [[48.9, 2.3]]
    for text in ("a,b\n1,2\n", "lat,lon\nx,2\n", "lat,lon\n99,2\n", "lat,lon\n,2\n", ""):
        file.write_text(text)
        with pytest.raises(PartitionError, match=r"p\.csv"):
            read_points(file)
    with pytest.raises(PartitionError, match=r"none\.csv"):
        read_points(tmp_path / "none.csv")


def test_a_partition_is_a_list_of_points_too(tmp_path: Path) -> None:
    from graticule.cells.gallery import read_points

    gallery([[48.9, 2.3], [1, 2]]).to_parquet(tmp_path / "p.parquet")
    assert read_points(tmp_path / "p.parquet").latlon.tolist() == [[48.9, 2.3], [1, 2]]


@given(
    st.floats(-80, 70), st.floats(-180, 179), st.floats(0.5, 10), st.floats(0.5, 10),
    st.floats(20, 200),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_a_grid_fills_its_box(
    south: float, west: float, high: float, wide: float, spacing: float
) -> None:
    from graticule.cells.gallery import grid

    points = grid((south, west, south + high, west + wide), spacing)
    east = (points[:, 1] - west) % 360
    assert ((points[:, 0] > south) & (points[:, 0] < south + high)).all()
    assert (east < wide + 1e-6).all()
    # No place of the box is farther from a point than half a diagonal of its mesh.
    u, v = np.meshgrid(np.linspace(0, 1, 6), np.linspace(0, 1, 6))
    inside = np.stack([south + high * u.ravel(), west + wide * v.ravel()], axis=1)
    assert sphere.distances(inside, points).min(axis=1).max() <= spacing * 0.75


def test_boxes_that_are_none() -> None:
    from graticule.cells.gallery import grid

    for box, spacing in (((10, 0, 5, 1), 1), ((0, 0, 1, 1), 0), ((-90, -180, 90, 180), 1)):
        with pytest.raises(PartitionError, match="box"):
            grid(box, spacing)
