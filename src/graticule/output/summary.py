"""An answer in few words and flat columns: what every format for people and tables shares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graticule.answer import Answer, City, Hypothesis, Place

#: A place is named without hedging when the model holds it likelier than all others together.
SURE = 0.5
#: A place far from the point is named to people from this probability on.
POSSIBLE = 0.1
#: Radii that answers are usually asked for, in percent.
LEVELS = ("50", "80", "90", "95")

#: Characters XML 1.0 cannot hold, lone surrogates among them.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: What moves a terminal's cursor, colours it or turns its writing direction.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]"
)

Value = str | float | bool | None


def country(answer: Answer) -> Place | None:
    """The likeliest country, if the answer names any."""
    return answer.countries[0] if answer.countries else None


def sure_place(places: tuple[Place, ...]) -> Place | None:
    """The likeliest of the places if it is :data:`SURE`."""
    return places[0] if places and places[0].probability >= SURE else None


def sure_city(answer: Answer) -> City | None:
    """The likeliest city if it is :data:`SURE`."""
    cities = answer.cities
    return cities[0] if cities and cities[0].probability >= SURE else None


def sure_unit(answer: Answer) -> Place | City | None:
    """The smallest named unit that is :data:`SURE`: a city, else a district, else a region."""
    return sure_city(answer) or sure_place(answer.districts) or sure_place(answer.regions)


def status(answer: Answer) -> str:
    """``placed``, ``abstained`` or ``failed``."""
    if answer.error is not None:
        return "failed"
    return "placed" if answer.point is not None else "abstained"


def km(value: float) -> str:
    """A radius for people: two figures that mean something, with thousands apart."""
    if value < 10:
        return f"{value:.1f} km"
    digits = len(str(int(value))) - 2
    return f"{round(value / 10**digits) * 10**digits:,.0f} km"


def percent(probability: float) -> str:
    """A probability for people; never a 0 or 100 that is not meant."""
    if 0 < probability < 0.01:
        return "<1 %"
    if 0.99 < probability < 1:
        return ">99 %"
    return f"{probability:.0%}".replace("%", " %")


def one_line(text: str) -> str:
    """Text that stays on its line and leaves the terminal alone: controls become escapes."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def others(answer: Answer) -> tuple[Hypothesis, ...]:
    """The places far from the point that an answer holds for :data:`POSSIBLE`, likeliest first."""
    return tuple(one for one in answer.hypotheses[1:] if one.probability >= POSSIBLE)


def xml_text(text: str) -> str:
    """Text escaped for XML content and attributes, without what XML cannot hold."""
    kept = _NOT_XML.sub("\ufffd", text)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        kept = kept.replace(character, entity)
    return kept


def flat(answer: Answer) -> dict[str, Value]:
    """The answer as one row: the same columns for every answer, in a fixed order."""
    point, exif, scene, model = answer.point, answer.exif, answer.scene, answer.model
    row: dict[str, Value] = {
        "photo": answer.photo,
        "lat": point.lat if point else None,
        "lon": point.lon if point else None,
    }
    row |= {f"radius_km_{level}": answer.radius_km.get(level) for level in LEVELS}
    for name, places in (
        ("country", answer.countries),
        ("region", answer.regions),
        ("district", answer.districts),
    ):
        best = places[0] if places else None
        row[f"{name}_code"] = best.code if best else None
        row[name] = best.name if best else None
        row[f"{name}_probability"] = best.probability if best else None
    city = answer.cities[0] if answer.cities else None
    return row | {
        "city": city.name if city else None,
        "city_country": city.country if city else None,
        "city_probability": city.probability if city else None,
        "countries": "; ".join(f"{c.code} {c.probability:.3f}" for c in answer.countries[:10]),
        "hypotheses": "; ".join(
            f"{h.point.lat:g} {h.point.lon:g} {h.probability:.3f}" for h in answer.hypotheses
        ),
        "scene": scene.name if scene else None,
        "scene_probability": scene.probability if scene else None,
        "spoke": answer.spoke,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "exif_lat": exif.lat if exif else None,
        "exif_lon": exif.lon if exif else None,
        "exif_distance_km": exif.distance_km if exif else None,
        "captured_at": exif.captured_at if exif else None,
        "model": model.name if model else None,
        "model_version": model.version if model else None,
        "model_sha256": model.sha256 if model else None,
        "seconds": answer.seconds,
        "error": answer.error,
    }
