"""A whole evaluation of a small table, and what it refuses to hide."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import sphere
from graticule.errors import GraticuleError
from graticule.evaluation.page import page
from graticule.evaluation.predictions import Predictions
from graticule.evaluation.report import evaluate
from graticule.evaluation.truth import Truth


def planted() -> tuple[Predictions, Truth, Truth]:
    """300 photos in France; a third leak their place from training and are answered rightly."""
    rng = np.random.default_rng(0)
    latlon = np.stack([rng.uniform(45, 48, 300), rng.uniform(1, 4, 300)], axis=1)
    truth = Truth(
        tuple(f"t{i}.jpg" for i in range(300)),
        latlon,
        {
            "country": np.full(300, "FR"),
            "photographer": np.array([f"p{i // 3}" for i in range(300)]),
            "scene": rng.choice(["city", "nature"], 300),
        },
    )
    train = Truth(tuple(f"r{i}" for i in range(100)), sphere.offset(latlon[:100], 10.0, 0.2), {})
    guess = sphere.offset(latlon, 90.0, np.where(np.arange(300) < 100, 0.5, 900.0))
    return Predictions("leaky", truth.paths, guess, (("FR",),) * 300), truth, train


def test_both_numbers_are_printed_and_the_leak_is_their_difference() -> None:
    predictions, truth, train = planted()
    report = evaluate(predictions, truth, train=train, replicates=50)
    assert report.score("within 1 km").estimate.value == pytest.approx(100 / 3)
    assert report.score("within 1 km", clean=True).estimate.value == 0.0
    text = report.as_markdown()
    assert "| within 1 km (%) | 33.3 |" in text
    finding = next(f for f in report.findings if f.kind == "within 1 km of training")
    assert finding.rows[:100].all()
    assert f"| within 1 km of training | {finding.count} |" in text


def test_the_json_is_json_without_nan() -> None:
    predictions, truth, train = planted()
    found = evaluate(predictions, truth, train=train, replicates=20).as_json()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text)["photos"] == 300


def test_names_that_are_no_country_are_said() -> None:
    predictions, truth, _ = planted()
    named = (("Narnia",), ("FRX", "fra"), *((("France",),) * 298))
    report = evaluate(replace(predictions, countries=named), truth, replicates=20)
    assert any(
        note.startswith("named as a country but none") and note.endswith(": Narnia, FRX")
        for note in report.notes
    )
    assert not any("but none" in note for note in evaluate(predictions, truth, replicates=20).notes)


def test_missing_training_is_said() -> None:
    predictions, truth, _ = planted()
    report = evaluate(predictions, truth, replicates=20)
    assert any("leaks from training could not be looked for" in note for note in report.notes)


def test_order_of_either_table_changes_no_value() -> None:
    predictions, truth, train = planted()
    turn = np.random.default_rng(1).permutation(300)
    one = evaluate(predictions, truth, train=train, replicates=20)
    other = evaluate(predictions.take(turn), truth, train=train, replicates=20)
    assert one.as_json() == other.as_json()


def test_an_unknown_score_is_named() -> None:
    predictions, truth, _ = planted()
    with pytest.raises(GraticuleError, match="no score 'luck'"):
        evaluate(predictions, truth, replicates=20).score("luck")


def blanked(said: Predictions, rows: np.ndarray) -> Predictions:
    """The same table with these rows left empty."""
    keep = np.where(rows, -1, np.arange(len(said)))
    return said.beside(said.paths, keep)


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1), st.integers(6, 60))
def test_a_row_left_out_scores_as_one_left_empty(seed: int, left: int) -> None:
    said, truth, _ = planted()
    said, truth = said.take(np.arange(80, 140)), truth.take(np.arange(80, 140))
    gone = np.random.default_rng(seed).permutation(60) >= left
    left_out = evaluate(said.take(np.flatnonzero(~gone)), truth, replicates=3).as_json()
    empty = evaluate(blanked(said, gone), truth, replicates=3).as_json()
    assert left_out["as_given"] == empty["as_given"]
    assert left_out["slices"] == empty["slices"]
    answered = next(s for s in left_out["as_given"] if s["name"] == "answered")
    assert answered["estimate"]["value"] == pytest.approx(100 * left / 60)


def test_leaving_out_what_is_hard_is_no_gain_and_the_photos_with_a_row_stand_beside_it() -> None:
    said, truth, train = planted()
    report = evaluate(said.take(np.arange(100)), truth, train=train, replicates=5)
    assert report.score("within 25 km").estimate.value == pytest.approx(100 / 3)
    assert report.with_row is not None
    assert report.with_row.photos == 100
    assert report.with_row.values["within 25 km", "%"] == 100.0
    text = report.as_markdown()
    assert "200 photos have no prediction and count as silence." in text
    assert "| all photos | 300 | 33.3 | 33.3 |" in text
    assert "| photos that have a prediction | 100 | 100.0 | 100.0 |" in text
    shown = page(report)
    assert "200 photos have no prediction and count as silence." in shown
    assert "<td>photos that have a prediction</td>" in shown


def test_every_photo_without_a_row_doubled_or_extra_is_named_in_the_json() -> None:
    said, truth, _ = planted()
    rows = np.concatenate([np.arange(100), [7, 8]])
    more = replace(said.take(rows), paths=(*said.paths[:100], "t7.jpg", "x8.jpg"))
    found = evaluate(more, truth, replicates=5).as_json()
    assert found["missing"] == [f"t{i}.jpg" for i in range(100, 300)]
    assert found["doubled"] == ["t7.jpg"]
    assert found["extra"] == ["x8.jpg"]
    assert found["photos"] == 300
    assert found["photos_with_a_row"] == 100
    assert found["headline_with_a_row"]["within 25 km"] == 100.0


def test_whole_tables_have_one_headline() -> None:
    said, truth, _ = planted()
    report = evaluate(said, truth, replicates=5)
    assert report.with_row is None
    assert "count as silence" not in report.as_markdown() + page(report)


def test_a_subset_is_judged_alone_where_it_is_asked_for() -> None:
    said, truth, _ = planted()
    some = said.take(np.arange(50, 70))
    flags = np.array(["a", "b"] * 150)
    report = evaluate(some, truth, columns={"flag": flags}, subset=True, replicates=5)
    assert len(report.truth) == 20
    assert report.truth.paths == some.paths
    assert report.score("within 25 km").estimate.value == 100.0
    assert any("as was asked for" in note for note in report.notes)


def test_a_table_of_few_of_the_photos_is_refused_with_what_to_do() -> None:
    said, truth, _ = planted()
    with pytest.raises(GraticuleError, match=r"leaky: 29 of the 300 photos.*--subset"):
        evaluate(said.take(np.arange(29)), truth, replicates=5)
