"""Systems beside each other: on tables computed by hand, and what is refused."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from graticule.errors import GraticuleError
from graticule.evaluation import compare_page
from graticule.evaluation.compare import TESTED, Entry, compare
from graticule.evaluation.cost import Cost
from graticule.evaluation.predictions import Predictions
from graticule.evaluation.truth import Truth


def truth(n: int = 40) -> Truth:
    latlon = np.stack([np.zeros(n), np.arange(n) % 7.0], axis=1)
    latlon[-4:] = np.nan
    columns = {"country": np.array(["GA", "FR", "IT", "CL"] * (n // 4))}
    return Truth(tuple(f"{i}.jpg" for i in range(n)), latlon, columns)


def says(name: str, right: int, judged: Truth, off: float = 1.0) -> Predictions:
    """The first ``right`` countries named first, the others second; ``off`` degrees away."""
    true = judged.countries()
    named = tuple((c, "XX") if i < right else ("XX", c) for i, c in enumerate(true))
    point = np.where(np.isnan(judged.latlon), 0.0, judged.latlon) + np.array([0.0, off])
    return Predictions(name, judged.paths, point, named)


def entries(judged: Truth) -> list[Entry]:
    better, worse = says("better", 30, judged, 1.0), says("worse", 6, judged, 9.0)
    return [
        Entry("better", (better,), Cost(12_345_678, 6.5, 31.0), "the one"),
        Entry("worse", (worse,)),
    ]


def test_scores_and_paired_tests_of_the_hand_made_table() -> None:
    judged = truth()
    found = compare(entries(judged), judged, replicates=200)
    assert (found.photos, found.located) == (40, 36)
    better, worse = found.rows
    assert better.scores["country top-1"].value == 75.0
    assert worse.scores["country top-1"].value == 15.0
    assert better.scores["country top-5"].value == 100.0
    assert better.scores["median error"].value == pytest.approx(111.195, abs=0.01)
    none = worse.scores["within 750 km"]
    assert (none.value, none.low) == (0.0, 0.0)
    # None of 36 photos.
    assert none.high == pytest.approx(100 * (1 - 0.025 ** (1 / 36)))
    by_score = {pair.score: pair for pair in found.pairs}
    assert by_score["country top-1"].difference.estimate.value == 60.0
    # 24 photos that only the first got right: 2 / 2^24.
    assert by_score["country top-1"].mcnemar == pytest.approx(2 / 2**24)
    assert by_score["country top-5"].mcnemar == 1.0
    assert by_score["median error"].better
    assert found.is_first("better", "GeoScore")
    assert not found.is_first("better", "country top-5")
    turned = compare(entries(judged)[::-1], judged, replicates=200)
    assert not any(pair.better for pair in turned.pairs)


def test_a_system_can_be_first_of_many_and_its_bounds_are_called_so() -> None:
    judged = truth(80)
    many = [Entry("best", (says("best", 80, judged, 0.1),))] + [
        Entry(f"system {k}", (says(f"system {k}", 8, judged, 5.0 + k),)) for k in range(9)
    ]
    # The same as the best in the country, and nearly as near.
    close = says("close", 76, judged, 0.1)
    found = compare([*many, Entry("close", (close,))], judged, replicates=200)
    assert len(found.pairs) == 40
    # Two hundred replicates for each of forty tests: 1 / 8,001 is the least p, corrected 40 times.
    of_others = [p for p in found.pairs if p.second != "close" and p.score != "country top-5"]
    assert all(pair.bounded and pair.corrected < 0.03 for pair in of_others)
    assert not found.is_first("best", "country top-1")
    alone = compare(many, judged, replicates=200)
    assert alone.is_first("best", "country top-1")
    assert alone.is_first("best", "median error")
    assert alone.is_first("best", "GeoScore")
    lines = compare_page.markdown(found).splitlines()
    told = next(line for line in lines if line.startswith("| system 0 | country top-1"))
    assert told.split(" | ")[4:6] == ["< 0.0002", "< 0.0050"]
    near = next(pair for pair in found.pairs if pair.second == "close" and "top-1" in pair.score)
    assert not near.bounded
    assert near.difference.p_value == pytest.approx(2 / 2**4, abs=0.01)
    told = next(line for line in lines if line.startswith("| close | country top-1"))
    assert told.split(" | ")[4] == f"{near.difference.p_value:.4f}"


def test_a_bound_that_says_nothing_is_not_called_one() -> None:
    # Of three clusters not even the floor of a median's p is small, corrected it is 1.
    judged = truth()
    names = np.array(["a", "b", "c", "c"] * 10)
    found = compare(entries(judged), judged, clusters=names, replicates=50)
    medians = next(pair for pair in found.pairs if pair.score == "median error")
    assert medians.difference.at_floor
    assert medians.corrected > 0.05
    told = compare_page.markdown(found)
    assert "< 1.0000" not in told
    assert not any(found.is_first("better", score) for score in TESTED)


def test_runs_of_one_system_count_with_their_mean() -> None:
    judged = truth()
    twice = Entry("two seeds", (says("a", 40, judged), says("b", 0, judged)))
    found = compare([twice, entries(judged)[1]], judged, replicates=20)
    assert found.row("two seeds").scores["country top-1"].value == 50.0
    assert found.row("two seeds").runs == 2


def test_photos_that_one_system_lacks_are_left_out_for_all_and_counted() -> None:
    judged = truth()
    better, worse = entries(judged)
    short = Entry("short", (worse.runs[0].take(np.arange(30)),))
    found = compare([better, short], judged, replicates=20)
    assert found.photos == 30
    assert found.row("better").scores["country top-1"].value == 100.0
    assert any("10 of 40 photos lack a prediction" in note for note in found.notes)


def test_order_of_the_photos_changes_nothing() -> None:
    judged = truth()
    turn = np.random.default_rng(0).permutation(40)
    one = compare(entries(judged), judged, replicates=20)
    two = compare(entries(judged), judged.take(turn), replicates=20)
    for a, b in zip(one.rows, two.rows, strict=True):
        assert {k: e.value for k, e in a.scores.items()} == pytest.approx(
            {k: e.value for k, e in b.scores.items()}, nan_ok=True
        )


def test_tables_without_countries_or_without_points_keep_what_they_have() -> None:
    judged = truth()
    point = Predictions("points", judged.paths, says("a", 1, judged).latlon)
    named = Predictions(
        "names", judged.paths, np.full((40, 2), np.nan), says("a", 9, judged).countries
    )
    found = compare([Entry("points", (point,)), Entry("names", (named,))], judged, replicates=20)
    assert np.isnan(found.row("points").scores["country top-1"].value)
    assert np.isnan(found.row("names").scores["GeoScore"].value)
    assert found.pairs == ()


@pytest.mark.parametrize(
    ("names", "tested", "words"),
    [
        (["a"], None, "two systems or more"),
        (["a", "a"], None, "two systems are called 'a'"),
        (["a", "b"], "c", "no system 'c' to test; there are a, b"),
    ],
)
def test_what_cannot_be_compared_is_said(names: list[str], tested: str | None, words: str) -> None:
    judged = truth()
    some = [Entry(name, (says(name, 3, judged),)) for name in names]
    with pytest.raises(GraticuleError, match=words):
        compare(some, judged, tested=tested)


def test_no_photo_in_common_is_said() -> None:
    judged = truth()
    first, second = says("a", 3, judged), says("b", 3, judged)
    half = [Entry("a", (first.take(np.arange(20)),)), Entry("b", (second.take(np.arange(20, 40)),))]
    with pytest.raises(GraticuleError, match="no photo has a prediction of every system"):
        compare(half, judged)


def test_what_is_wrong_with_a_table_is_said_of_that_table() -> None:
    judged = truth()
    fine, other = says("a", 3, judged), says("b", 3, judged)
    stranger = replace(other, paths=tuple(f"elsewhere{i}" for i in range(len(judged))))
    with pytest.raises(GraticuleError, match=r"^b: the predictions and the manifest have no photo"):
        compare([Entry("a", (fine,)), Entry("b", (stranger,))], judged)
    lost = other.latlon.copy()
    lost[0] = [95.0, 10.0]
    found = compare(
        [Entry("a", (fine,)), Entry("b", (replace(other, latlon=lost),))], judged, replicates=20
    )
    assert any(note.startswith("b: 1 prediction is no place on Earth") for note in found.notes)


def test_equal_scores_are_not_called_worse() -> None:
    judged = truth()
    same = [Entry(name, (says(name, 3, judged),)) for name in "ab"]
    assert "worse" not in compare_page.markdown(compare(same, judged, replicates=20))


def test_a_page_of_one_comparison_says_its_title_once(tmp_path: Path) -> None:
    found = compare(entries(truth()), truth(), title="Systems", replicates=20)
    assert "<h2>Systems</h2>" not in compare_page.html([found], "Systems")
    assert "<h2>Systems</h2>" in compare_page.html([found], "Several")


def test_the_page_opens_offline_and_markup_in_names_is_text(tmp_path: Path) -> None:
    judged = truth()
    first, second = entries(judged)
    wild = Entry("<script>alert(1)</script>", second.runs)
    page = compare_page.write([compare([first, wild], judged, replicates=20)], tmp_path, "Systems")
    text = page.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert not re.search(r"""(src|href)=["']?https?:""", text)
    HTMLParser().feed(text)
    told = (tmp_path / "compare.md").read_text(encoding="utf-8")
    assert "| better | 75.0" in told
    assert "12.35 M parameters, 6.5 MB, 31 ms" in told
    assert (tmp_path / "compare.json").is_file()


def test_bars_and_curves_are_drawn_from_the_table_without_any_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    judged = truth()
    found = compare(entries(judged), judged, replicates=20)
    curve = {"better": ([100, 200], [40.0, 75.0]), "worse": ([100, 200], [10.0, 15.0])}
    text = compare_page.html([replace(found, curves={"country top-1": curve})], "Systems")
    assert "<title>better: country top-1 75 %, 95 % interval " in text
    assert "<title>worse: country top-1 15 %, 95 % interval " in text
    assert "<title>better: median error 111 km, " in text
    assert "<title>better: photos learned from 200, country top-1 75 %</title>" in text
    assert text.count('class="chart"') == 5
