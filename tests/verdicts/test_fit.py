"""Stated rates hold on new photos, and no photo counts for more than its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import sphere
from graticule.belief import Belief
from graticule.cells.cities import Cities
from graticule.errors import GraticuleError
from graticule.verdicts import fit as fitting
from graticule.verdicts.evidence import Scale
from graticule.verdicts.limits import Verdicts
from verdicts.test_evidence import PARTITION, PRIOR, photos

ALONE = np.arange


def fitted_on(belief: Belief[Cities], places: np.ndarray, reaches: tuple = (0.0,)) -> Verdicts:
    """Verdicts of photos that each stand alone."""
    alone = np.arange(len(places))
    return fitting.fit_verdicts(
        {"cities": belief}, {"cities": PRIOR}, places, alone, reaches=reaches
    )


def test_stated_rates_hold_on_new_photos() -> None:
    belief, truth = photos(1500, 2)
    fitted = fitted_on(belief, truth)
    limits = fitted.limits(5)
    new, places = photos(1500, 3)
    scale = Scale(PARTITION, PRIOR, fitted.reach_km)
    ratio = scale.weigh(new, places).log_ratio
    verdicts = [limits.judge(r) for r in ratio]
    assert verdicts.count("contradicts") / 1500 == pytest.approx(0.05, abs=0.02)
    photo, other = fitting.lies(places, np.arange(1500), seed=1, each=1)
    lies = [limits.judge(r) for r in scale.weigh(new[photo], places[other]).log_ratio]
    assert lies.count("agrees") / len(lies) == pytest.approx(0.05, abs=0.02)
    # What was measured by cross-fitting is what is seen on the new photos.
    assert lies.count("contradicts") / len(lies) == pytest.approx(limits.found, abs=0.05)
    assert verdicts.count("agrees") / 1500 == pytest.approx(limits.confirmed, abs=0.05)
    assert limits.false_alarm == pytest.approx(0.05, abs=0.02)
    assert fitted.limits(1).contradicts < limits.contradicts
    assert Verdicts.of(fitted.model_dump(mode="json")) == fitted


@given(
    st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=20, max_size=80),
    st.lists(st.sampled_from([-1.0, 0.0, 0.5]), min_size=20, max_size=80),
    st.sampled_from([1, 5, 20]),
)
@settings(max_examples=60, deadline=None)
def test_limits_never_break_the_stated_rate_even_on_ties(
    true: list[float], false: list[float], rate: int
) -> None:
    t, f = np.array(true), np.array(false)
    low, high = fitting.fit(t, f, ALONE(len(t)), ALONE(len(f)), (rate / 100, rate / 100))
    if low is not None:
        assert (t <= low).sum() <= rate / 100 * (len(t) + 1) + 1e-9
    if high is not None:
        assert (f >= high).sum() <= rate / 100 * (len(f) + 1) + 1e-9
    assert low is None or high is None or low < high


def test_a_place_with_many_photos_weighs_as_one() -> None:
    true = np.concatenate([np.full(300, -5.0), np.linspace(0, 1, 60)])
    place = np.concatenate([np.zeros(300, int), np.arange(1, 61)])
    false = np.zeros(60)
    low, _ = fitting.fit(true, false, place, ALONE(60), (0.05, 0.05))
    # 61 places: three of them may lie below, one of which is the one with the 300 photos.
    assert low == pytest.approx(np.linspace(0, 1, 60)[1])
    by_photo, _ = fitting.fit(true, false, ALONE(360), ALONE(60), (0.05, 0.05))
    assert by_photo is None


def test_lies_are_other_places_far_enough_away() -> None:
    _, places = photos(60, 1)
    photo, other = fitting.lies(places, np.arange(60), seed=3, each=4)
    assert len(photo) == 240
    assert (sphere.haversine(places[photo], places[other]) >= fitting.LIE_KM).all()
    again = fitting.lies(places, np.arange(60), seed=3, each=4)
    np.testing.assert_array_equal(other, again[1])
    one, none = fitting.lies(np.zeros((5, 2)), np.arange(5))
    assert len(one) == len(none) == 0


def test_photos_of_unknown_places_fit_nothing() -> None:
    belief, _ = photos(40, 1)
    south = np.tile([-89.0, 0.0], (40, 1))
    with pytest.raises(GraticuleError, match="at least 20"):
        fitted_on(belief, south)


def test_folds_that_are_unlike_each_other_move_the_limits_out() -> None:
    belief, truth = photos(1200, 8)
    alone = np.arange(1200)
    asked = {"cities": belief}, {"cities": PRIOR}, truth, alone
    # Of one source in six the model is wrong far more often.
    fold = alone % 6
    wrong = truth.copy()
    bad = np.flatnonzero((fold == 0) & (alone % 4 < 1))
    wrong[bad] = np.roll(truth[bad], 5, axis=0)
    mixed = fitting.fit_verdicts(*asked[:2], wrong, alone, reaches=(0.0,), seed=1)
    apart = fitting.fit_verdicts(*asked[:2], wrong, alone, folds=fold, reaches=(0.0,), seed=1)
    assert apart.limits(5).contradicts <= mixed.limits(5).contradicts
    assert apart.limits(5).false_alarm <= 0.05


def test_a_silent_model_can_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    belief = Belief.from_logits(PARTITION, np.zeros((200, 50)))
    truth = PARTITION.centers[rng.integers(0, 50, 200)]
    fitted = fitted_on(belief, truth)
    assert fitted.limits(5).judge(0.0) == "can't tell"
    assert fitted.limits(5).false_alarm == fitted.limits(5).found == 0


def test_of_two_beliefs_the_one_that_tells_more_is_asked() -> None:
    belief, truth = photos(200, 6)
    deaf = Belief.from_logits(PARTITION, np.random.default_rng(1).normal(0, 1, (200, 50)))
    found = fitting.fit_verdicts(
        {"deaf": deaf, "cities": belief},
        {"deaf": PRIOR, "cities": PRIOR},
        truth,
        np.arange(200),
        reaches=(0.0, 500.0),
    )
    assert found.task == "cities"


def test_limits_of_another_rate_or_none_are_named() -> None:
    with pytest.raises(GraticuleError, match="no thresholds"):
        Verdicts.of({})
    with pytest.raises(GraticuleError, match="another version"):
        Verdicts.of({"contradicts": 0.1})
    belief, truth = photos(60, 2)
    fitted = fitted_on(belief, truth)
    with pytest.raises(GraticuleError, match="there are: 1, 5"):
        fitted.limits(3)
