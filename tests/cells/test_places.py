"""The cell that speaks for a place, also off the coast and in the rest of a country."""

from __future__ import annotations

import numpy as np

from graticule.cells.cities import Cities, cities
from graticule.cells.countries import countries
from graticule.cells.places import cell_countries, cells_at

KYIV, LVIV, WARSAW, OCEAN = (50.45, 30.52), (49.84, 24.03), (52.23, 21.01), (30.0, -40.0)


def with_rests() -> Cities:
    """Kyiv, and the rests of Ukraine and Poland."""
    own = cities({"UA:Kyiv": KYIV, "UA:rest": (48.0, 31.0), "PL:rest": (52.0, 19.0)})
    return Cities(
        name="cities",
        ids=("UA:Kyiv", "UA:", "PL:"),
        centers=own.centers,
        areas_km2=np.array([2000.0, 600_000.0, 312_000.0]),
        parents={"countries": ("UA", "UA", "PL")},
    )


def test_the_rest_of_a_country_speaks_for_its_towns() -> None:
    assert cells_at(with_rests(), [KYIV, LVIV, WARSAW, OCEAN]).tolist() == [0, 1, 2, -1]


def test_off_a_coast_the_nearest_town_stands_for_the_place() -> None:
    lands = countries(["PT", "ES"])
    off_lisbon, berlin = (38.6, -9.9), (52.5, 13.4)
    found = cells_at(lands, [off_lisbon, berlin, OCEAN])
    assert [lands.ids[i] if i >= 0 else "" for i in found] == ["PT", "", ""]


def test_without_rests_only_what_is_near_is_known() -> None:
    towns = cities({"UA:Kyiv": KYIV, "PL:Warsaw": WARSAW})
    suburb = (50.9, 30.6)
    assert cells_at(towns, [suburb, LVIV]).tolist() == [0, -1]


def test_countries_of_cells_are_their_parents_or_where_they_lie() -> None:
    assert cell_countries(with_rests()).tolist() == ["UA", "UA", "PL"]
    assert cell_countries(countries(["FR", "JP"])).tolist() == ["FR", "JP"]
