"""S3's tables, on answers that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graticule.systems import city_report
from graticule.systems.city_report import CityEvidence


def evidence() -> CityEvidence:
    true = np.array(["FR:Paris", "FR:Paris", "JP:Tokyo", "JP:Tokyo", "", ""])
    said = np.array(["FR:Paris", "JP:Tokyo", "JP:Tokyo", "JP:Tokyo", "JP:Tokyo", "FR:Paris"])
    gain = np.array([2.0, 0.1, 1.5, 1.0, 0.2, 1.2])
    return CityEvidence(true, said, np.full(6, 0.9), gain, gain >= 0.5, np.arange(6))


def test_accuracy_confusion_and_the_city_that_swallows() -> None:
    found = city_report.tables(evidence())
    assert (found["photos"], found["accuracy"]) == (4, 0.75)
    assert found["cities"]["FR:Paris"] == {"photos": 2, "accuracy": 0.5, "wrongly_said": 0}
    assert found["confusion"] == [[1, 1], [0, 2]]
    assert (found["swallows"], found["swallowed_share_of_errors"]) == ("JP:Tokyo", 1.0)


def test_elsewhere() -> None:
    other = city_report.tables(evidence())["elsewhere"]
    assert other["photos_of_other_cities"] == 2
    assert other["others_called_elsewhere"] == 0.5
    assert other["own_called_elsewhere"] == 0.25
    assert other["accuracy_where_answered"] == 1.0
    # Of the 8 pairs of own and other, own has the larger gain in 5.
    assert other["auroc"] == pytest.approx(5 / 8)


def test_pages_and_pools() -> None:
    page = city_report.markdown(city_report.tables(evidence()))
    assert "Accuracy 75.0 % on 4 photos" in page
    assert "JP:Tokyo swallows most" in page
    assert city_report.tables(city_report.pooled([evidence()] * 3))["photos"] == 12


def test_splits_stand_beside_one_another() -> None:
    one = city_report.tables(evidence()) | {"rows": "test"}
    wrong = replace(evidence(), said=np.full(6, "JP:Tokyo"))
    two = city_report.tables(wrong) | {"rows": "test"}
    page = city_report.beside({"split_random": one, "split_photographer": two})
    assert "| split_random (photos) | split_photographer (photos) | split_photographer −" in page
    assert "| all photos | 75.0 % (4) | 50.0 % (4) | -25.0 points |" in page
    assert "| FR:Paris | 50.0 % (2) | 0.0 % (2) | -50.0 points |" in page
    assert "Judged" not in page
    gone = two | {"cities": {"JP:Tokyo": two["cities"]["JP:Tokyo"]}, "rows": "validation"}
    page = city_report.beside({"a": one, "b": gone, "c": one})
    assert "| FR:Paris | 50.0 % (2) | – (0) | 50.0 % (2) | – | +0.0 points |" in page
    assert "b on its validation photos" in page


def test_what_was_not_judged_is_told() -> None:
    some = replace(evidence(), never_shown={"IT:Venice": 2}, unknown=3)
    more = replace(evidence(), never_shown={"IT:Venice": 1, "IN:Mumbai": 4})
    found = city_report.tables(city_report.pooled([some, more]))
    assert found["never_shown"] == {"IN:Mumbai": 4, "IT:Venice": 3}
    assert found["city_unknown"] == 3
    page = city_report.markdown(found)
    assert "no training photo shows the city: IN:Mumbai (4), IT:Venice (3)." in page
    assert "nobody knows their city: 3 photos." in page
    assert "Not judged" not in city_report.markdown(city_report.tables(evidence()))
