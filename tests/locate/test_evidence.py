"""A prior leaves what it allows as it was, and takes all from the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule import sphere
from graticule.belief import Belief
from graticule.cells.cities import cities
from graticule.cells.countries import countries
from graticule.cells.places import extents_km
from graticule.locate.evidence import Evidence

#: A hundred places spread over the Earth, of small extent.
SPOTS = sphere.uniform(100, np.random.default_rng(0))
CELLS = cities({f"FR:{i}": (lat, lon) for i, (lat, lon) in enumerate(SPOTS)}, radius_km=1)


@given(
    south=st.floats(-90, 90),
    height=st.floats(0, 180),
    west=st.floats(-180, 180),
    width=st.floats(0.001, 359),
)
def test_a_box_holds_the_cells_in_it_and_no_others(
    south: float, height: float, west: float, width: float
) -> None:
    north, east = min(south + height, 90.0), (west + width + 180) % 360 - 180
    inside = (SPOTS[:, 0] >= south) & (SPOTS[:, 0] <= north)
    inside &= (SPOTS[:, 1] - west) % 360 <= width
    weights = Evidence(bbox=(south, west, north, east)).log_prior(CELLS)
    allowed = np.isfinite(weights)
    assert (weights[allowed] == 0).all()
    assert allowed[inside].all()
    # A cell outside is allowed only where its own extent reaches the border.
    for row in np.flatnonzero(allowed & ~inside):
        edge = min(
            abs(SPOTS[row, 0] - south), abs(SPOTS[row, 0] - north),
            abs((SPOTS[row, 1] - west + 180) % 360 - 180),
            abs((SPOTS[row, 1] - east + 180) % 360 - 180),
        )  # fmt: skip
        assert edge < 0.1


def test_a_country_reaches_into_a_box_beside_its_center() -> None:
    lands = countries(["FR", "ES", "NZ"])
    # Brittany: France's center is far outside.
    weights = Evidence(bbox=(47.5, -5, 49, -2)).log_prior(lands)
    allowed = dict(zip(lands.ids, np.isfinite(weights), strict=True))
    assert allowed["FR"]
    assert not allowed["NZ"]


@given(
    lat=st.floats(-90, 90), lon=st.floats(-180, 180), km=st.floats(1, 20_000),
)  # fmt: skip
def test_near_falls_with_the_distance(lat: float, lon: float, km: float) -> None:
    weights = Evidence(near=(lat, lon, km)).log_prior(CELLS)
    gaps = sphere.haversine(SPOTS, (lat, lon))
    order = np.argsort(gaps)
    assert (np.diff(weights[order]) <= 1e-9).all()
    expected = -0.5 * ((gaps - extents_km(CELLS)) / km) ** 2
    far = gaps > extents_km(CELLS)
    np.testing.assert_allclose(weights[far], expected[far], rtol=1e-6, atol=1e-9)


def test_what_is_allowed_keeps_its_odds() -> None:
    lands = countries(["FR", "ES", "NZ"])
    belief = Belief.from_logits(lands, [[1.0, 0.2, 3.0]])
    evidence = Evidence(countries=("FR", "ES"))
    after = belief.with_prior(evidence.log_prior(lands)).p[0]
    before = belief.p[0]
    es, fr, nz = (lands.ids.index(code) for code in ("ES", "FR", "NZ"))
    assert after.sum() == pytest.approx(1)
    assert after[nz] < 1e-12
    assert after[es] / after[fr] == pytest.approx(before[es] / before[fr], rel=1e-5)


def test_no_evidence_is_false_and_some_is_written_as_options() -> None:
    assert not Evidence()
    given_all = Evidence(("IN", "NP"), (1, 2, 3, 4), (5, 6, 7))
    assert given_all
    assert str(given_all) == "--country IN --country NP --bbox 1,2,3,4 --near 5,6,7"
