"""A planted weakness is found; luck is not."""

from __future__ import annotations

import numpy as np

from graticule.evaluation.scores import Outcomes
from graticule.evaluation.slices import by_value, labels, worst
from graticule.evaluation.truth import Truth


def made(rank: np.ndarray) -> Outcomes:
    nothing = np.full(len(rank), np.nan)
    answered = np.ones(len(rank), dtype=bool)
    return Outcomes(nothing, rank.astype(float), nothing, answered, named={"country": 10})


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
    assert found[0].slice.top1 < 20 < 50 < found[0].rest
    assert all("coast" in w.slice.value or "b" in w.slice.value for w in found)


def test_a_weak_pair_is_found_where_more_pairs_are_possible_than_photos() -> None:
    rng = np.random.default_rng(2)
    n = 2000
    city = rng.choice([f"c{i}" for i in range(80)], n)
    source = rng.choice([f"s{i}" for i in range(80)], n)
    rank = np.where(rng.random(n) < 0.9, 1, 3)
    weak = rng.choice(n, 60, replace=False)
    city[weak], source[weak], rank[weak] = "c7", "s9", 3
    found = worst(made(rank), {"city": city, "source": source})
    pair = next(w.slice for w in found if w.slice.value == "c7 × s9")
    assert pair.photos == int(((city == "c7") & (source == "s9")).sum())


def test_luck_is_not_reported() -> None:
    false_alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rank = np.where(rng.random(400) < 0.5, 1, 2)
        columns = {f"c{i}": rng.choice(list("abcd"), 400) for i in range(4)}
        false_alarms += bool(worst(made(rank), columns))
    assert false_alarms <= 4


def test_photos_of_one_country_are_searched_by_distance() -> None:
    rng = np.random.default_rng(1)
    n = 800
    source = rng.choice(["a", "b"], n)
    km = np.where((source == "b") & (rng.random(n) < 0.7), 900.0, 20.0)
    one = Outcomes(
        km, np.ones(n), np.full(n, np.nan), np.ones(n, dtype=bool), countries=np.full(n, "FR")
    )
    found = worst(one, {"source": source})
    assert found[0].slice.value == "b"
    assert found[0].judged_by == "within 200 km"


def test_sizes_and_training_photos_are_slices() -> None:
    places = np.repeat([[48.86, 2.35], [-33.87, 151.21]], 30, axis=0)
    truth = Truth(
        tuple(map(str, range(60))),
        places,
        {"width": np.array(["320", "2048"] * 30), "height": np.array(["240"] * 60)},
    )
    train = Truth(tuple(map(str, range(12))), np.repeat([[48.85, 2.34]], 12, axis=0), {})
    found = labels(truth, train)
    assert found["photo size"][:2].tolist() == ["below 400 px", "1600 px and more"]
    cells = found["training photos in the cell"]
    assert set(cells[:30]) == {"10 to 99"}
    assert set(cells[30:]) == {"none"}


def test_small_and_unnamed_slices_are_not_shown() -> None:
    column = np.array(["x"] * 30 + [""] * 30 + ["y"] * 5)
    shown = by_value(made(np.ones(65)), {"scene": column})
    assert [(s.value, s.photos, s.top1) for s in shown] == [("x", 30, 100.0)]


def test_scenes_of_every_list_are_indoors_or_not_and_unknown_ones_neither() -> None:
    told = {
        "indoor": "yes", "kitchen": "yes", "/b/bedroom": "yes", "airport_terminal": "yes",
        "city": "no", "street": "no", "natural": "no", "Beach": "no", "": "", "my own": "",
    }  # fmt: skip
    truth = Truth(tuple(told), np.full((len(told), 2), np.nan), {"scene": np.array(list(told))})
    assert dict(zip(told, labels(truth)["indoors"].tolist(), strict=True)) == told


def test_one_name_a_photo_has_no_top_5() -> None:
    one = Outcomes(
        np.full(30, np.nan), np.ones(30), np.full(30, np.nan), np.ones(30, dtype=bool),
        named={"country": 1},
    )  # fmt: skip
    (shown,) = by_value(one, {"scene": np.array(["x"] * 30)})
    assert shown.top1 == 100.0
    assert np.isnan(shown.top5)
