"""S4's decoding and targets; its training is tested with the loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule import sphere
from graticule.belief import Belief, down_hierarchy
from graticule.cells.adaptive import adaptive
from graticule.errors import RecipeError
from graticule.scenes import GROUPS
from graticule.systems.multitask_s2 import ancestors, f_star, plan, scene_targets
from graticule.systems.plan import Rows

PLACES = sphere.uniform(3000, np.random.default_rng(0))
CELLS = [adaptive(PLACES, top, 1, name=name) for name, top in (("coarse", 400), ("fine", 60))]


def rows(scene: list[str]) -> Rows:
    n = len(scene)
    everyone = np.ones(n, dtype=bool)
    return Rows({"scene": np.array(scene)}, PLACES[:n], everyone, ~everyone, ~everyone)


def test_every_fine_cell_has_its_own_ancestor() -> None:
    (over,) = ancestors(CELLS)
    np.testing.assert_array_equal(over, CELLS[0].assign(CELLS[1].centers))
    assert (over >= 0).all()


@given(st.integers(0, 1000))
def test_f_star_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse, fine = (Belief.from_logits(c, rng.normal(0, 2, (2, len(c)))) for c in CELLS)
    found = f_star([coarse, fine], ancestors(CELLS))
    product = fine.p.astype(float) * coarse.p[:, ancestors(CELLS)[0]]
    np.testing.assert_allclose(found.p, product / product.sum(axis=1, keepdims=True), atol=1e-5)


def test_a_certain_coarse_belief_rules_out_the_other_branches() -> None:
    sure = np.full((1, len(CELLS[0])), -50.0)
    sure[0, 3] = 0.0
    found = f_star(
        [
            Belief.from_logits(CELLS[0], sure),
            Belief.from_logits(CELLS[1], np.zeros((1, len(CELLS[1])))),
        ],
        ancestors(CELLS),
    )
    inside = ancestors(CELLS)[0] == 3
    assert found.p[0, inside].sum() == pytest.approx(1, abs=1e-4)


def test_a_cell_without_an_ancestor_gets_the_least() -> None:
    coarse = Belief.from_logits(CELLS[0], np.random.default_rng(1).normal(size=(1, len(CELLS[0]))))
    flat = Belief.from_logits(CELLS[1], np.zeros((1, len(CELLS[1]))))
    over = ancestors(CELLS)[0].copy()
    over[0] = -1
    found = down_hierarchy(flat, [(coarse, over)])
    assert found.log_p[0, 0] == found.log_p.min()


def test_scenes_of_any_vocabulary_become_groups() -> None:
    found = scene_targets(rows(["street", "coast", "kitchen", "natural", "", "moon"]), GROUPS)
    named = [GROUPS[i] if i >= 0 else None for i in found]
    assert named == ["urban", "natural", "indoor", "natural", None, None]


def test_unknown_settings_are_named() -> None:
    with pytest.raises(RecipeError, match=r"settings\.scenes 'all'"):
        next(plan(rows(["street"] * 50), {"scenes": "all"}))
    with pytest.raises(RecipeError, match=r"settings\.decode"):
        next(
            plan(
                rows(["street"] * 50),
                {"decode": "x", "cells": [{"name": "a", "max": 50, "min": 1}]},
            )
        )


def test_the_plan_asks_for_the_helper_first_and_labels_with_it() -> None:
    class Helper:
        def log_p(self, task: str, wanted: np.ndarray) -> np.ndarray:
            out = np.full((len(wanted), 3), -9.0, np.float32)
            out[:, 1] = 0.0
            return out

    table = rows(["street", ""] * 25)
    jobs = plan(table, {"cells": [{"name": "a", "max": 50, "min": 1}], "decode": "a"})
    assert next(jobs).name == "helper"
    job = jobs.send(Helper())
    assert job.name == "multitask"
    assert list(job.tasks) == ["a", "scenes"]
    assert job.tasks["scenes"].target.tolist() == [GROUPS.index("urban"), 1] * 25
    with pytest.raises(StopIteration) as end:
        jobs.send(Helper())
    assert end.value.value.point_task == "a"
