"""Choosing S6's parts: which combination wins on inner folds, and how those are made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graticule.belief import Belief, normalise
from graticule.cells.cities import Cities
from graticule.systems.choosing import (
    HeldOut,
    Parts,
    _best_width,
    best_of,
    by_heads,
    combinations,
    inner_folds,
)
from graticule.systems.default_settings import Settings
from graticule.systems.plan import Rows

PARTS = [Parts({}, weight, 0.1, 0.0) for weight in (0.0, 0.6)]


def held(right: np.ndarray) -> HeldOut:
    """Two countries, all photos of the first; it is named first where ``right``."""
    log_p = normalise(np.where(right[:, None], [2.0, 0.0], [0.0, 2.0]))
    return HeldOut(np.arange(len(right)), log_p, log_p)


def winner(first: np.ndarray, second: np.ndarray, sources: np.ndarray) -> int:
    country = np.zeros(len(sources), np.int64)
    return best_of(list(zip(PARTS, (held(first), held(second)), strict=True)), country, sources)


def test_neither_a_large_source_nor_a_tiny_one_decides_alone() -> None:
    sources = np.array(["large"] * 100 + ["a"] * 25 + ["b"] * 25 + ["c"] * 25 + ["tiny"])
    large, tiny = sources == "large", sources == "tiny"
    # The large source against three of a quarter of its size: 10 against 15.
    assert winner(large | tiny, ~large, sources) == 1
    # One photo of a tiny source against a few of the large one.
    few = large & (np.arange(len(sources)) < 20)
    assert winner(tiny, few, sources) == 1
    assert winner(few, tiny, sources) == 0


def test_photos_without_a_country_choose_nothing() -> None:
    sources, country = np.array(["a", "a"]), np.array([0, -1])
    tried = [
        (PARTS[0], held(np.array([False, True]))),
        (PARTS[1], held(np.array([True, False]))),
    ]
    assert best_of(tried, country, sources) == 1


def test_combinations_are_of_all_lists() -> None:
    found = combinations(
        Settings.of(
            {
                "balance": {"source": 1.0},
                "choose": {
                    "by": "folds",
                    "memory": [{"weight": 0}, {"weight": 0.5}],
                    "power": [0, 1],
                },
            }
        )
    )
    assert [(part.weight, part.power) for part in found] == [(0, 0), (0, 1), (0.5, 0), (0.5, 1)]
    assert {part.balance["source"] for part in found} == {1.0}
    more = combinations(Settings.of({"choose": {"smooth_km": [0, 300], "scene_weight": [0, 0.5]}}))
    assert [(part.smooth_km, part.scenes) for part in more] == [
        (0, 0), (0, 0.5), (300, 0), (300, 0.5)
    ]  # fmt: skip
    assert [len(some) for some in by_heads(more)] == [2, 2]
    fixed = combinations(Settings.of({"memory": {"weight": 0.5}, "balance": None}))
    assert [(part.weight, part.sharpness, dict(part.balance)) for part in fixed] == [(0.5, 0.1, {})]


def test_inner_folds_keep_sources_whole_and_leave_judged_rows_out() -> None:
    sources = np.repeat(["a", "b", "c"], [6, 3, 3])
    train = np.ones(12, bool)
    train[[0, 7]] = False
    table = Rows(
        {"path": np.array([f"{i}.jpg" for i in range(12)])},
        np.full((12, 2), np.nan),
        train,
        np.zeros(12, bool),
        ~train,
    )
    folds = inner_folds(table, "folds", sources)
    assert (folds[~train] == -1).all()
    for name in np.unique(sources):
        assert len(np.unique(folds[train & (sources == name)])) == 1


def test_the_narrowest_kernel_that_comes_close_is_taken() -> None:
    # Half of the photos lie in the likelier of two towns 100 km apart, the others in the other.
    centers = np.array([[50.0, 10.0], [50.9, 10.0], [-30.0, 140.0]])
    towns = Cities(
        name="cities",
        ids=("DE:A", "DE:B", "AU:C"),
        names=("A", "B", "C"),
        centers=centers,
        counts=np.ones(3, np.int64),
        areas_km2=np.full(3, 100.0),
        parents={"countries": ("DE", "DE", "AU")},
    )
    log_p = normalise(np.tile(np.log([0.55, 0.4, 0.05]), (40, 1)))
    place = centers[np.arange(40) % 2]
    assert _best_width(Belief(towns, log_p), place, [500, 50]) == 50
    # Far apart, with more around the less likely: a wide kernel finds the crowd.
    crowd = np.array([[48.0, 2.0], [50.0, 4.0], [46.0, 4.0], [-30.0, 140.0]])
    cells = replace(
        towns,
        ids=("FR:A", "FR:B", "FR:C", "AU:D"),
        names=("A", "B", "C", "D"),
        centers=crowd,
        counts=np.ones(4, np.int64),
        areas_km2=np.full(4, 100.0),
        parents={"countries": ("FR", "FR", "FR", "AU")},
    )
    log_p = normalise(np.tile(np.log([0.2, 0.2, 0.2, 0.4]), (40, 1)))
    assert _best_width(Belief(cells, log_p), crowd[np.arange(40) % 3], [50, 500]) == 500
