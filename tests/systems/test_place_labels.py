"""Attributes: what a manifest's columns and the atlas give to learn beside the cells."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.errors import RecipeError
from graticule.systems.place_labels import FEWEST, place_labels
from s2_plan import TEST, TOWN, carried_out, rows

pytest.importorskip("sklearn")

ALL = np.ones(80, bool)
#: What a sign says, by town; one is seen too seldom, half of them are not written down.
SIGNS = np.where(np.arange(80) % 2, np.array(["BEST", "MTC", "WBTC", "RSRTC"])[TOWN], "")
SIGNS[[0, 2]] = "KSRTC"


def test_any_column_of_text_is_an_attribute() -> None:
    told, notes = place_labels(rows(columns={"sign": SIGNS}), ALL, ["sign"])
    outcomes, target = told["column:sign"]
    assert outcomes == ("BEST", "MTC", "RSRTC", "WBTC")
    assert (target[1::2] >= 0).all()
    assert (target[SIGNS == ""] == -1).all()
    assert (target[[0, 2]] == -1).all()
    assert notes == [
        f"Attribute sign: values of fewer than {FEWEST} training photos are taken as unknown: 1."
    ]


def test_a_column_of_which_no_value_has_enough_photos_is_left_out() -> None:
    each = np.arange(80).astype(str)
    told, notes = place_labels(rows(columns={"sign": each}), ALL, ["sign"])
    assert not told
    assert notes[-1] == "Attribute sign left out: 0 value in the training photos."


def test_languages_are_the_states_own_or_the_columns() -> None:
    language = np.full(80, "", dtype="<U8")
    language[:10] = "sa"
    told, _ = place_labels(rows(columns={"language": language}), ALL, ["language"])
    outcomes, target = told["language"]
    # Rajasthan, Tamil Nadu, West Bengal, Maharashtra.
    assert [outcomes[target[i]] for i in (0, 15, 25, 45, 65)] == ["sa", "hi", "ta", "bn", "mr"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("smell", r"'smell': the manifest has no such column; .*climate.*language"),
        ("lat", "a column of numbers"),
        ("scene_p", "a column of numbers"),
    ],
)
def test_what_is_no_column_of_text_is_named(name: str, words: str) -> None:
    table = rows(columns={"scene_p": np.full(80, "0.5")})
    with pytest.raises(RecipeError, match=words):
        place_labels(table, ALL, [name])


def test_a_column_may_be_called_as_the_cells_are() -> None:
    table = rows(columns={"cells": SIGNS, "road.sign": SIGNS})
    jobs, outcome = carried_out(table, attributes=["cells", "road.sign"])
    assert set(jobs[0].tasks) == {"cells", "column:cells", "column:road:sign"}
    assert jobs[0].tasks["cells"].partition is not None
    assert set(outcome.settings["attributes"]) == {"column:cells", "column:road:sign"}


@pytest.mark.parametrize("attributes", [["sign"], ["language", "sign", "climate"]])
def test_neither_place_nor_columns_of_test_photos_change_an_answer(attributes: list[str]) -> None:
    table = rows(columns={"sign": SIGNS})
    gone = np.where(TEST[:, None], np.nan, table.latlon)
    moved = np.where(TEST[:, None], table.latlon[::-1], table.latlon)
    other = np.where(TEST, "BEST", SIGNS)
    wanted = np.flatnonzero(TEST)
    found = []
    for places, signs in [(table.latlon, SIGNS), (gone, SIGNS), (moved, other)]:
        changed = rows(latlon=places, columns={"sign": signs})
        _, outcome = carried_out(changed, attributes=attributes)
        assert outcome.points is not None
        assert outcome.log_p is not None
        found.append((outcome.points(wanted), outcome.log_p(wanted)))
    for points, log_p in found[1:]:
        np.testing.assert_array_equal(points, found[0][0])
        np.testing.assert_array_equal(log_p, found[0][1])
