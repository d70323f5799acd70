"""S4's decoding and targets; its training is tested with the loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule import sphere
from graticule.belief import Belief, down_hierarchy
from graticule.cells.adaptive import adaptive
from graticule.errors import ManifestError, PartitionError, RecipeError
from graticule.scenes import GROUPS
from graticule.systems.multitask_s2 import plan
from graticule.systems.plan import Job, Rows
from graticule.systems.s2_decoding import ancestors, f_star

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


class Told:
    """A trained network that is sure of one outcome."""

    def __init__(self, outcome: int = 1, sure: float = 9.0) -> None:
        self.outcome, self.sure = outcome, sure
        self.job: Job | None = None

    def log_p(self, task: str, wanted: np.ndarray) -> np.ndarray:
        assert self.job is not None
        out = np.zeros((len(wanted), len(self.job.tasks[task].outcomes)), np.float32)
        out[:, self.outcome] = self.sure
        return out - np.log(np.exp(out).sum(axis=1, keepdims=True))


def run(
    table: Rows, settings: dict[str, object], told: Told | None = None
) -> tuple[list[Job], Any]:
    """All the jobs of a plan, answered by networks that say one thing; and its outcome."""
    told = told or Told()
    jobs = plan(table, {"cells": [{"name": "a", "max": 50, "min": 1}], "decode": "a"} | settings)
    found = [next(jobs)]
    while True:
        told.job = found[-1]
        try:
            found.append(jobs.send(told))
        except StopIteration as end:
            return found, end.value


def test_the_plan_asks_for_the_helper_first_and_labels_with_it() -> None:
    (helper, job), outcome = run(rows(["street", ""] * 25), {})
    assert helper.name == "helper"
    assert helper.tasks["scenes"].target.tolist() == [GROUPS.index("urban"), -1] * 25
    assert not helper.keep
    assert job.name == "multitask"
    assert {task.weight for task in job.tasks.values()} == {1.0}  # the document's equal weights
    assert list(job.tasks) == ["a", "scenes"]
    assert job.tasks["scenes"].target.tolist() == [GROUPS.index("urban"), 1] * 25
    assert outcome.point_task == "a"


def test_an_unsure_helper_labels_nothing() -> None:
    (_, job), _ = run(rows(["street", ""] * 25), {"helper_min_p": 0.9}, Told(sure=0.1))
    assert job.tasks["scenes"].target.tolist() == [GROUPS.index("urban"), -1] * 25


def test_labels_of_scenes_label_need_no_helper_and_unsure_ones_do_not_count() -> None:
    table = rows(["street", "forest"] * 25)
    table.columns["scene_p"] = np.array(["", "0.6"] * 25)  # type: ignore[index]
    (job,), _ = run(table, {"helper_min_p": 0.5})
    assert (job.tasks["scenes"].target >= 0).all()
    (job,), _ = run(table, {"helper_min_p": 0.7, "helper": False})
    assert (job.tasks["scenes"].target[1::2] == -1).all()
    # A helper that is asked all the same learns from people alone.
    (helper, _), _ = run(table, {"helper_min_p": 0.7})
    assert (helper.tasks["scenes"].target[1::2] == -1).all()


def test_a_share_of_the_labels_is_nested_in_a_larger_one() -> None:
    scene = ["street", "forest"] * 500
    table = rows(scene)
    names = np.array([f"{i}.jpg" for i in range(len(scene))])
    table = Rows({**table.columns, "path": names}, *vars_of(table))
    used = []
    for share in (0.2, 0.5):
        jobs, _ = run(table, {"label_share": share, "helper": False})
        used.append(jobs[0].tasks["scenes"].target >= 0)
        assert used[-1].mean() == pytest.approx(share, abs=0.05)
    assert (used[1] | ~used[0]).all()
    with pytest.raises(RecipeError, match=r"label_share 2"):
        run(table, {"label_share": 2})


def vars_of(table: Rows) -> tuple[Any, ...]:
    return table.latlon, table.train, table.validation, table.test


def test_labelled_photos_make_up_the_share_of_an_epoch_that_the_recipe_says() -> None:
    table = rows(["street"] * 10 + [""] * 90)
    jobs, _ = run(table, {"batch_share": 0.4})
    often = jobs[1].often
    assert often is not None
    assert often[:10].sum() / often.sum() == pytest.approx(0.4)
    with pytest.raises(RecipeError, match=r"batch_share 1"):
        run(table, {"batch_share": 1.0})


def test_isn_asks_for_a_network_of_each_scene_that_has_photos() -> None:
    table = rows(["street", "forest"] * 25)
    jobs, outcome = run(table, {"routing": "hard"})
    assert [job.name for job in jobs] == ["helper", "cells-natural", "cells-urban"]
    assert jobs[0].keep
    assert jobs[1].use is not None
    np.testing.assert_array_equal(jobs[1].use, [False, True] * 25)
    assert outcome.settings["answering"] == ["natural", "urban"]
    assert any("shows indoor" in note for note in outcome.notes)
    with pytest.raises(RecipeError, match=r"settings\.routing 'both'"):
        run(table, {"routing": "both"})
    with pytest.raises(RecipeError, match="no training photo has a scene"):
        run(rows([""] * 50), {"routing": "soft"})


def test_an_unknown_scene_names_the_nearest_known_one() -> None:
    with pytest.raises(ManifestError, match=r"scene 'citty' \(1 rows\).*nearest known is 'city'"):
        run(rows(["street", "citty", *[""] * 48]), {})
    jobs, _ = run(rows(["lava tube", "skate park"] * 25), {"scenes": "column", "helper": False})
    assert jobs[0].tasks["scenes"].outcomes == ("lava tube", "skate park")


def test_the_report_has_its_three_tables() -> None:
    table = rows(["street", "forest"] * 25)
    _, outcome = run(table, {})
    figures, text = outcome.report(np.arange(50), None)
    assert set(figures["decodings"]) == {"a", "f*"}
    assert set(figures["scenes"]) == {"natural", "urban"}
    assert sum(cell["photos"] for cell in figures["counts"].values()) == 50
    assert "| urban |" in text
    nobody = Rows(table.columns, np.full((50, 2), np.nan), *vars_of(table)[1:])
    with pytest.raises(PartitionError, match="no photo has a place"):
        run(nobody, {})
