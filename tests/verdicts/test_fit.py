"""Stated rates hold on new photos, and no photo counts for more than its place."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import sphere
from graticule.atlas.towns import Town, towns
from graticule.belief import Belief
from graticule.cells.cities import Cities
from graticule.cells.countries import Countries, countries
from graticule.errors import GraticuleError
from graticule.verdicts import fit as fitting
from graticule.verdicts import trials
from graticule.verdicts.evidence import Scale
from graticule.verdicts.limits import ALIKE, Limits, Verdicts
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
    photo, other = trials.lies(places, np.arange(1500), seed=1, each=1)
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
        assert (t <= low).sum() <= max(0, rate / 100 * (len(t) + 1) - 1 + 1e-9)
    if high is not None:
        assert (f >= high).sum() <= max(0, rate / 100 * (len(f) + 1) - 1 + 1e-9)
    assert low is None or high is None or low < high


def test_a_place_with_many_photos_weighs_as_one() -> None:
    ranked = np.linspace(-2, -1, 60)
    true = np.concatenate([np.full(300, -5.0), ranked])
    place = np.concatenate([np.zeros(300, int), np.arange(1, 61)])
    false = np.zeros(60)
    low, _ = fitting.fit(true, false, place, ALONE(60), (0.05, 0.05))
    # Of 61 places two may lie below beside a new one, and one of them has the 300 photos.
    assert low is not None
    assert ranked[0] < low < ranked[1]
    by_photo, _ = fitting.fit(true, false, ALONE(360), ALONE(60), (0.05, 0.05))
    assert by_photo is not None
    assert by_photo < -5


@given(st.floats(-4, 8), st.floats(0.05, 3), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_no_limit_lies_on_the_wrong_side_of_a_ratio_of_one(
    strength: float, spread: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    true, false = rng.normal(strength, spread, 200), rng.normal(-strength, spread, 200)
    low, high = fitting.fit(true, false, ALONE(200), ALONE(200), (0.05, 0.05))
    assert low is not None
    assert high is not None
    assert low <= -np.log(ALIKE) < 0 < np.log(ALIKE) <= high
    assert np.mean(true <= low) <= 0.05
    assert np.mean(false >= high) <= 0.05


@given(st.floats(3, 9), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_between_true_and_false_claims_that_separate_it_cannot_be_told(
    strength: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    true, false = rng.normal(strength, 1, 400), rng.normal(-strength, 1, 400)
    low, high = fitting.fit(true, false, ALONE(400), ALONE(400), (0.05, 0.05))
    assert low == pytest.approx(-strength + 1.7, abs=0.6)
    assert high == pytest.approx(strength - 1.7, abs=0.6)
    limits = Limits(
        contradicts=low, agrees=high, false_alarm=0, false_agreement=0, found=1, confirmed=1
    )
    assert limits.judge(0.0) == limits.judge(strength - 2.8) == "can't tell"


@pytest.mark.parametrize(
    ("rate", "places"), [(0.05, 20), (0.05, 40), (0.05, 100), (0.01, 100), (0.01, 150)]
)
def test_a_stated_rate_holds_for_new_places_of_many_alike_photos(rate: float, places: int) -> None:
    """Twelve photos a place that differ by little, as those of one walk do."""
    rng = np.random.default_rng(places)
    cluster = np.repeat(np.arange(places), 12)
    new = NormalDist(-4, float(np.hypot(1, 0.1)))
    alarms = []
    for _ in range(300):
        true = (rng.normal(-4, 1, places)[:, None] + rng.normal(0, 0.1, (places, 12))).ravel()
        low, high = fitting.fit(true, -true, cluster, cluster, (rate, rate))
        assert low is not None
        assert high == -low
        alarms.append(new.cdf(low))
    # Three standard errors.
    assert np.mean(alarms) <= rate + 3 * np.std(alarms) / np.sqrt(300)
    assert np.mean(alarms) >= rate / 6


@pytest.mark.parametrize(("rate", "least"), [(0.05, 19), (0.01, 99)])
def test_fewer_places_than_the_rate_needs_have_no_limit(
    monkeypatch: pytest.MonkeyPatch, rate: float, least: int
) -> None:
    monkeypatch.setattr(fitting, "FEWEST", 2)
    for places, known in ((least - 1, False), (least, True)):
        cluster = np.repeat(np.arange(places), 12)
        values = np.random.default_rng(0).normal(-3, 1, 12 * places)
        low, high = fitting.fit(values, -values, cluster, cluster, (rate, rate))
        assert (low is not None) == (high is not None) == known


def test_places_and_not_photos_are_counted() -> None:
    belief, truth = photos(120, 2)
    with pytest.raises(GraticuleError, match=r"at least 20 independent places .* got 10"):
        fitting.fit_verdicts(
            {"cities": belief}, {"cities": PRIOR}, truth, np.arange(120) % 10, reaches=(0.0,)
        )


def test_a_rate_that_too_few_places_can_show_has_no_limits_and_no_verdict() -> None:
    belief, truth = photos(480, 2)
    fitted = fitting.fit_verdicts(
        {"cities": belief}, {"cities": PRIOR}, truth, np.arange(480) % 40, reaches=(0.0,)
    )
    assert fitted.places == 40
    assert fitted.limits(1).contradicts is fitted.limits(1).agrees is None
    assert fitted.limits(1).judge(-9.0) == "can't tell"
    assert fitted.limits(1).false_alarm == 0
    assert fitted.limits(5).contradicts is not None


def test_what_was_not_measured_is_not_said_to_be_nought() -> None:
    belief, truth = photos(480, 2)
    # Without a fifth of 22 places too few are left to fit the limits that would judge it.
    fitted = fitting.fit_verdicts(
        {"cities": belief}, {"cities": PRIOR}, truth, np.arange(480) % 22, reaches=(0.0,)
    )
    assert fitted.limits(5).contradicts is not None
    assert fitted.limits(5).false_alarm is fitted.limits(5).found is None


def test_whole_countries_have_limits_of_their_own() -> None:
    codes = ["FR", "DE", "JP", "IN", "BR", "US", "KE", "AU", "CN", "EG", "ZA", "CA", "ES", "TR"]
    lands = countries(codes)
    home = np.array([(t.lat, t.lon) for t in map(largest, lands.ids)])
    prior = np.full(len(codes), 1 / len(codes))

    def draw(seed: int) -> tuple[Belief[Countries], np.ndarray]:
        rng = np.random.default_rng(seed)
        belief = Belief.from_logits(lands, rng.normal(0, 2, (400, len(codes))))
        return belief, np.array(
            [rng.choice(len(codes), p=row / row.sum()) for row in belief.p.astype(np.float64)]
        )

    belief, cell = draw(1)
    alone = np.arange(400)
    fitted = fitting.fit_verdicts(
        {"countries": belief}, {"countries": prior}, home[cell], alone, reaches=(0.0,)
    )
    assert fitted.country_places == 400
    limits = fitted.countries[5]
    assert limits.false_alarm == pytest.approx(0.05, abs=0.02)
    new, cell = draw(2)
    scale = Scale(lands, prior, fitted.reach_km)
    said = [[lands.ids[i] for i in (cell + shift) % len(codes)] for shift in (0, 3)]
    true, false = (scale.weigh(new, home[cell], claimed).log_ratio for claimed in said)
    assert np.mean([limits.judge(r) == "contradicts" for r in true]) <= 0.08
    assert np.mean([limits.judge(r) == "agrees" for r in false]) <= 0.08
    assert np.mean([limits.judge(r) == "contradicts" for r in false]) > 0.3


def largest(code: str) -> Town:
    table = towns()
    own = np.flatnonzero(table.country == code)
    return table[int(own[np.argmax(table.population[own])])]


def test_lies_are_other_places_far_enough_away() -> None:
    _, places = photos(60, 1)
    photo, other = trials.lies(places, np.arange(60), seed=3, each=4)
    assert len(photo) == 240
    assert (sphere.haversine(places[photo], places[other]) >= trials.LIE_KM).all()
    again = trials.lies(places, np.arange(60), seed=3, each=4)
    np.testing.assert_array_equal(other, again[1])
    one, none = trials.lies(np.zeros((5, 2)), np.arange(5))
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
