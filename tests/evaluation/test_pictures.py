"""The pictures of a report: there in the base install, and drawn from the report's own numbers."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from graticule import atlas, sphere
from graticule.evaluation import pictures
from graticule.evaluation.page import page
from graticule.evaluation.predictions import Predictions
from graticule.evaluation.report import Report, evaluate
from graticule.evaluation.truth import Truth

SVG = "{http://www.w3.org/2000/svg}"
#: A point well inside each country.
PLACES = {"GR": (39.6, 21.9), "FR": (46.6, 2.4), "IN": (22.5, 79.0), "NO": (61.3, 9.5)}
TITLES = (
    "Where the errors are",
    "Errors",
    "Calibration",
    "Radii",
    "Answering fewer photos",
    "Countries mistaken for one another",
)


def judged(n: int = 200) -> tuple[Predictions, Truth]:
    """Photos in four countries; three of four are answered near by, the others elsewhere."""
    rng = np.random.default_rng(0)
    codes = list(PLACES)
    true = rng.choice(codes, n, p=[0.4, 0.3, 0.2, 0.1])
    said = np.where(rng.random(n) < 0.75, true, rng.choice(codes, n))
    latlon = np.array([PLACES[code] for code in true])
    point = sphere.offset(
        np.array([PLACES[code] for code in said]), rng.uniform(0, 360, n), rng.uniform(0, 90, n)
    )
    truth = Truth(tuple(f"{i}.jpg" for i in range(n)), latlon, {"country": true})
    named = tuple((str(code), *(c for c in codes if c != code)) for code in said)
    radii = {50: rng.uniform(20, 100, n), 90: rng.uniform(60, 4000, n)}
    sure = rng.uniform(0.2, 1, n)
    return Predictions("one", truth.paths, point, named, radius_km=radii, confidence=sure), truth


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(*judged(), replicates=20)


def told(text: str) -> list[str]:
    return [e.text or "" for e in ET.fromstring(text).iter(f"{SVG}title")]


def numbers(text: str) -> list[tuple[float, float]]:
    """The two values in the words of each point of a chart of lines."""
    found = (re.search(r"([\d.,]+) (?:km|%), [a-z]+ ([\d.]+) %$", words) for words in told(text))
    return [(float(m[1].replace(",", "")), float(m[2])) for m in found if m]


@pytest.mark.parametrize("with_extra", [True, False])
def test_every_picture_is_on_the_page(
    monkeypatch: pytest.MonkeyPatch, report: Report, with_extra: bool
) -> None:
    if not with_extra:
        for name in [n for n in sys.modules if n.partition(".")[0] == "matplotlib"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "matplotlib", None)
    text = page(report)
    for title in TITLES:
        assert re.search(rf"<figure[^>]*><h3>{title}</h3><svg ", text), title
    assert "Not drawn" not in text


def test_what_the_data_do_not_allow_is_named_with_what_it_takes() -> None:
    predictions, truth = judged()
    bare = Predictions("bare", truth.paths, predictions.latlon)
    text = page(evaluate(bare, truth, replicates=20))
    for title in TITLES[:2] + TITLES[-1:]:
        assert re.search(rf"<figure[^>]*><h3>{title}</h3><svg ", text), title
    note = re.search(r'<p class="note">Not drawn: (.*?)</p>', text)
    assert note
    assert all(f"{title} (needs " in note[1] for title in TITLES[2:5])


def test_the_error_curve_is_the_table_at_each_threshold(report: Report) -> None:
    drawn = dict(numbers(pictures.error_curve(report)))
    for limit in (1, 25, 200, 750, 2500):
        share = report.score(f"within {limit} km").estimate.value
        assert drawn[limit] == pytest.approx(share, rel=0.005)


def test_the_confusion_counts_are_those_of_the_answers(report: Report) -> None:
    text = pictures.confusion(report)
    first = [names[0] for names in report.predictions.countries]
    counts = Counter(zip(report.truth.countries().tolist(), first, strict=True))
    cells = [re.match(r"(\w+), answered (\w+): (\d+) of", words) for words in told(text)]
    drawn = {(m[1], m[2]): int(m[3]) for m in cells if m}
    assert len(drawn) == 16
    assert drawn == {pair: counts[pair] for pair in drawn}


def test_answers_without_a_row_and_silence_are_a_column_each() -> None:
    predictions, truth = judged()
    named = tuple(
        ("CL",) if i < 10 else () if i < 15 else c for i, c in enumerate(predictions.countries)
    )
    report = evaluate(replace(predictions, countries=named), truth, replicates=20)
    cells = [
        re.match(r"(\w+), answered (\w+): (\d+) of", w) for w in told(pictures.confusion(report))
    ]
    drawn = {(m[1], m[2]): int(m[3]) for m in cells if m}
    assert len(drawn) == 4 * 6
    assert sum(count for (_, said), count in drawn.items() if said == "other") == 10
    assert sum(count for (_, said), count in drawn.items() if said == "none") == 5
    right = sum(drawn[code, code] for code in PLACES)
    assert 100 * right / sum(drawn.values()) == report.score("country top-1").estimate.value


def test_the_coverage_is_that_of_the_table(report: Report) -> None:
    drawn = dict(numbers(pictures.coverage(report)))
    assert drawn == {
        level: pytest.approx(
            report.score(f"coverage of the {level} % radius").estimate.value, rel=0.005
        )
        for level in (50, 90)
    }


def test_answering_every_photo_is_the_accuracy_of_the_table(report: Report) -> None:
    drawn = [words for words in told(pictures.abstention(report)) if "answered 100 %" in words]
    for words, k in zip(drawn, (1, 5), strict=True):
        share = report.score("country top-1").estimate.value if k == 1 else 100.0
        assert words.startswith(f"top-{k}: ")
        assert float(words.split()[-2]) == pytest.approx(share, rel=0.005)


def test_one_named_country_makes_one_line() -> None:
    predictions, truth = judged()
    one = replace(predictions, countries=tuple(c[:1] for c in predictions.countries))
    words = told(pictures.abstention(evaluate(one, truth, replicates=20)))
    assert words
    assert not any("top-5" in w for w in words)


def test_the_bins_of_the_calibration_hold_all_photos(report: Report) -> None:
    drawn = np.array(numbers(pictures.reliability(report)))
    assert len(drawn) == 10  # of twenty photos each
    mean = 100 * report.predictions.confidence.mean(), report.score("country top-1").estimate.value
    assert drawn.mean(axis=0) == pytest.approx(mean, rel=0.005)
    assert (np.diff(drawn[:, 0]) > 0).all()


def test_codes_names_and_points_of_the_same_answers_make_the_same_pictures() -> None:
    predictions, truth = judged()
    first = [names[0] for names in predictions.countries]
    forms = (
        tuple((code,) for code in first),
        tuple((code.lower(),) for code in first),
        tuple((atlas.country_name(code),) for code in first),
        (),  # the points lie in the same countries
    )
    reports = [evaluate(replace(predictions, countries=f), truth, replicates=20) for f in forms]
    drawn = {pictures.confusion(report) for report in reports}
    assert len(drawn) == 1
    assert "other" not in drawn.pop()
    captions = {
        tuple(re.findall(r"<figcaption>([^<]* → [^<]*)<", page(report))) for report in reports
    }
    (one,) = captions
    assert all(re.match(r"[A-Z]{2} → [A-Z]{2}, ", words) for words in one)
