"""Cells are named after what their photos lie in, and small ones after where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import sphere
from graticule.belief import Belief
from graticule.cells.cities import cities
from graticule.cells.countries import countries
from graticule.cells.gallery import gallery
from graticule.cells.partition import Tally
from graticule.cells.units import KINDS, tallied
from graticule.locate import places

TOWNS = cities(
    {"IN:Agra": (27.18, 78.02), "IN:Lucknow": (26.85, 80.95), "FR:Lyon": (45.76, 4.84)},
    radius_km=15,
)


def test_regions_sum_their_cells() -> None:
    belief = Belief.from_logits(TOWNS, np.log([[0.5, 0.3, 0.2]]))
    found = places.grouping(TOWNS, "regions").places(belief, 0, 10)
    assert found[0].name == "Uttar Pradesh"
    assert found[0].probability == pytest.approx(0.8, abs=1e-3)
    assert [place.code[:2] for place in found] == ["IN", "FR"]


def test_districts_are_indias() -> None:
    belief = Belief.from_logits(TOWNS, np.log([[0.5, 0.3, 0.2]]))
    found = places.grouping(TOWNS, "districts").places(belief, 0, 10)
    assert [place.name for place in found] == ["Agra", "Lucknow"]


def test_a_cell_as_wide_as_a_country_lies_in_no_region() -> None:
    lands = countries(["FR", "IN"])
    belief = Belief.from_logits(lands, [[1.0, 0.0]])
    assert places.grouping(lands, "regions").places(belief, 0, 10) == ()


def test_a_wide_cell_lies_where_its_photos_do() -> None:
    lands = countries(["FR", "IN"])
    agra, lucknow, jaipur, lyon = (27.18, 78.02), (26.85, 80.95), (26.92, 75.79), (45.76, 4.84)
    photos = np.array([agra, agra, lucknow, jaipur, lyon])
    known = tallied(lands, lands.index(["IN", "IN", "IN", "IN", "FR"]), photos)
    belief = Belief.from_logits(lands, np.log([[0.2, 0.8]]))
    # Of four photos and one that is not seen yet, three lie in Uttar Pradesh.
    (state, other, rhone) = places.grouping(known, "regions").places(belief, 0, 10)
    assert (state.name, state.probability) == ("Uttar Pradesh", pytest.approx(0.8 * 3 / 5))
    assert (other.name, other.probability) == ("Rajasthan", pytest.approx(0.8 / 5))
    assert (rhone.code[:2], rhone.probability) == ("FR", pytest.approx(0.2 / 2))
    found = places.grouping(known, "districts").places(belief, 0, 1)
    assert [place.name for place in found] == ["Agra"]
    only = places.grouping(known, "regions", within=("FR",)).places(belief, 0, 10)
    assert [place.code for place in only] == [rhone.code]


def test_a_unit_that_the_atlas_no_longer_has_goes_by_its_code() -> None:
    tally = Tally(np.array([0]), np.array(["IN-XX"]), np.array([3]))
    lands = replace(countries(["FR", "IN"]), tallies={"regions": tally})
    found = places.grouping(lands, "regions", within=("IN",))
    assert (found.over.ids, found.names) == (("IN-XX",), ("IN-XX",))


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_moving_mass_between_cells_moves_it_between_units(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = gallery(sphere.offset(np.array([[22.0, 78.0]] * 6), rng.uniform(0, 360, 6),
                                  rng.uniform(0, 900, 6)))  # fmt: skip
    wide = replace(cells, areas_km2=rng.choice([1e2, 1e4, 1e6], 6))
    near = sphere.offset(wide.centers[np.arange(30) % 5], rng.uniform(0, 360, 30),
                         rng.uniform(0, 300, 30))  # fmt: skip
    known = tallied(wide, np.arange(30) % 5, near)
    p = rng.dirichlet(np.ones(6))
    moved = p.copy()
    one, other = rng.choice(6, 2, replace=False)
    moved[one], moved[other] = 0.25 * p[one], p[other] + 0.75 * p[one]
    belief = Belief(known, np.log([p, moved]).astype(np.float32))
    for kind in KINDS:
        found = places.grouping(known, kind)
        whole = np.zeros((6, len(found.names)))
        np.add.at(whole, (found.cells, found.units), found.shares)
        before, after = found.mass(belief, 0), found.mass(belief, 1)
        assert (before >= 0).all()
        assert before.sum() <= 1 + 1e-6
        step = 0.75 * p[one] * (whole[other] - whole[one])
        np.testing.assert_allclose(after - before, step, atol=1e-6)
        named = found.places(belief, 0, None)
        assert sum(place.probability for place in named) <= 1 + 1e-4 * len(named)


def test_a_town_is_named_where_the_mass_is() -> None:
    belief = Belief.from_logits(TOWNS, np.log([[0.98, 0.01, 0.01], [0.3, 0.3, 0.4]]))
    points = np.array([[27.18, 78.02], [0.0, -150.0]])
    sure, nowhere = places.towns(belief, points)
    assert (sure[0].name, sure[0].country) == ("Agra", "IN")
    assert sure[0].probability == pytest.approx(0.98, abs=0.02)
    assert nowhere == ()
