"""Charts: the drawn numbers are the given ones, inside the frame, without any extra."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.draw import charts
from graticule.draw.axis import Axis

SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def parts(text: str, kind: str) -> list[ET.Element]:
    """Elements that have the class ``kind``."""
    return [e for e in ET.fromstring(text).iter() if kind in e.get("class", "").split()]


def told(text: str) -> list[str]:
    return [e.text or "" for e in ET.fromstring(text).iter(f"{SVG}title")]


def path_points(element: ET.Element) -> list[tuple[float, float]]:
    numbers = [float(n) for n in _NUMBER.findall(element.get("d", ""))]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def scale(text: str, side: str) -> np.poly1d:
    """From pixels of a side, x or y, back to values, by the numbers beside the ticks."""
    kind, beside = ("middle", 0.0) if side == "x" else ("end", 4.5)
    ticks = []
    for label in parts(text, kind):
        words = (label.text or "").replace(",", "")
        if re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", words):
            ticks.append((float(label.get(side, "")) - beside, float(words)))
    return np.poly1d(np.polyfit(*np.transpose(ticks), 1))


_POINTS = st.lists(
    st.tuples(st.floats(0, 100), st.floats(-50, 4000)), min_size=2, max_size=40
).filter(lambda points: np.ptp([y for _, y in points]) > 1)


@given(_POINTS)
def test_a_line_runs_through_its_points(points: list[tuple[float, float]]) -> None:
    xs, ys = zip(*points, strict=True)
    text = charts.lines({"one": (xs, ys)}, x=Axis("a", "%", span=(0, 100)), y=Axis("b"))
    to_x, to_y = scale(text, "x"), scale(text, "y")
    drawn = path_points(parts(text, "line")[0])
    # A pixel has one decimal, and the numbers beside the ticks have three figures.
    close = 0.01 * max(np.ptp(ys), np.abs(ys).max())
    assert [to_x(a) for a, _ in drawn] == pytest.approx(xs, abs=0.1)
    assert [to_y(b) for _, b in drawn] == pytest.approx(ys, abs=close)
    assert len(told(text)) == len(points)


def test_points_are_told_in_words_and_dots_stand_where_ticks_are_asked_for() -> None:
    x = np.geomspace(1, 1000, 50)
    xs = np.union1d(x, [25, 200])
    axis = Axis("error", "km", log=True, ticks=(1, 25, 200, 1000))
    text = charts.lines({"all": (xs, xs / 10)}, x=axis, y=Axis("photos", "%"))
    assert len(parts(text, "dot")) == 4
    assert "error 25 km, photos 2.5 %" in told(text)
    assert "error 200 km, photos 20 %" in told(text)


def test_several_lines_have_their_names_and_look_different() -> None:
    series = {"<top>": ([1, 2], [3.0, 4.0]), "b": ([1, 2], [4.0, np.nan]), "none": ([1], [np.nan])}
    text = charts.lines(series, x=Axis("n"), y=Axis("right", "%"))
    assert [e.text for e in parts(text, "name")] == ["<top>", "b"]
    assert "<top>: n 1, right 3 %" in told(text)
    assert len(parts(text, "dot")) == 3
    assert all(parts(text, f"s{i}") for i in (0, 1))


def test_the_diagonal_runs_where_both_axes_agree() -> None:
    text = charts.lines(
        {"r": ([50, 90], [40, 97])}, x=Axis("said", "%"), y=Axis("right", "%"), diagonal=True
    )
    to_x, to_y = scale(text, "x"), scale(text, "y")
    for x, y in path_points(parts(text, "equal")[0]):
        assert to_x(x) == pytest.approx(to_y(y), abs=0.1)


def test_bars_are_as_long_as_their_values_and_end_in_them() -> None:
    values = {"mini": 28.0, "a <name> longer than there is room for": 5.5, "none": 0.0}
    text = charts.bars(values, x=Axis("within", "%"), intervals={"mini": (24.0, 31.0)})
    to_x = scale(text, "x")
    drawn = parts(text, "bar")
    starts = [float(e.get("x", "")) for e in drawn]
    ends = [float(e.get("x", "")) + float(e.get("width", "")) for e in drawn]
    assert [to_x(x) for x in starts] == pytest.approx([0, 0, 0], abs=0.05)
    assert [to_x(x) for x in ends] == pytest.approx(list(values.values()), abs=0.05)
    low, high = (
        float(n) for n in re.findall(r"[MH]([\d.]+)", parts(text, "interval")[0].get("d", ""))[:2]
    )
    assert (to_x(low), to_x(high)) == pytest.approx((24, 31), abs=0.1)
    assert told(text)[0] == "mini: within 28 %, 95 % interval 24 to 31"
    assert told(text)[1] == "a <name> longer than there is room for: within 5.5 %"


def test_a_matrix_tells_and_shades_each_rows_shares() -> None:
    text = charts.confusion(
        [[3, 1, 0], [0, 0, 4], [0, 0, 0]],
        ["FR", "DE", "NO"],
        ["FR", "DE", "elsewhere"],
        x="answered",
        y="true",
    )
    cells = parts(text, "cell")
    shade = [float(cell.get("fill-opacity", "")) for cell in cells]
    assert told(text)[:3] == [
        "FR, answered FR: 3 of 4, 75 %",
        "FR, answered DE: 1 of 4, 25 %",
        "FR, answered elsewhere: 0 of 4, 0 %",
    ]
    assert [e.text for e in parts(text, "share")] == ["75", "25", "100"]
    assert shade[5] > shade[0] > shade[1] > shade[2] == 0
    assert shade[6:] == [0, 0, 0]


def test_nothing_leaves_the_frame() -> None:
    names = [f"a country with a long name {i}" for i in range(15)]
    texts = (
        charts.lines(
            {name: ([1e-3, 5, 2e6], [-3, 1e5, 7]) for name in names},
            x=Axis("n", log=True),
            y=Axis("m", "km"),
        ),
        charts.bars(
            dict.fromkeys(names, 1234.5),
            x=Axis("error", "km"),
            intervals={names[0]: (-10, 99999)},
        ),
        charts.confusion(np.full((15, 15), 99_999), names, names, x="said", y="true"),
    )
    for text in texts:
        root = ET.fromstring(text)
        _, _, wide, high = map(float, root.get("viewBox", "").split())
        for e in root.iter():
            x, y = (float(e.get(a) or e.get(f"c{a}") or 0) for a in "xy")
            assert 0 <= x + float(e.get("width", 0) if e is not root else 0) <= wide
            assert 0 <= y + float(e.get("height", 0) if e is not root else 0) <= high
        ends = [e for kind in ("line", "interval", "grid") for e in parts(text, kind)]
        for a in (float(n) for e in ends for n in re.findall(r"[MHL](-?[\d.]+)", e.get("d", ""))):
            assert 0 <= a <= wide


def test_colours_are_the_pages_and_bytes_are_the_same_every_time() -> None:
    def draw() -> str:
        return charts.bars({"a": 1.0}, x=Axis("n"))

    assert "var(--ink" in draw()
    assert "prefers-color-scheme" not in draw()  # the page decides
    assert draw() == draw()


def test_no_extra_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    assert charts.bars({"a": 1.0}, x=Axis("n")).startswith("<svg")


def test_numbers_that_would_collide_are_thinned_evenly() -> None:
    text = charts.bars({"x" * 20: 4091.0}, x=Axis("GeoScore"), intervals={})
    shown = [e.text for e in parts(text, "middle")][:-1]
    assert shown == ["0", "2,000", "4,000"]
    assert len(parts(text, "grid")) == 6
