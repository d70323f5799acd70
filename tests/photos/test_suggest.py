"""How to mend a value: a guess only where it is a good one."""

from __future__ import annotations

import pytest

from graticule.photos import suggest


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("UK", "write GB"),
        ("fra", "write FR"),
        ("Germny", "write DE"),
        ("XX", "write the ISO 3166-1 alpha-2 code, as FR"),
    ],
)
def test_countries(value: str, words: str) -> None:
    assert suggest.country(value) == words
