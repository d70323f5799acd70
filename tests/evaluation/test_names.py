"""Countries by any of their usual names are one country."""

from __future__ import annotations

import numpy as np
import pytest

from graticule import atlas
from graticule.evaluation.names import country_codes, country_key, unknown_countries


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("GR", "GR"), ("gr", "GR"), ("Greece", "GR"), ("greece ", "GR"), ("GRC", "GR"),
        ("Cote d'Ivoire", "CI"), ("UK", "GB"), ("USA", "US"), ("Narnia", "narnia"), ("zz", "zz"),
    ],
)  # fmt: skip
def test_codes_and_names_are_one(name: str, key: str) -> None:
    assert country_key(name) == key


def test_every_country_is_known_by_its_code_and_its_name() -> None:
    for code in atlas.country_codes():
        assert country_key(code.lower()) == code
        assert country_key(atlas.country_name(code)) == code


def test_a_column_becomes_codes_and_what_is_none_is_listed_once() -> None:
    codes, notes = country_codes(np.array(["Greece", "gr", "", "Narnia", "GR", "Narnia", "Oz "]))
    assert codes.tolist() == ["GR", "GR", "", "", "GR", "", ""]
    assert len(notes) == 1
    assert notes[0].startswith("3 photos state a country that is none")
    assert notes[0].endswith(": Narnia, Oz ")
    assert country_codes(np.array(["FR", ""]))[1] == ()
    assert country_codes(np.array([], dtype=np.str_))[0].tolist() == []


def test_unknown_names_of_predictions_are_those_no_country_has() -> None:
    assert unknown_countries([("UK", "Oz"), ("oz", "FRA"), ("Oz",)]) == ("Oz", "oz")
