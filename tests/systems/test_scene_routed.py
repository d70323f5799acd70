"""S1's parts: floors, shares, membership and tables, on numbers that can be told in advance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.belief import normalise
from graticule.calibration import Calibration
from graticule.systems import scene_report, scene_routed
from graticule.systems.plan import Rows
from graticule.systems.scene_report import SceneEvidence, rank_of_truth
from graticule.systems.scene_routed import (
    answering_shares,
    membership,
    scene_labels,
    with_floor,
)

SCENES = ("city", "nature", "coast", "industrial")


@given(st.integers(1, 5), st.integers(0, 2**31), st.floats(1e-8, 1e-3))
def test_a_country_never_seen_has_the_floor_and_the_rest_keeps_its_order(
    unseen: int, seed: int, floor: float
) -> None:
    rng = np.random.default_rng(seed)
    log_p = normalise(rng.normal(size=(3, 8)))
    gone = rng.choice(8, unseen, replace=False)
    out = with_floor(log_p, gone.astype(np.int64), floor)
    p = np.exp(out.astype(np.float64))
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-4)
    np.testing.assert_allclose(p[:, gone], floor, rtol=1e-2)
    seen = np.setdiff1d(np.arange(8), gone)
    np.testing.assert_array_equal(out[:, seen].argsort(1), log_p[:, seen].argsort(1))


def test_a_scene_without_a_classifier_leaves_its_weight() -> None:
    share = answering_shares([[0.5, 0.2, 0.1, 0.2], [0, 0, 0, 1]], SCENES, ("city", "nature"))
    np.testing.assert_allclose(share[0], [5 / 7, 2 / 7], rtol=1e-6)
    np.testing.assert_allclose(share[1], [0.5, 0.5])


def test_a_photo_trains_the_classifiers_of_all_scenes_it_shows() -> None:
    labels = np.array([-1, -1, 2, -1])
    scene_p = np.array([[0.5, 0.4, 0.1, 0], [0.28, 0.24, 0.24, 0.24], [0.9, 0.1, 0, 0], [0.0] * 4])
    found = membership(labels, scene_p, 0.3)
    assert found.tolist() == [
        [True, True, False, False],  # both at 0.3 or more
        [True, False, False, False],  # none is, the likeliest counts
        [False, False, True, False],  # its label wins over the router
        [False, False, False, False],  # the router was not asked
    ]


def test_names_of_other_collections_mean_scenes() -> None:
    names = np.array(["street", "forest", "sea", "industrial", "kitchen", ""])
    n = len(names)
    no = np.zeros(n, bool)
    rows = Rows({"scene": names}, np.full((n, 2), np.nan), ~no, no, no)
    assert scene_labels(rows, SCENES).tolist() == [0, 1, 2, 3, -1, -1]


def test_ranks_count_what_was_likelier_and_unknown_is_never_right() -> None:
    log_p = np.log(np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], np.float32))
    assert rank_of_truth(log_p, np.array([0, 2, -1])).tolist() == [0, 2, scene_report.UNKNOWN]
    flat = np.zeros((1, 9), np.float32)
    assert rank_of_truth(flat, np.array([0]))[0] == rank_of_truth(flat, np.array([8]))[0] == 4


class Says:
    """A network whose log-probabilities are given."""

    def __init__(self, p: list[list[float]]) -> None:
        self.said = np.log(np.array(p, np.float32))

    def log_p(self, _task: str, rows: np.ndarray) -> np.ndarray:
        return self.said[rows]


def test_hard_and_soft_are_judged_on_the_oracles_photos_too() -> None:
    train, test = [True] * 4 + [False] * 3, [False] * 4 + [True] * 3
    rows = Rows(
        {
            "scene": np.array(["city", "city", "nature", "nature", "city", "nature", ""]),
            "country": np.array(["FR", "IN", "FR", "IN", "FR", "IN", "FR"]),
        },
        np.full((7, 2), np.nan),
        np.array(train),
        np.zeros(7, bool),
        np.array(test),
    )
    plan = scene_routed.plan(rows, {"scenes": ["city", "nature"]})
    # The router takes every photo for a city; that network says France, the other India.
    router, city, nature = ([[p, 1 - p]] * 7 for p in (0.9, 0.8, 0.1))
    next(plan)
    plan.send(Says(router))  # type: ignore[arg-type]
    plan.send(Says(city))  # type: ignore[arg-type]
    with pytest.raises(StopIteration) as end:
        plan.send(Says(nature))  # type: ignore[arg-type]
    found, page = end.value.value.report(np.flatnonzero(rows.test), Calibration())
    top = {mode: (c["all"]["top1"], c["all"]["photos"]) for mode, c in found["countries"].items()}
    assert top["hard"] == (pytest.approx(2 / 3), 3)
    assert top["oracle"] == (1.0, 2)
    assert top["hard, scene known"] == top["soft, scene known"] == (0.5, 2)
    assert "| hard, scene known | 50.0 % / 100.0 % (2) |" in page


def test_the_tables_count_what_they_say() -> None:
    evidence = SceneEvidence(
        SCENES[:2],
        np.array([0, 0, 1, -1]),
        np.array([0, 1, 1, 1]),
        {
            "hard": np.array([0, 3, 7, 0]),
            "oracle": np.array([0, 0, 7, -1]),
        },
        np.array(["a", "a", "b", "b"]),
    )
    found = scene_report.tables(evidence)
    assert found["router"]["city"] == {"photos": 2, "share": 0.5}
    assert found["confusion"] == [[1, 1], [0, 1]]
    assert found["countries"]["hard"]["all"] == {"photos": 4, "top1": 0.5, "top5": 0.75}
    assert found["countries"]["hard"]["nature"]["photos"] == 3
    assert found["countries"]["oracle"]["all"]["photos"] == 3
    assert found["countries"]["hard"]["mean over sources"]["top1"] == pytest.approx(0.5)
    page = scene_report.markdown(found)
    assert "| hard | 50.0 % / 75.0 % (4) |" in page
    twice = scene_report.tables(scene_report.pooled([evidence, evidence]))
    assert twice["countries"]["hard"]["all"]["photos"] == 8
    assert twice["router"]["city"]["share"] == 0.5
