"""Losses: weights that balance, and labels that fall off with distance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from graticule import sphere  # noqa: E402
from graticule.cells.cities import cities  # noqa: E402
from graticule.errors import RecipeError  # noqa: E402
from graticule.systems.plan import Task  # noqa: E402
from graticule.training import losses  # noqa: E402
from graticule.training.recipe import LossSpec  # noqa: E402

TEN = cities()


def task(target: list[int]) -> Task:
    return Task(TEN.ids, np.array(target, dtype=np.int64), TEN)


def nowhere(n: int) -> torch.Tensor:
    return torch.full((n, 2), torch.nan, dtype=torch.float64)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_class_weights_balance_and_average_to_one(labels: list[int]) -> None:
    target = np.array(labels)
    weights = losses.class_weights(target, 5)
    sums = np.bincount(target, weights[target], 5)
    present = np.bincount(target, minlength=5) > 0
    np.testing.assert_allclose(sums[present], sums[present][0], rtol=1e-5)
    assert weights[target].mean() == pytest.approx(1, rel=1e-5)
    assert (weights[~present] == 0).all()


@given(st.integers(0, 9), st.floats(1, 5000))
@settings(max_examples=40)
def test_smoothed_labels_sum_to_one_and_prefer_the_near(true: int, tau: float) -> None:
    km = sphere.distances(TEN.centers[[true]], TEN.centers)
    labels = losses.smoothed_labels(km, np.array([true]), tau)[0]
    assert labels.sum() == pytest.approx(1)
    order = np.argsort(km[0])
    assert (np.diff(labels[order]) <= 1e-12).all()
    # PIGEON's formula, literally, where it does not overflow.
    literal = np.exp(-(km[0] - km[0, true]) / tau)
    np.testing.assert_allclose(labels, literal / literal.sum(), atol=1e-12)


def test_haversine_with_a_small_tau_is_cross_entropy() -> None:
    logits = torch.randn(4, 10, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 3, 9, -1])
    sharp = losses.build(LossSpec(kind="haversine", tau_km=1e-3), task([0]), np.array([True]))
    plain = losses.build(LossSpec(), task([0]), np.array([True]))
    places = nowhere(4)
    torch.testing.assert_close(sharp(logits, target, places), plain(logits, target, places))


def test_haversine_forgives_the_neighbour() -> None:
    loss = losses.build(LossSpec(kind="haversine", tau_km=300), task([0]), np.array([True]))
    paris, london, tokyo = (TEN.ids.index(i) for i in ("FR:Paris", "GB:London", "JP:Tokyo"))

    def said(cell: int) -> float:
        logits = torch.zeros(1, 10)
        logits[0, cell] = 5
        return float(loss(logits, torch.tensor([paris]), nowhere(1)))

    assert said(paris) < said(london) < said(tokyo)


def test_a_task_can_say_how_its_labels_are_smoothed() -> None:
    plain, smooth = LossSpec(), LossSpec(kind="haversine", tau_km=300, label_smoothing=0.1)
    own = task([0])
    assert losses.own_spec(smooth, own) is smooth
    assert losses.own_spec(smooth, replace(own, smooth_km=0.0)).kind == "cross_entropy"
    told = losses.own_spec(plain, replace(own, smooth_km=80.0))
    assert (told.kind, told.tau_km) == ("haversine", 80.0)
    logits = torch.randn(1, 10, generator=torch.Generator().manual_seed(1))
    target = torch.tensor([0])
    of = np.array([True])
    torch.testing.assert_close(
        losses.build(plain, replace(own, smooth_km=80.0), of)(logits, target, nowhere(1)),
        losses.build(told, own, of)(logits, target, nowhere(1)),
    )


def test_unknown_labels_do_not_count_and_a_batch_of_them_is_nought() -> None:
    for kind in ("cross_entropy", "inverse_frequency", "haversine"):
        loss = losses.build(LossSpec(kind=kind), task([0, 1, 1]), np.ones(3, bool))
        logits = torch.randn(3, 10, requires_grad=True)
        both = loss(logits, torch.tensor([0, -1, -1]), nowhere(3))
        one = loss(logits[:1], torch.tensor([0]), nowhere(1))
        torch.testing.assert_close(both, one)
        none = loss(logits, torch.tensor([-1, -1, -1]), nowhere(3))
        none.backward()
        assert none == 0
        assert (logits.grad == 0).all()


def test_inverse_frequency_weighs_the_rare_class_up() -> None:
    learned = task([0] * 9 + [1])
    loss = losses.build(LossSpec(kind="inverse_frequency"), learned, np.ones(10, bool))
    logits = torch.zeros(1, 10)
    rare, common = (float(loss(logits, torch.tensor([c]), nowhere(1))) for c in (1, 0))
    assert rare == pytest.approx(9 * common, rel=1e-5)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=9), st.floats(0, 0.9), st.integers(0, 99))
@settings(max_examples=40)
def test_shared_labels_stay_in_their_group(groups: list[int], share: float, seed: int) -> None:
    alike = np.unique(groups, return_inverse=True)[1]
    labels = np.random.default_rng(seed).dirichlet(np.ones(len(alike)), 5)
    shared = losses.shared_labels(labels, alike, share)
    assert (shared >= 0).all()
    for group in np.unique(alike):
        own = alike == group
        np.testing.assert_allclose(shared[:, own].sum(1), labels[:, own].sum(1))
        if own.sum() == 1:
            np.testing.assert_allclose(shared[:, own], labels[:, own])


@pytest.mark.parametrize("kind", ["cross_entropy", "haversine"])
def test_shared_labels_reward_an_alike_outcome(kind: str) -> None:
    alike = np.arange(10) % 5
    plain = task([0])
    shared = Task(TEN.ids, plain.target, TEN, alike=alike, shared=0.4)
    guess = torch.full((1, 10), -4.0)
    guess[0, 0], guess[0, 5] = 1.0, 1.0  # the truth, and the one that is alike
    sure = torch.full((1, 10), -4.0)
    sure[0, 0] = 2.0
    learned = np.ones(1, bool)
    for one, better in ((plain, sure), (shared, guess)):
        loss = losses.build(LossSpec(kind=kind, tau_km=1.0), one, learned)
        both = [float(loss(x, torch.tensor([0]), nowhere(1))) for x in (sure, guess)]
        assert (both[0] < both[1]) == (better is sure)


def test_shared_labels_take_no_class_weights() -> None:
    shared = Task(TEN.ids, np.array([0]), TEN, alike=np.arange(10) % 5, shared=0.4)
    with pytest.raises(RecipeError, match="shared labels"):
        losses.build(LossSpec(kind="inverse_frequency"), shared, np.ones(1, bool))


def test_photos_outside_teach_equal_shares() -> None:
    from graticule.systems.plan import OUTSIDE

    target = np.array([0, 1, OUTSIDE, -1])
    spec = LossSpec()
    loss = losses.build(spec, Task(("a", "b"), target), np.ones(4, bool))
    places = nowhere(4)
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [3.0, 0.0], [9.0, 0.0]])
    log_p = torch.log_softmax(logits, 1)
    wanted = -(log_p[0, 0] + log_p[1, 1] + log_p[2].mean()) / 3
    torch.testing.assert_close(loss(logits, torch.from_numpy(target), places), wanted)
    # Outside, the least there is to lose is at equal shares.
    alone = torch.from_numpy(np.array([OUTSIDE]))
    even = loss(torch.zeros(1, 2), alone, places[:1])
    assert even < loss(torch.tensor([[0.5, 0.0]]), alone, places[:1])
    # A batch in which nobody is outside is the plain loss.
    plain = losses.build(spec, Task(("a", "b"), target[:2]), np.ones(2, bool))
    inside = torch.from_numpy(target[:2])
    assert loss(logits[:2], inside, places[:2]) == plain(logits[:2], inside, places[:2])
