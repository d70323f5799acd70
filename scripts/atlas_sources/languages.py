"""Official languages and their scripts: Unicode CLDR (Unicode licence) inside PyPI ``babel``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from atlas_sources.india import STATES
from atlas_sources.packages import unpacked
from graticule.atlas.countries import country_codes
from graticule.files import write_json

OFFICIAL = {"official", "de_facto_official"}


def build(work: Path, data: Path) -> None:
    """Write ``languages.json``: countries, and the states of India, whose signs differ."""
    sys.path.insert(0, str(unpacked("babel", work)))
    from babel.core import get_global

    spoken, likely = get_global("territory_languages"), get_global("likely_subtags")
    places = {code: _official(spoken.get(code, {})) for code in country_codes()}
    places |= {state.code: list(state.languages) for state in STATES.values()}
    table = {
        place: {"languages": languages, "scripts": _scripts(languages, place[:2], likely)}
        for place, languages in sorted(places.items())
    }
    write_json(data / "languages.json", table)


def _official(languages: dict[str, dict[str, Any]]) -> list[str]:
    """Languages official in the whole country, the most spoken first; else the most spoken one."""
    named = [tag for tag, of in languages.items() if of["official_status"] in OFFICIAL]
    named = named or [tag for tag, of in languages.items() if of["official_status"]]
    return list(dict.fromkeys((named or list(languages))[: len(named) or 1]))


def _scripts(tags: list[str], country: str, likely: dict[str, str]) -> list[str]:
    """ISO 15924 codes of the scripts the languages are written in there, each once."""
    scripts = []
    for tag in tags:
        language, _, script = tag.partition("_")
        full = likely.get(f"{language}_{country}") or likely.get(language) or "und_Latn_ZZ"
        scripts.append(script if len(script) == 4 else full.split("_")[1])
    return list(dict.fromkeys(scripts))
