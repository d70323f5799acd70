"""Axes: round ticks that hold the values, and places that keep their order."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graticule.draw.axis import Axis, number

_VALUES = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=20)
_POSITIVE = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=20)


@given(_VALUES, st.booleans())
@example([1.0, 1.0000000000000002], False)
@example([1e6, 1e6 + 20], False)
def test_ticks_are_few_and_round_and_the_values_lie_between_them(
    values: list[float], percent: bool
) -> None:
    axis = Axis("share", "%", span=(0, 100) if percent else None).over(values)
    assert axis.span is not None
    close = 1e-9 * max(map(abs, axis.span))
    assert axis.span[0] <= min(values) + close
    assert max(values) <= axis.span[1] + close
    assert 2 <= len(axis.ticks) <= 8
    assert list(axis.ticks) == sorted(set(axis.ticks))
    steps = [b - a for a, b in zip(axis.ticks, axis.ticks[1:], strict=False)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-6)
    assert f"{steps[0]:.0e}"[0] in "125"


@given(_POSITIVE)
@example([0.0014792213439941406, 0.0014792213439941409])
def test_places_keep_the_order_of_values_by_factors_too(values: list[float]) -> None:
    for axis in (Axis("km").over(values), Axis("km", log=True).over(values)):
        places = [axis.share(value) for value in sorted(values)]
        assert places == sorted(places)
        assert places[0] >= -1e-9
        assert places[-1] <= 1 + 1e-9


def test_equal_factors_take_equal_room() -> None:
    axis = Axis("error", "km", log=True).over([3, 700])
    assert axis.ticks == (1, 10, 100, 1000)
    assert axis.share(10) == pytest.approx(1 / 3)
    assert axis.share(100) == pytest.approx(2 / 3)


def test_ticks_that_are_asked_for_are_kept() -> None:
    axis = Axis("error", "km", log=True, ticks=(1, 25, 200, 20_000)).over([2, 900])
    assert axis.ticks == (1, 25, 200, 20_000)
    assert axis.span == (1, 20_000)


def test_values_are_told_with_three_figures_and_their_unit() -> None:
    assert Axis("error", "km").told(2500) == "error 2,500 km"
    assert Axis("photos").told(0.04123) == "photos 0.0412"
    assert [number(v) for v in (28.04, 4091.4, 99.96)] == ["28", "4,091", "100"]
