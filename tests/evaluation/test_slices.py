"""A planted weakness is found; luck is not."""

from __future__ import annotations

import numpy as np

from graticule.evaluation.scores import Outcomes
from graticule.evaluation.slices import by_value, worst


def made(rank: np.ndarray) -> Outcomes:
    nothing = np.full(len(rank), np.nan)
    return Outcomes(nothing, rank.astype(float), nothing, np.ones(len(rank), dtype=bool))


def test_a_planted_weak_pair_is_found_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    scene = rng.choice(["city", "coast"], n)
    source = rng.choice(["a", "b", "c"], n)
    rank = np.where(rng.random(n) < 0.6, 1, 3)
    weak = (scene == "coast") & (source == "b")
    rank[weak] = np.where(rng.random(weak.sum()) < 0.1, 1, 3)
    found = worst(made(rank), {"scene": scene, "source": source})
    assert found[0].slice.value == "coast × b"
    assert found[0].p_value < 1e-6
    assert found[0].slice.top1 < 20 < 50 < found[0].rest_top1
    assert all("coast" in w.slice.value or "b" in w.slice.value for w in found)


def test_luck_is_not_reported() -> None:
    false_alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rank = np.where(rng.random(400) < 0.5, 1, 2)
        columns = {f"c{i}": rng.choice(list("abcd"), 400) for i in range(4)}
        false_alarms += bool(worst(made(rank), columns))
    assert false_alarms <= 4


def test_small_and_unnamed_slices_are_not_shown() -> None:
    column = np.array(["x"] * 30 + [""] * 30 + ["y"] * 5)
    shown = by_value(made(np.ones(65)), {"scene": column})
    assert [(s.value, s.photos, s.top1) for s in shown] == [("x", 30, 100.0)]
