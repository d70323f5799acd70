"""Cells are named after what they surely lie in."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.belief import Belief
from graticule.cells.cities import cities
from graticule.cells.countries import countries
from graticule.locate import places

TOWNS = cities(
    {"IN:Agra": (27.18, 78.02), "IN:Lucknow": (26.85, 80.95), "FR:Lyon": (45.76, 4.84)},
    radius_km=15,
)


def test_regions_sum_their_cells() -> None:
    belief = Belief.from_logits(TOWNS, np.log([[0.5, 0.3, 0.2]]))
    found = places.regions(TOWNS).places(belief, 0, 10)
    assert found[0].name == "Uttar Pradesh"
    assert found[0].probability == pytest.approx(0.8, abs=1e-3)
    assert [place.code[:2] for place in found] == ["IN", "FR"]


def test_districts_are_indias() -> None:
    belief = Belief.from_logits(TOWNS, np.log([[0.5, 0.3, 0.2]]))
    found = places.districts(TOWNS).places(belief, 0, 10)
    assert [place.name for place in found] == ["Agra", "Lucknow"]


def test_a_cell_as_wide_as_a_country_lies_in_no_region() -> None:
    lands = countries(["FR", "IN"])
    belief = Belief.from_logits(lands, [[1.0, 0.0]])
    assert places.regions(lands).places(belief, 0, 10) == ()


def test_a_town_is_named_where_the_mass_is() -> None:
    belief = Belief.from_logits(TOWNS, np.log([[0.98, 0.01, 0.01], [0.3, 0.3, 0.4]]))
    points = np.array([[27.18, 78.02], [0.0, -150.0]])
    sure, nowhere = places.towns(belief, points)
    assert (sure[0].name, sure[0].country) == ("Agra", "IN")
    assert sure[0].probability == pytest.approx(0.98, abs=0.02)
    assert nowhere == ()
