"""What a wrong word was perhaps meant to be."""

from __future__ import annotations

import difflib
import re
from functools import cache

from graticule import scenes
from graticule.photos import scene_names

#: Codes that people write and ISO 3166-1 does not have.
_HABITS = {"UK": "GB", "EL": "GR", "KOSOVO": "XK", "USA": "US", "ENGLAND": "GB", "SCOTLAND": "GB"}


@cache
def countries() -> frozenset[str]:
    """All country codes."""
    from graticule import atlas

    return frozenset(atlas.country_codes())


@cache
def _country_words() -> dict[str, str]:
    from graticule import atlas
    from graticule.atlas.countries import column

    words = dict(_HABITS)
    for code in atlas.country_codes():
        words[code] = code
        words[atlas.country_name(code).upper()] = code
        words[str(column("alpha3")[code]).upper()] = code
    return words


def country_code(value: str) -> str | None:
    """The code that a country's name, code or usual abbreviation stands for, or None."""
    return _country_words().get(value.strip().upper())


def country(value: str) -> str:
    """How to mend an unknown country."""
    words = _country_words()
    found = words.get(value.strip().upper())
    # Two letters are near a dozen codes: a guess would be as good as any.
    if found is None and len(value.strip()) > 2:
        near = difflib.get_close_matches(value.strip().upper(), words, n=1, cutoff=0.8)
        found = words[near[0]] if near else None
    return f"write {found}" if found else "write the ISO 3166-1 alpha-2 code, as FR"


def scene(value: str) -> str:
    """How to mend an unknown scene."""
    near = scene_names.nearest(value)
    known = ", ".join(scenes.SCENES)
    return f"write {near}" if near else f"write one of {known}, or declare it with --scenes"


def date(value: str) -> str:
    """How to mend a date."""
    exif = re.match(r"^(\d{4}):(\d{2}):(\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2})?))?", value)
    if exif:
        clock = f"T{exif[4]}" if exif[4] else ""
        return f"write {exif[1]}-{exif[2]}-{exif[3]}{clock}"
    if re.match(r"^\d{9,13}$", value):
        return "that looks like seconds since 1970; write it as 2019-07-14T21:30:00Z"
    return "write it as 2019-07-14 or 2019-07-14T21:30:00Z, or leave it empty"
