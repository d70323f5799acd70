from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import atlas, sphere
from graticule.atlas.towns import fold


def test_the_nearest_town_is_the_nearest() -> None:
    rng = np.random.default_rng(0)
    points = sphere.from_unit_vectors(rng.normal(size=(20, 3)))
    number, km = atlas.nearest_towns(points)
    every = sphere.distances(points, atlas.towns().latlon)
    assert km == pytest.approx(every.min(axis=1), abs=1e-3)
    assert np.take_along_axis(every, number[:, None], 1)[:, 0] == pytest.approx(km, abs=1e-3)


def test_nearness_goes_round_the_antimeridian() -> None:
    number, km = atlas.nearest_towns([(-16.7, 180.0), (-16.7, -180.0)])
    assert number[0] == number[1]
    assert km[0] == pytest.approx(km[1])


@pytest.mark.parametrize(
    ("name", "country", "town"),
    [
        ("Paris", None, ("Paris", "FR")),
        ("Paris", "US", ("Paris", "US")),
        ("munchen", None, ("Munich", "DE")),
        ("Bombay", None, ("Mumbai", "IN")),
        ("new york", None, ("New York City", "US")),
        ("दिल्ली", None, ("Delhi", "IN")),
        ("SÃO-PAULO", None, ("São Paulo", "BR")),
        ("Hyderabad", None, ("Hyderabad", "IN")),
        ("Hyderabad", "PK", ("Hyderabad", "PK")),
    ],
)
def test_towns_are_found_by_name(name: str, country: str | None, town: tuple[str, str]) -> None:
    found = atlas.find_town(name, country)
    assert found is not None
    assert (found.name, found.country) == town


def test_a_town_that_is_not_there() -> None:
    assert atlas.find_town("Nowhere on any map") is None
    assert atlas.find_town("Paris", "AQ") is None
    assert atlas.find_towns("") == []


def test_the_best_known_comes_first() -> None:
    people = [town.population for town in atlas.find_towns("Santiago") if town.name == "Santiago"]
    assert len(people) > 5
    assert people == sorted(people, reverse=True)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_folding_twice_is_folding_once(name: str) -> None:
    assert fold(fold(name)) == fold(name)


def test_the_table_is_whole() -> None:
    table = atlas.towns()
    assert len(table) == len(table.name) == len(table.country) == len(table.population)
    assert len(table) > 200_000
    assert (table.population >= 0).all()
    delhi = atlas.find_town("Delhi")
    assert delhi is not None
    assert sphere.haversine((delhi.lat, delhi.lon), (28.652, 77.231)) < 1
