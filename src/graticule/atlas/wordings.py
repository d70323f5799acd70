"""How a place is put into words, by language: the sentences of captions and the names in them.

Names in Hindi are those the atlas has: India's states (all of them), the larger towns (GeoNames'
names in Devanagari) and India itself; any other name stays as it is, in Latin letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Wording:
    """The sentences of one language.

    Attributes:
        full: with ``{town}``, ``{region}`` and ``{country}``.
        no_region: without a region.
        no_town: far from any town, with a region.
        country: with the country alone.
        sea_near: at sea, with ``{town}`` the nearest.
        sea: far out at sea.
        climate: with ``{climate}``.
        road_side: by side.
        script: with ``{script}``.
        scripts: ISO 15924 code → what the script is called.
        climates: Köppen–Geiger zone → what it is called; None takes the atlas's English names.
        countries: names that differ from the atlas's English ones.
    """

    full: str
    no_region: str
    no_town: str
    country: str
    sea_near: str
    sea: str
    climate: str
    road_side: Mapping[str, str]
    script: str
    scripts: Mapping[str, str]
    climates: Mapping[str, str] | None
    countries: Mapping[str, str]


_ENGLISH = Wording(
    full="A photo taken near {town} in {region}, {country}.",
    no_region="A photo taken near {town} in {country}.",
    no_town="A photo taken in {region}, {country}.",
    country="A photo taken in {country}.",
    sea_near="A photo taken at sea near {town}.",
    sea="A photo taken at sea.",
    climate="Climate: {climate}.",
    road_side={
        "left": "People drive on the left side of the road.",
        "right": "People drive on the right side of the road.",
    },
    script="Signs are written in the {script} script.",
    scripts={
        "Arab": "Arabic",
        "Armn": "Armenian",
        "Beng": "Bengali",
        "Cyrl": "Cyrillic",
        "Deva": "Devanagari",
        "Ethi": "Ethiopic",
        "Geor": "Georgian",
        "Grek": "Greek",
        "Gujr": "Gujarati",
        "Guru": "Gurmukhi",
        "Hans": "simplified Chinese",
        "Hant": "traditional Chinese",
        "Hebr": "Hebrew",
        "Jpan": "Japanese",
        "Khmr": "Khmer",
        "Knda": "Kannada",
        "Kore": "Korean",
        "Laoo": "Lao",
        "Latn": "Latin",
        "Mlym": "Malayalam",
        "Mymr": "Burmese",
        "Orya": "Odia",
        "Sinh": "Sinhala",
        "Taml": "Tamil",
        "Telu": "Telugu",
        "Thaa": "Thaana",
        "Thai": "Thai",
        "Tibt": "Tibetan",
    },
    climates=None,
    countries={},
)

_HINDI = Wording(
    full="{country} के {region} में {town} के पास ली गई तस्वीर।",
    no_region="{country} में {town} के पास ली गई तस्वीर।",
    no_town="{country} के {region} में ली गई तस्वीर।",
    country="{country} में ली गई तस्वीर।",
    sea_near="समुद्र में {town} के पास ली गई तस्वीर।",
    sea="समुद्र में ली गई तस्वीर।",
    climate="यहाँ की जलवायु {climate} है।",
    road_side={
        "left": "लोग सड़क के बाईं ओर गाड़ी चलाते हैं।",
        "right": "लोग सड़क के दाईं ओर गाड़ी चलाते हैं।",
    },
    script="संकेत {script} लिपि में लिखे हैं।",
    scripts={
        "Arab": "अरबी",
        "Armn": "आर्मेनियाई",
        "Beng": "बांग्ला",
        "Cyrl": "सिरिलिक",
        "Deva": "देवनागरी",
        "Ethi": "इथियोपियाई",
        "Geor": "जॉर्जियाई",
        "Grek": "यूनानी",
        "Gujr": "गुजराती",
        "Guru": "गुरमुखी",
        "Hans": "सरलीकृत चीनी",
        "Hant": "पारंपरिक चीनी",
        "Hebr": "हिब्रू",
        "Jpan": "जापानी",
        "Khmr": "खमेर",
        "Knda": "कन्नड़",
        "Kore": "कोरियाई",
        "Laoo": "लाओ",
        "Latn": "लैटिन",
        "Mlym": "मलयालम",
        "Mymr": "बर्मी",
        "Orya": "ओड़िया",
        "Sinh": "सिंहली",
        "Taml": "तमिल",
        "Telu": "तेलुगु",
        "Thaa": "थाना",
        "Thai": "थाई",
        "Tibt": "तिब्बती",
    },
    # By the first letter of the zone: the finer names have no settled Hindi.
    climates={
        "A": "उष्णकटिबंधीय",
        "B": "शुष्क",
        "C": "समशीतोष्ण",
        "D": "शीत",
        "E": "ध्रुवीय",
    },
    countries={"IN": "भारत"},
)

#: By ISO 639 code.
WORDINGS: Final[dict[str, Wording]] = {"en": _ENGLISH, "hi": _HINDI}
