"""S3: which photos are known to be elsewhere, and what they change."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.calibration import Calibration
from graticule.systems import ten_cities
from graticule.systems.city_report import CityEvidence
from graticule.systems.plan import Rows
from graticule.systems.ten_cities import drawn, elsewhere
from toy import cities_recipe, make_photos


def test_what_is_known_to_be_elsewhere() -> None:
    columns = {
        "city": np.array(["Paris", "Lyon", "", "", ""]),
        "country": np.array(["FR", "FR", "FR", "JP", ""]),
    }
    nobody = np.zeros(5, dtype=bool)
    rows = Rows(columns, np.full((5, 2), np.nan), nobody, nobody, nobody)
    ids = np.array(["FR:Paris", "", "", "", ""])
    # Lyon is another city; of a photo from France nobody knows; Japan has none of the cities.
    assert elsewhere(rows, ids, ["FR:Paris"]).tolist() == [False, True, False, True, False]


class Knows:
    """A network that says each photo's first letter's city for sure."""

    def __init__(self, columns: np.ndarray) -> None:
        self.columns = columns

    def log_p(self, _task: str, rows: np.ndarray) -> np.ndarray:
        out = np.full((len(rows), 2), np.log(0.01), np.float32)
        out[np.arange(len(rows)), self.columns[rows]] = np.log(0.99)
        return out


def judged(photos: list[tuple[str, str, str]], **settings: object) -> CityEvidence:
    """What a plan says of its test rows; each row is city, country and side."""
    city, country, side = (np.array(column) for column in zip(*photos, strict=True))
    rows = Rows(
        {"city": city, "country": country},
        np.full((len(city), 2), np.nan),
        side == "train",
        side == "val",
        side == "test",
        seed=int(str(settings.pop("seed", 0))),
    )
    plan = ten_cities.plan(rows, settings)
    next(plan)
    with pytest.raises(StopIteration) as end:
        plan.send(Knows((city == "Tokyo").astype(int)))  # type: ignore[arg-type]
    evidence = end.value.value.evidence
    return evidence(np.flatnonzero(rows.test), Calibration())


LEARNED = [("Paris", "FR", "train"), ("Tokyo", "JP", "train")]


def test_a_photo_whose_city_nobody_knows_is_not_elsewhere() -> None:
    found = judged(
        [*LEARNED, ("Paris", "FR", "test"), ("", "FR", "test"), ("", "", "test"),
         ("London", "GB", "test"), ("", "US", "test")],
        cities=["Paris", "Tokyo"],
    )  # fmt: skip
    assert found.rows.tolist() == [2, 5, 6]
    assert found.true.tolist() == ["FR:Paris", "", ""]
    assert found.unknown == 2
    assert found.never_shown == {}


@pytest.mark.parametrize("listed", [["Paris", "Tokyo", "GB:London"], []])
def test_a_city_on_the_list_that_is_only_in_the_test_is_listed_apart(listed: list[str]) -> None:
    found = judged(
        [*LEARNED, ("Tokyo", "JP", "test"), ("London", "GB", "test"), ("", "US", "test")],
        cities=listed,
    )
    assert found.true.tolist() == ["JP:Tokyo", ""]
    assert (found.never_shown, found.unknown) == ({"GB:London": 1}, 0)


def test_a_city_with_too_few_photos_is_elsewhere() -> None:
    found = judged([*LEARNED * 2, ("London", "GB", "train"), ("London", "GB", "test")],
                   min_photos=2)  # fmt: skip
    assert found.true.tolist() == [""]
    assert found.never_shown == {}


def test_photos_none_of_which_can_be_judged() -> None:
    found = judged([*LEARNED, ("", "", "test")])
    assert (len(found.true), found.unknown) == (0, 1)
    page = ten_cities.markdown(ten_cities.tables(found))
    assert "Accuracy – on 0 photos" in page
    assert "nobody knows their city: 1 photos" in page


def test_the_report_draws_so_many_photos_of_a_city() -> None:
    many = [*LEARNED, *[("Paris", "FR", "test")] * 30, *[("Tokyo", "JP", "test")] * 5,
            *[("", "US", "test")] * 9]  # fmt: skip
    few = judged(many, report_photos=8)
    assert [int((few.true == name).sum()) for name in ("FR:Paris", "JP:Tokyo", "")] == [8, 5, 9]
    assert len(judged(many, report_photos=0).true) == len(judged(many).true) == 44
    assert judged(many, report_photos=8).rows.tolist() == few.rows.tolist()
    assert judged(many, report_photos=8, seed=1).rows.tolist() != few.rows.tolist()


@given(st.lists(st.integers(-1, 3), max_size=40), st.integers(0, 6), st.integers(0, 99))
def test_drawn_rows_are_some_of_those_asked_in_their_order(
    city: list[int], most: int, seed: int
) -> None:
    of = np.arange(100, 100 + len(city))
    found = drawn(of, np.array(city, dtype=np.int64), most, seed)
    assert np.isin(found, of).all()
    assert (np.diff(found) > 0).all()
    for number in range(-1, 4):
        there = city.count(number)
        kept = int((np.array(city, dtype=np.int64)[found - 100] == number).sum())
        assert kept == (min(there, most) if most and number >= 0 else there)


def test_photos_of_other_places_make_it_unsure(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    from graticule.training import recipe as recipes
    from graticule.training import run

    table = make_photos(tmp_path / "p", 60)
    lines = list(csv.reader(table.open(encoding="utf-8")))
    london = [line for line in lines[1:] if line[4] == "London"]
    for line in london:  # held out, London judges; in training, it is elsewhere
        line[6] = "train" if line in london[::2] else "test"
    with table.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerows(lines)
    gains = {}
    for weight in (0.0, 1.0):
        wanted = recipes.parse(
            cities_recipe(
                settings={"cities": ["Paris", "Tokyo"]},
                loss={"outside": weight},
                phases=[{"epochs": 12, "learn": "all", "learning_rate": 0.003}],
                stop={"keep": "last"},
            ),
            "toy.yaml",
        )
        out = tmp_path / f"b{weight:g}"
        trainer, _ = run.prepare(wanted, table, out, run.Options(device="cpu", workers=0))
        _, outcome = run.run_jobs(trainer)
        assert outcome.even_prior
        assert outcome.evidence is not None
        found = outcome.evidence(np.flatnonzero(trainer.rows.test), Calibration())
        gains[weight] = (found.gain[found.true == ""].mean(), found.gain[found.true != ""].mean())
        assert any("training photos show none of the cities" in n for n in outcome.notes)
    # Untaught, London looks like one of the two for sure; taught, it looks like neither.
    assert gains[1.0][0] < 0.5 * gains[0.0][0]
    assert gains[1.0][0] < 0.5 * gains[1.0][1]
