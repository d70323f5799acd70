"""Sampling: shares by a power of the counts, and orders that can be drawn again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.errors import RecipeError
from graticule.systems.plan import Rows
from graticule.training.recipe import SamplingSpec, parse
from graticule.training.sampling import check, order, shares
from toy import cities_recipe


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=50), st.floats(0, 1))
def test_shares_are_a_power_of_the_counts(values: list[str], temperature: float) -> None:
    array = np.array(values)
    p = shares(array, temperature)
    assert p.sum() == pytest.approx(1)
    names, counts = np.unique(array, return_counts=True)
    own = np.array([p[array == name].sum() for name in names])
    np.testing.assert_allclose(own, counts**temperature / (counts**temperature).sum())


def rows(countries: list[str]) -> Rows:
    n = len(countries)
    yes = np.ones(n, bool)
    return Rows({"country": np.array(countries)}, np.full((n, 2), np.nan), yes, ~yes, ~yes)


def test_without_balance_each_photo_comes_once_and_epochs_differ() -> None:
    table, use = rows(["FR"] * 20), np.arange(5, 20)
    first = order(table, use, SamplingSpec(), seed=1, epoch=0)
    assert sorted(first) == use.tolist()
    assert first.tolist() == order(table, use, SamplingSpec(), seed=1, epoch=0).tolist()
    assert first.tolist() != order(table, use, SamplingSpec(), seed=1, epoch=1).tolist()


def test_balance_draws_the_rare_as_often() -> None:
    table = rows(["FR"] * 950 + ["JP"] * 50)
    drawn = order(
        table, np.arange(1000), SamplingSpec(by="country", temperature=0), seed=0, epoch=0
    )
    assert 430 < (drawn >= 950).sum() < 570


@pytest.mark.parametrize("where", ["sampling", "networks.cities.sampling"])
def test_a_column_that_no_row_has_is_not_balanced_in_silence(where: str) -> None:
    part = {"sampling": {"by": "contry"}}
    changes = part if where == "sampling" else {"networks": {"cities": part}}
    words = f"{where}.by 'contry': no row has such a column; did you mean 'country'"
    with pytest.raises(RecipeError, match=words):
        check(rows(["FR", "JP"]), parse(cities_recipe(**changes), "x"))
    check(rows(["FR", ""]), parse(cities_recipe(sampling={"by": "country"}), "x"))
    with pytest.raises(RecipeError, match="'country': no row"):
        check(rows(["", ""]), parse(cities_recipe(sampling={"by": "country"}), "x"))
