"""A whole evaluation of a small table, and what it refuses to hide."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from graticule import sphere
from graticule.errors import GraticuleError
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
    named = (("Narnia",), ("FRA", "fr"), *((("France",),) * 298))
    report = evaluate(replace(predictions, countries=named), truth, replicates=20)
    assert any(
        note.startswith("named as a country but none") and note.endswith(": Narnia, FRA")
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
