"""Intervals cover what they say, and clusters widen them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.evaluation import bootstrap
from graticule.evaluation.bootstrap import (
    Estimate,
    Resampler,
    holm,
    mcnemar,
    paired_means,
    paired_medians,
)


def test_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        sample = rng.normal(3.0, 2.0, 60)
        found = Resampler.over(60, replicates=300, seed=trial).means(sample)[:, 0]
        interval = Estimate.of(float(sample.mean()), found)
        hits += interval.low <= 3.0 <= interval.high
    assert 0.88 <= hits / 200 <= 0.99


def test_copies_of_one_photographer_add_nothing() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=30)
    copied, names = np.repeat(values, 20), np.repeat(np.arange(30), 20)
    alone = Resampler.over(30).means(values)[:, 0].std()
    clustered = Resampler.over(names).means(copied)[:, 0].std()
    naive = Resampler.over(600).means(copied)[:, 0].std()
    assert clustered == pytest.approx(alone, rel=0.2)
    assert naive < clustered / 3


def test_unknown_photographers_are_not_one_person() -> None:
    assert Resampler.over(["", "", "anna", "anna"]).n_clusters == 3


def test_one_witness_has_no_interval() -> None:
    samples = Resampler.over(["a", "a"]).means([1.0, 2.0])[:, 0]
    assert np.isnan(Estimate.of(1.5, samples).low)


def test_medians_of_replicates_are_values_of_the_sample() -> None:
    values = np.array([5.0, 1.0, 9.0, np.nan])
    found = Resampler.over(4).medians(values)
    assert set(found[np.isfinite(found)]) <= {1.0, 5.0, 9.0}


def test_missing_values_stay_out_of_their_own_column() -> None:
    columns = np.array([[1.0, 2.0], [np.nan, 4.0], [1.0, 6.0]])
    means = Resampler.over(3, replicates=50).means(columns)
    assert np.nanmax(np.abs(means[:, 0] - 1.0)) == 0
    assert np.isfinite(means[:, 1]).all()


def test_paired_tests_see_a_small_steady_difference_and_no_other() -> None:
    rng = np.random.default_rng(2)
    base = rng.exponential(1000, 400)
    resampler = Resampler.over(400)
    better = base * 0.9
    assert paired_means(better, base, resampler).p_value < 0.01
    assert paired_medians(better, base, resampler).estimate.high < 0
    same = paired_means(base, base + rng.normal(0, 1, 400), resampler)
    assert same.p_value > 0.05


def test_mcnemar_by_hand() -> None:
    # Five photos only the first has right, none only the second: 2 · 0.5^5.
    first, second = [1] * 5 + [1, 0], [0] * 5 + [1, 0]
    assert mcnemar(first, second) == pytest.approx(2 * 0.5**5)
    assert mcnemar([1, 0], [1, 0]) == 1.0


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1e4), min_size=2, max_size=30), st.integers(0, 99))
def test_same_seed_same_interval(values: list[float], seed: int) -> None:
    one = Resampler.over(len(values), 20, seed).means(values)
    np.testing.assert_array_equal(one, Resampler.over(len(values), 20, seed).means(values))


def test_poisson_counts_give_the_intervals_of_drawing_with_replacement() -> None:
    rng = np.random.default_rng(3)
    n = 6000
    names = rng.integers(0, 2500, n).astype(str)
    column = rng.exponential(1000, n)
    column[::7] = np.nan
    resampler = Resampler.over(names, replicates=400)
    assert resampler.n_clusters > bootstrap.MANY
    means, medians = resampler.draw(column, [column])
    exact_means, exact_medians = resampler._exact(column[:, None], [column])
    for found, wanted in ((means, exact_means), (medians, exact_medians)):
        width = np.ptp(np.percentile(wanted, [2.5, 97.5]))
        gap = np.abs(np.percentile(found, [2.5, 97.5]) - np.percentile(wanted, [2.5, 97.5]))
        assert gap.max() < 0.12 * width
    again = resampler.draw(column, [column])
    np.testing.assert_array_equal(means, again[0])
