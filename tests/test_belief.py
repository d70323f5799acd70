"""Beliefs sum to one whatever is done to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graticule.belief import Belief, Labels, mix, normalise
from graticule.errors import GraticuleError

logits = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 9)),
    elements=st.floats(-50, 50, width=32),
)


def belief(values: np.ndarray) -> Belief[Labels]:
    return Belief.from_logits(Labels(tuple(f"c{i}" for i in range(values.shape[1]))), values)


def assert_sums_to_one(b: Belief[Labels]) -> None:
    np.testing.assert_allclose(b.p.sum(axis=1), 1, atol=1e-5)


@given(logits, st.floats(0.1, 10))
def test_softmax_sums_to_one_at_any_temperature(values: np.ndarray, temperature: float) -> None:
    over = Labels(tuple(str(i) for i in range(values.shape[1])))
    assert_sums_to_one(Belief.from_logits(over, values, temperature))


@given(logits, st.data())
def test_prior_mixture_and_product_sum_to_one(values: np.ndarray, data: st.DataObject) -> None:
    b = belief(values)
    prior = data.draw(hnp.arrays(np.float64, values.shape[1], elements=st.floats(-20, 0)))
    assert_sums_to_one(b.with_prior(prior))
    assert_sums_to_one(b.combine(b, 0.5))
    assert_sums_to_one(mix([b, b.with_prior(prior)], [0.3, 0.7]))


@given(logits)
def test_mixing_a_belief_with_itself_changes_nothing(values: np.ndarray) -> None:
    b = belief(values)
    np.testing.assert_allclose(mix([b, b], [1, 2]).p, b.p, atol=1e-5)


def test_mixture_takes_a_weight_for_each_photo() -> None:
    over = Labels(("x", "y"))
    left = Belief(over, normalise([[0, -60.0], [0, -60.0]]))
    right = Belief(over, normalise([[-60.0, 0], [-60.0, 0]]))
    mixed = mix([left, right], [[1, 0], [0.25, 0.75]])
    np.testing.assert_allclose(mixed.p, [[1, 0], [0.25, 0.75]], atol=1e-6)


def test_grouping_keeps_the_mass() -> None:
    b = belief(np.log(np.array([[0.1, 0.2, 0.3, 0.4]], dtype=np.float32)))
    coarse = b.grouped(np.array([0, 0, 1, 1]), Labels(("west", "east")))
    np.testing.assert_allclose(coarse.p, [[0.3, 0.7]], atol=1e-6)
    partly = b.grouped(np.array([0, 0, 1, -1]), Labels(("west", "east")), keep_outside=True)
    np.testing.assert_allclose(partly.p, [[0.3, 0.3]], atol=1e-6)


def test_top_is_best_first_and_ties_go_to_the_lower_number() -> None:
    cells, p = belief(np.zeros((1, 4), np.float32)).top(2)
    assert cells.tolist() == [[0, 1]]
    np.testing.assert_allclose(p, 0.25)


def test_impossible_prior_is_said() -> None:
    with pytest.raises(GraticuleError, match="rules out every place"):
        belief(np.zeros((1, 3), np.float32)).with_prior(np.full(3, -np.inf))


def test_broken_network_is_said() -> None:
    with pytest.raises(GraticuleError, match="NaN"):
        belief(np.array([[0.0, np.nan]], dtype=np.float32))


def test_wrong_width_is_said() -> None:
    with pytest.raises(GraticuleError, match="shape"):
        Belief(Labels(("a", "b")), np.zeros((1, 3), np.float32))


@given(st.integers(1, 12), st.integers(0, 2**31))
def test_the_first_of_many_are_those_of_a_whole_sort(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Few values, so that there are ties; they go to the lower cell.
    log_p = rng.integers(-5, 1, (3, 200)).astype(np.float32)
    belief = Belief(Labels(tuple(map(str, range(200)))), log_p)
    cells, p = belief.top(k)
    expected = np.argsort(-log_p, axis=1, kind="stable")[:, :k]
    assert cells.tolist() == expected.tolist()
    assert np.array_equal(p, np.exp(np.take_along_axis(log_p, expected, axis=1)))
    assert belief[slice(0, 0)].top(k)[0].shape == (0, k)
