"""Intervals cover what they say, and clusters widen them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.errors import GraticuleError
from graticule.evaluation import resampling
from graticule.evaluation.bootstrap import (
    Difference,
    Estimate,
    Resampler,
    holm,
    mcnemar,
    paired,
    paired_means,
    paired_medians,
)


def test_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        sample = rng.normal(3.0, 2.0, 60)
        found = Resampler.over(60, replicates=300, seed=trial).means(sample)[:, 0]
        interval = Estimate.of(float(sample.mean()), found, 60)
        hits += interval.low <= 3.0 <= interval.high
    assert 0.88 <= hits / 200 <= 0.99


@pytest.mark.parametrize(("clusters", "least"), [(5, 0.87), (10, 0.915)])
def test_intervals_of_few_clusters_are_wider(clusters: int, least: float) -> None:
    rng = np.random.default_rng(clusters)
    hits = 0
    for trial in range(400):
        sample = rng.normal(3.0, 2.0, clusters)
        found = Resampler.over(clusters, replicates=500, seed=trial).means(sample)[:, 0]
        interval = Estimate.of(float(sample.mean()), found, clusters)
        hits += interval.low <= 3.0 <= interval.high
    # Plain percentiles hold 83 % of five, and 89 % of ten.
    assert hits / 400 >= least


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
    assert np.isnan(Estimate.of(1.5, samples, 1).low)
    # Nor has a column that one of several witnesses fills.
    columns = np.array([[1.0, 2.0], [4.0, np.nan], [1.0, np.nan]])
    resampler = Resampler.over(["a", "b", "c"])
    assert np.isnan(resampler.means(columns)[:, 1]).all()
    assert np.isnan(resampler.medians(columns[:, 1])).all()
    assert np.isnan(paired_means(columns[:, 1], columns[:, 0], resampler).p_value)


def test_none_of_a_few_is_no_certainty() -> None:
    resampler = Resampler.over(30)
    none = Estimate.of_share(0.0, resampler.means(np.zeros(30))[:, 0], 30)
    # 1 − 0.025^(1/30): with 11.6 % right, one sample of thirty in forty has none.
    assert (none.low, none.high) == (0.0, pytest.approx(11.57, abs=0.01))
    every = Estimate.of_share(100.0, resampler.means(np.full(30, 100.0))[:, 0], 30)
    assert (every.low, every.high) == (pytest.approx(88.43, abs=0.01), 100.0)
    half = np.repeat([0.0, 100.0], 15)
    samples = resampler.means(half)[:, 0]
    assert Estimate.of_share(50.0, samples, 30) == Estimate.of(50.0, samples, 30)
    assert np.isnan(Estimate.of_share(0.0, np.zeros(9), 1).high)


def test_medians_of_replicates_are_those_of_the_photos_drawn() -> None:
    values = np.array([5.0, 1.0, 9.0, np.nan])
    found = Resampler.over(4).medians(values)
    # Of an even number of photos, the middle of the two in the middle.
    assert set(found[np.isfinite(found)]) == {1.0, 3.0, 5.0, 7.0, 9.0}


@pytest.mark.parametrize(("n", "clusters"), [(700, 400), (6000, 2500)])
def test_medians_lie_on_values_however_many_clusters(n: int, clusters: int) -> None:
    rng = np.random.default_rng(5)
    names = rng.integers(0, clusters, n).astype(str)
    # Half of the photos without an answer: the largest error, beside small ones.
    column = np.where(rng.random(n) < 0.5, 20_015.0, np.round(rng.exponential(50, n)))
    found = set(Resampler.over(names, replicates=300).medians(column))
    assert 20_015.0 in found
    # Whole kilometres, and halves where two of them share the middle.
    assert all(float(2 * value).is_integer() for value in found)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=2, max_size=40),
    st.integers(0, 9),
)
def test_replicates_are_what_drawing_clusters_gives(
    photos: list[tuple[int, int]], seed: int
) -> None:
    names, column = (np.array(part, dtype=np.float64) for part in zip(*photos, strict=True))
    resampler = Resampler.over(names.astype(str), 30, seed)
    means, medians = resampler.draw(column, [column])
    rng = np.random.default_rng(seed)
    c = resampler.n_clusters
    for row in range(30 if c > 1 else 0):
        again = np.repeat(
            column, np.bincount(rng.integers(0, c, c), minlength=c)[resampler.clusters]
        )
        assert means[row, 0] == pytest.approx(again.mean())
        assert medians[row, 0] == np.median(again)


def test_joined_clusters_stay_whole_and_say_the_same() -> None:
    rng = np.random.default_rng(10)
    names = np.repeat(np.arange(3000), 2)
    column = np.repeat(rng.normal(0.05, 1.0, 3000), 2)
    single = Resampler.over(names, replicates=2000)
    joined = single.joined(500)
    assert joined.n_clusters == 500
    assert (joined.clusters[::2] == joined.clusters[1::2]).all()
    assert single.joined(3000) is single
    spread = [one.means(column)[:, 0].std() for one in (single, joined)]
    assert spread[1] == pytest.approx(spread[0], rel=0.15)
    zeros = np.zeros(6000)
    p = [paired_means(column, zeros, one).p_value for one in (single, joined)]
    assert p[1] == pytest.approx(p[0], abs=0.03)


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


def test_p_values_are_those_of_all_replicates_there_are() -> None:
    # Five photographers, one with two photos: 5^5 ways to draw them, 2^5 ways to turn them.
    names = np.array(["a", "a", "b", "c", "d", "e"])
    first = np.array([100.0, 0.0, 100.0, 100.0, 0.0, 100.0])
    second = np.array([0.0, 0.0, 0.0, 100.0, 100.0, 0.0])
    near = np.array([10.0, 40.0, 900.0, 20.0, 700.0, 5.0])
    far = np.array([300.0, 90.0, 800.0, 2000.0, 100.0, 950.0])
    resampler = Resampler.over(names, replicates=40_000)
    of_means, of_medians = paired([(first, second)], [(near, far)], resampler)

    gaps = np.array([100.0, 100.0, 0.0, -100.0, 100.0])
    turns = np.array(list(itertools.product([-1, 1], repeat=5)))
    assert of_means.estimate.value == pytest.approx(gaps.sum() / 6)
    # 200 of ±100 four times: 10 of 16 ways lie as far from zero.
    assert (np.abs(turns @ gaps) >= 200).mean() == 10 / 16
    assert of_means.p_value == pytest.approx(10 / 16, abs=0.01)

    rows = [np.flatnonzero(names == name) for name in "abcde"]
    ways = [np.concatenate([rows[i] for i in way]) for way in itertools.product(range(5), repeat=5)]
    medians = np.array([np.median(near[way]) - np.median(far[way]) for way in ways])
    share = min((medians <= 0).mean(), (medians >= 0).mean())
    t = scipy.stats.norm.ppf(share) * np.sqrt(4 / 5)
    assert of_medians.estimate.value == np.median(near) - np.median(far)
    assert of_medians.p_value == pytest.approx(2 * scipy.stats.t.cdf(t, 4), rel=0.05)

    assert paired_means(first, second, resampler) == of_means
    assert paired_medians(near, far, resampler) == of_medians


def test_few_witnesses_prove_nothing_however_much_they_agree() -> None:
    # All four say the same: by chance they do in 2 of 16 cases.
    found = paired_means(np.arange(1.0, 5.0), np.zeros(4), Resampler.over(4, replicates=20_000))
    assert found.p_value == pytest.approx(1 / 8, abs=0.01)


@pytest.mark.parametrize("test", [paired_means, paired_medians])
def test_equal_systems_are_told_apart_as_rarely_as_the_level_says(
    test: Callable[..., Difference],
) -> None:
    rng = np.random.default_rng(6)
    # One photographer in five took half of the photos.
    names = np.repeat(np.arange(25), np.tile([2, 2, 2, 2, 8], 5))
    told = 0
    for trial in range(200):
        # What is hard at a place is hard for both systems.
        place = rng.normal(size=25)[names]
        first, second = (np.exp(place + rng.normal(size=len(names))) for _ in range(2))
        told += test(first, second, Resampler.over(names, 400, trial)).p_value < 0.05
    # Two standard errors of 200 trials at 5 % are 3 points.
    assert told / 200 <= 0.08


def test_systems_that_spread_differently_may_have_equal_medians() -> None:
    rng = np.random.default_rng(9)
    told = 0
    for trial in range(200):
        narrow, wide = np.exp(0.2 * rng.normal(size=90)), np.exp(2 * rng.normal(size=90))
        told += paired_medians(narrow, wide, Resampler.over(90, 400, trial)).p_value < 0.05
    assert told / 200 <= 0.08


@pytest.mark.parametrize("test", [paired_means, paired_medians])
def test_a_p_value_at_its_floor_says_so(test: Callable[..., Difference]) -> None:
    ones, zeros = np.ones(50), np.zeros(50)
    found = test(ones, zeros, Resampler.over(50, replicates=1000))
    assert found.at_floor
    assert found.p_value == found.floor < 0.01
    assert test(ones, zeros, Resampler.over(50, replicates=9000)).floor < found.floor
    same = test(ones, ones, Resampler.over(50))
    assert same.p_value == 1.0
    assert not same.at_floor


def test_rounding_of_a_mean_over_runs_is_no_difference() -> None:
    # Three runs: a third of a hit more here, a third less there; never a difference in sum.
    first = np.array([100 / 3, 200 / 3, 100.0] * 20)
    second = np.roll(first.reshape(20, 3), 1, axis=1).ravel()
    names = np.repeat(np.arange(20), 3)
    assert paired_means(first, second, Resampler.over(names)).p_value == 1.0


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(GraticuleError, match=r"one value a photo, got \(3,\)"):
        paired_medians([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], Resampler.over(4))


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


@pytest.mark.parametrize("seed", range(3))
def test_medians_are_found_however_uneven_the_clusters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # A third of the photos of one photographer, around the median, and many of few.
    names = np.concatenate([np.zeros(150), rng.zipf(1.5, 300) % 80 + 1]).astype(np.int64)
    column = np.concatenate([rng.normal(0, 1, 150), rng.normal(0, 30, 300)])
    resampler = Resampler.over(names.astype(str), 300, seed)
    c, draws = resampler.n_clusters, np.random.default_rng(seed)
    counts = [np.bincount(draws.integers(0, c, c), minlength=c) for _ in range(300)]
    wanted = [np.median(np.repeat(column, count[resampler.clusters])) for count in counts]
    np.testing.assert_array_equal(resampler.medians(column), wanted)


def test_poisson_counts_give_the_intervals_of_drawing_with_replacement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    n = 6000
    names = rng.integers(0, 2500, n).astype(str)
    column = rng.exponential(1000, n)
    column[::7] = np.nan
    resampler = Resampler.over(names, replicates=400)
    assert resampler.n_clusters > resampling.MANY
    means, medians = resampler.draw(column, [column])
    again = resampler.draw(column, [column])
    np.testing.assert_array_equal(means, again[0])
    monkeypatch.setattr(resampling, "MANY", n)
    exact_means, exact_medians = resampler.draw(column, [column])
    assert not np.array_equal(means, exact_means)
    for found, wanted in ((means, exact_means), (medians, exact_medians)):
        width = np.ptp(np.percentile(wanted, [2.5, 97.5]))
        gap = np.abs(np.percentile(found, [2.5, 97.5]) - np.percentile(wanted, [2.5, 97.5]))
        assert gap.max() < 0.12 * width


def test_blocks_of_clusters_and_replicates_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    column = rng.exponential(1000, 3000)
    resampler = Resampler.over(3000, replicates=60)
    whole = resampler.draw(column, [column])
    assert np.isfinite(whole[1]).all()
    # Weights are drawn in another order, so the numbers differ and their spread does not.
    monkeypatch.setattr(resampling, "_BLOCK", 256)
    monkeypatch.setattr(resampling, "_ROWS", 50)
    monkeypatch.setattr(resampling, "_KEPT", 1)
    parts = resampler.draw(column, [column])
    for one, other in zip(whole, parts, strict=True):
        assert other.mean() == pytest.approx(one.mean(), rel=0.03)
        assert other.std() == pytest.approx(one.std(), rel=0.5)
