"""Probabilities of one, percent, and what is neither."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.errors import GraticuleError
from graticule.evaluation.probabilities import confidence, shares

FILE = Path("p.csv")


def read(*texts: str) -> tuple[tuple[tuple[float, ...], ...], list[str]]:
    notes: list[str] = []
    return shares(texts, [f"{i}.jpg" for i in range(len(texts))], FILE, notes), notes


@given(st.lists(st.lists(st.integers(0, 1000), min_size=1, max_size=5), min_size=1, max_size=5))
def test_percent_and_shares_of_one_distribution_are_read_alike(weights: list[list[int]]) -> None:
    rows = [[w / sum(row) for w in row] for row in weights if sum(row)]
    if not rows:
        return
    one, quiet = read(*(";".join(f"{p:.6f}" for p in row) for row in rows))
    assert quiet == []
    percent, notes = read(*(";".join(f"{100 * p:.4f}" for p in row) for row in rows))
    for a, b in zip(one, percent, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)
    assert len(notes) == 1
    assert max(p for row in percent for p in row) <= 1


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (("0.5;0.1", "97"), "97"),  # one of many: no percent
        (("3.1;2.2", "1.5;0.4"), "3.1"),  # logits
        (("-0.1;-3.2",), "-0.1"),  # logarithms
        (("101.5;0",), "101.5"),
        (("60;60", "60;60"), "60"),
    ],
)
def test_what_is_neither_is_refused_by_name(texts: tuple[str, ...], value: str) -> None:
    with pytest.raises(GraticuleError, match=rf"p\.csv: \d\.jpg: {value} is no probability"):
        read(*texts)


def test_rounding_is_forgiven_and_never_scores_above_certainty() -> None:
    found, notes = read("1.0000001", "0.3334;0.3334;0.3334")
    assert found[0] == (1.0,)
    assert notes == []


def test_what_is_no_number_and_what_sums_to_too_much_is_said() -> None:
    found, notes = read("0.9;0.8", "97%", "", "0.5")
    assert found == ((0.9, 0.8), (), (), (0.5,))
    assert "1 photo has probabilities that are no numbers, taken for none: 1.jpg (97%)" in notes
    assert any("1 photo sum to more than 1" in note for note in notes)


@pytest.mark.parametrize(
    ("given", "wanted", "words"),
    [
        ([0.2, np.nan, 1.0], [0.2, np.nan, 1.0], None),
        ([20.0, np.nan, 97.0], [0.2, np.nan, 0.97], "taken for percent"),
        ([-3.0, 2.0, np.nan], [-3.0, 2.0, np.nan], "it ranks answers"),
    ],
)
def test_confidence_of_any_scale_ranks(
    given: list[float], wanted: list[float], words: str | None
) -> None:
    notes: list[str] = []
    np.testing.assert_allclose(confidence(np.array(given), "score", notes), wanted)
    assert [words in note for note in notes] == ([True] if words else [])
