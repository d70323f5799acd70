"""Sets, groups, risks and widened levels hold what they say."""

from __future__ import annotations

import numpy as np
import pytest

from graticule import conformal
from graticule.belief import Belief, Labels
from graticule.calibration import LEVELS, quantiles


def said(n: int, seed: int, heat: float = 1.0) -> tuple[Belief[Labels], np.ndarray]:
    """Beliefs over twelve outcomes, and truths drawn from a hotter or colder version of them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 12))
    belief = Belief.from_logits(Labels(tuple("abcdefghijkl")), logits)
    p = Belief.from_logits(belief.over, logits, heat).p.astype(np.float64)
    return belief, np.array([rng.choice(12, p=row / row.sum()) for row in p])


def alone(n: int) -> np.ndarray:
    return np.arange(n).astype(str)


@pytest.mark.parametrize("heat", [0.5, 1.0, 2.5])
def test_sets_hold_the_truth_as_often_as_they_promise(heat: float) -> None:
    belief, truth = said(3000, 0, heat)
    levels = quantiles(conformal.mass_before(belief, truth))
    new, wanted = said(3000, 1, heat)
    order = np.argsort(-new.log_p, axis=1, kind="stable")
    rank = (order == wanted[:, None]).argmax(axis=1)
    for level in (80, 90, 95):
        held = 100 * np.mean(rank < conformal.set_sizes(new, levels[level]))
        assert held == pytest.approx(level, abs=3)


def test_a_set_has_one_outcome_at_least_and_all_at_most() -> None:
    belief, _ = said(20, 2)
    assert (conformal.set_sizes(belief, 0.0) == 1).all()
    assert (conformal.set_sizes(belief, 1.0) == 12).all()
    assert conformal.mass_before(belief, np.full(20, -1)).tolist() == [1.0] * 20


def test_a_group_has_levels_of_its_own_only_with_enough_places() -> None:
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.uniform(0, 0.2, 500), rng.uniform(0, 1, 300)])
    groups = np.repeat(["city", "coast"], [500, 300])
    found = conformal.by_group(scores, alone(800), groups)
    assert list(found) == ["city"]
    assert found["city"][90] == pytest.approx(0.18, abs=0.02)
    # Eight hundred photos of thirty places are thirty witnesses.
    assert conformal.by_group(scores, np.repeat(alone(32), 25), groups) == {}


def test_widening_never_narrows_and_restores_coverage() -> None:
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.uniform(0, 0.5, 900), rng.uniform(0.3, 1, 300)])
    novel = np.repeat([False, True], [900, 300])
    plain = quantiles(scores[~novel])
    wide = conformal.widened(scores, alone(1200), novel, plain)
    assert all(wide[level] >= plain[level] for level in LEVELS)
    new = rng.uniform(0.3, 1, 2000)
    for level in LEVELS:
        assert 100 * np.mean(new <= wide[level]) == pytest.approx(level, abs=6)
    few = conformal.widened(scores, alone(1200), np.zeros(1200, dtype=bool), plain)
    assert few[50] == plain[80]
    assert plain[95] < few[95] < 1


@pytest.mark.parametrize("seed", range(3))
def test_a_stated_risk_is_kept_on_new_photos(seed: int) -> None:
    def draw(n: int, at: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(at)
        sure = rng.uniform(0.2, 1, n)
        return sure, rng.random(n) > sure**1.5  # over-confident

    sure, wrong = draw(3000, seed)
    found = conformal.risk_thresholds(sure, wrong, alone(3000))
    assert {20, 30, 40} <= set(found)
    assert found[40] < found[20]
    new, missed = draw(20_000, 100 + seed)
    for risk, limit in found.items():
        assert 100 * missed[new >= limit].mean() <= risk + 1.5
        assert (new >= limit).mean() > 0.01


def test_no_threshold_where_the_risk_cannot_be_kept() -> None:
    rng = np.random.default_rng(0)
    assert conformal.risk_thresholds(rng.random(500), rng.random(500) < 0.9, alone(500)) == {}


@pytest.mark.parametrize(("n", "risk"), [(200, 20), (500, 20), (2000, 20), (2000, 5), (500, 40)])
def test_a_risk_that_is_exceeded_everywhere_is_rarely_called_kept(n: int, risk: int) -> None:
    """Every threshold breaks the promise, and at most one calibration in ten may state one."""
    rng = np.random.default_rng(n + risk)
    trials, names = 300, alone(n)
    broken = 0
    for _ in range(trials):
        wrong = rng.random(n) < risk / 100 + 0.005
        broken += risk in conformal.risk_thresholds(rng.random(n), wrong, names, (risk,))
    # Two standard errors of 300 trials at 10 % are 3.5 points.
    assert broken / trials <= 0.1 + 0.035


def test_a_model_that_knows_what_it_knows_keeps_most_of_its_answers() -> None:
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(50):
        sure = rng.random(500)
        limits = conformal.risk_thresholds(sure, rng.random(500) < 0.6 * (1 - sure), alone(500))
        # Above u the risk is 0.3 · (1 − u): two thirds of the photos may be answered at 20 %.
        found += limits.get(20, 1.0) < 0.65
    assert found >= 45


def test_a_threshold_counts_every_photo_as_sure_as_itself() -> None:
    # Half of the photos are wrong, and all are as sure: whatever stands first proves nothing.
    wrong = np.repeat([False, True], 200)
    assert 20 not in conformal.risk_thresholds(np.full(400, 0.5), wrong, alone(400))


def test_outcomes_as_likely_as_the_truth_count_as_named_before_it() -> None:
    even = Belief.from_logits(Labels(tuple("abcd")), np.zeros((4, 4)))
    scores = conformal.mass_before(even, np.arange(4))
    np.testing.assert_allclose(scores, 0.75, atol=1e-6)
    # Whichever of the four a set names first, it then holds the truth.
    assert (conformal.set_sizes(even, scores) == 4).all()


def test_drift_judges_each_source_by_the_others() -> None:
    rng = np.random.default_rng(2)
    scores = np.concatenate([rng.uniform(0, 0.5, 400), rng.uniform(0, 0.5, 400), np.full(200, 0.9)])
    sources = np.repeat(["a", "b", "c"], [400, 400, 200])
    novel = sources == "c"
    found = conformal.drift(scores, alone(1000), sources, novel)
    assert found["sources"]["a"]["plain"]["90"] > 90
    assert found["sources"]["c"]["plain"]["90"] == 0.0
    assert found["places"] == 1000
    assert set(found["all"]) == {"photos", "places", "sources"}
    assert conformal.drift(scores, alone(1000), np.full(1000, "a")) == {}
