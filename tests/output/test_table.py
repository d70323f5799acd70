"""The table: whole and plain in a pipe, within its width on a terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from graticule.answer import Answer, Place
from graticule.output.table import TableWriter, bar


def lines(answers: list[Answer]) -> list[str]:
    handle = io.StringIO()
    table = TableWriter(handle)
    for answer in answers:
        table.write(answer)
    table.finish()
    return handle.getvalue().splitlines()


def test_a_pipe_gets_plain_whole_lines(answers: list[Answer]) -> None:
    found = lines([*answers, answers[0].model_copy(update={"photo": "long/" * 60 + "a.jpg"})])
    assert len(found) == 8
    assert "long/" * 60 + "a.jpg" in found[-1]
    assert not any("\x1b" in line for line in found)
    assert re.search(r"china\.jpg +China +█+.* 71 % +Beijing +±640 km", found[1])
    assert "indoors: nothing outside is seen" in found[4]
    assert found[5].endswith("not an image")
    assert "Ghana" in found[6]


def test_the_smallest_place_that_is_sure_is_named(beijing: Answer) -> None:
    state, district = (
        Place(code="IN-KA", name="Karnataka", probability=0.7),
        Place(code="IN-KA/Mysuru", name="Mysuru", probability=0.4),
    )
    unsure = beijing.model_copy(
        update={"cities": (), "regions": (state,), "districts": (district,)}
    )
    sure = unsure.model_copy(
        update={"districts": (district.model_copy(update={"probability": 0.6}),)}
    )
    found = lines([unsure, sure])
    assert "Karnataka" in found[1]
    assert "Mysuru" in found[2]
    assert "Karnataka" not in found[2]


def test_another_likely_place_and_another_scene_that_spoke_are_named(torn: Answer) -> None:
    found = lines([torn])
    assert found[1].endswith("or Tokyo, Japan (31 %); scene coast spoke")
    unlikely = torn.hypotheses[1].model_copy(update={"probability": 0.05})
    sure = torn.model_copy(update={"hypotheses": (torn.hypotheses[0], unlikely), "spoke": "city"})
    assert lines([sure])[1].endswith("±640 km")


def test_columns_line_up(answers: list[Answer]) -> None:
    found = lines(answers)
    start = found[0].index("country")
    assert found[1].index("China") == found[2].index("Fiji") == start


def test_many_rows_come_out_as_they_are_answered(beijing: Answer) -> None:
    handle = io.StringIO()
    table = TableWriter(handle)
    for _ in range(100):
        table.write(beijing)
    assert handle.getvalue().count("China") == 100


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_keeps_its_width(answers: list[Answer], width: int) -> None:
    handle = io.StringIO()
    table = TableWriter(handle)
    table._console = Console(file=handle, force_terminal=True, width=width, color_system=None)
    for answer in answers:
        table.write(answer.model_copy(update={"photo": "漢字/" * 30 + answer.photo}))
    table.finish()
    rows = handle.getvalue().splitlines()[: len(answers) + 1]
    assert all(cell_len(row) <= max(width, 72) for row in rows)
    assert "estimates" in handle.getvalue().lower()


def test_the_bar_grows_with_the_probability() -> None:
    drawn = [bar(p).plain for p in (0.001, 0.3, 0.999, 1.0)]
    assert [line.count("█") for line in drawn] == [0, 3, 10, 10]
    assert drawn[0].startswith("▏")
    assert drawn[0].endswith("<1 %")
    assert drawn[2].endswith(">99 %")
    assert len({len(line) for line in drawn}) == 1
