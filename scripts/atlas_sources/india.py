"""India's states and union territories, and spellings that its post directory has its own way."""

from __future__ import annotations

from typing import NamedTuple


class State(NamedTuple):
    """A state's ISO 3166-2 code (as of 2023), its name in Hindi, and its official languages.

    The languages (ISO 639) are those of the state's own laws, written down here by hand.
    """

    code: str
    hindi: str
    languages: tuple[str, ...]


STATES = {
    "Andaman and Nicobar Islands": State("IN-AN", "अंडमान और निकोबार द्वीपसमूह", ("hi", "en")),
    "Andhra Pradesh": State("IN-AP", "आंध्र प्रदेश", ("te",)),
    "Arunachal Pradesh": State("IN-AR", "अरुणाचल प्रदेश", ("en",)),
    "Assam": State("IN-AS", "असम", ("as",)),
    "Bihar": State("IN-BR", "बिहार", ("hi",)),
    "Chandigarh": State("IN-CH", "चंडीगढ़", ("en",)),
    "Chhattisgarh": State("IN-CG", "छत्तीसगढ़", ("hi",)),
    "Dadra and Nagar Haveli and Daman and Diu": State(
        "IN-DH", "दादरा और नगर हवेली और दमन और दीव", ("gu", "hi", "en")
    ),
    "Delhi": State("IN-DL", "दिल्ली", ("hi", "en")),
    "Goa": State("IN-GA", "गोवा", ("kok",)),
    "Gujarat": State("IN-GJ", "गुजरात", ("gu", "hi")),
    "Haryana": State("IN-HR", "हरियाणा", ("hi",)),
    "Himachal Pradesh": State("IN-HP", "हिमाचल प्रदेश", ("hi",)),
    "Jammu and Kashmir": State("IN-JK", "जम्मू और कश्मीर", ("ur", "ks", "doi", "hi", "en")),
    "Jharkhand": State("IN-JH", "झारखंड", ("hi",)),
    "Karnataka": State("IN-KA", "कर्नाटक", ("kn",)),
    "Kerala": State("IN-KL", "केरल", ("ml",)),
    "Ladakh": State("IN-LA", "लद्दाख", ("hi", "en")),
    "Lakshadweep": State("IN-LD", "लक्षद्वीप", ("ml",)),
    "Madhya Pradesh": State("IN-MP", "मध्य प्रदेश", ("hi",)),
    "Maharashtra": State("IN-MH", "महाराष्ट्र", ("mr",)),
    "Manipur": State("IN-MN", "मणिपुर", ("mni",)),
    "Meghalaya": State("IN-ML", "मेघालय", ("en",)),
    "Mizoram": State("IN-MZ", "मिज़ोरम", ("lus", "en")),
    "Nagaland": State("IN-NL", "नागालैंड", ("en",)),
    "Odisha": State("IN-OD", "ओडिशा", ("or",)),
    "Puducherry": State("IN-PY", "पुडुचेरी", ("ta",)),
    "Punjab": State("IN-PB", "पंजाब", ("pa",)),
    "Rajasthan": State("IN-RJ", "राजस्थान", ("hi",)),
    "Sikkim": State("IN-SK", "सिक्किम", ("ne", "en")),
    "Tamil Nadu": State("IN-TN", "तमिलनाडु", ("ta",)),
    "Telangana": State("IN-TG", "तेलंगाना", ("te", "ur")),
    "Tripura": State("IN-TR", "त्रिपुरा", ("bn", "en")),
    "Uttar Pradesh": State("IN-UP", "उत्तर प्रदेश", ("hi",)),
    "Uttarakhand": State("IN-UK", "उत्तराखंड", ("hi",)),
    "West Bengal": State("IN-WB", "पश्चिम बंगाल", ("bn",)),
}

DISTRICT_NAMES = {
    "24 Paraganas North": "North 24 Parganas",
    "24 Paraganas South": "South 24 Parganas",
    "Dinajpur Dakshin": "Dakshin Dinajpur",
    "Dinajpur Uttar": "Uttar Dinajpur",
    "Jagitial": "Jagtial",
    "Jangoan": "Jangaon",
    "Jayashankar Bhupalapally": "Jayashankar Bhupalpally",
    "Leh Ladakh": "Leh",
    "Medinipur East": "Purba Medinipur",
    "Medinipur West": "Paschim Medinipur",
    "SPSR Nellore": "Sri Potti Sriramulu Nellore",
    "Visakhapatanam": "Visakhapatnam",
    "Y.S.R.": "YSR Kadapa",
}
