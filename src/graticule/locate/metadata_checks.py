"""What a file's own metadata says of a claim: GPS, the sun's height, the clock's zone.

Kept apart from the picture's verdict and never mixed with it: metadata can be edited, stripped or
of a camera whose clock was never set.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from graticule import atlas, sphere
from graticule.locate.sun import DARK, heights

if TYPE_CHECKING:
    from graticule.locate.claims import Claim
    from graticule.photos.exif import Metadata

#: GPS this near to a claim agrees with it; a claim is a place as wide as a city.
NEAR_KM = 25.0
#: GPS farther than this contradicts it; between the two nothing is said.
FAR_KM = 100.0
#: Clocks whose offset differs by no more than this are the same: summer time forgotten.
_SAME_MINUTES = 60
#: What the satellites' clock may differ from the camera's and still be of the same exposure.
_SLACK_MINUTES = 5

Says = Literal["agrees", "look", "contradicts", "unclear"]


class Check(BaseModel):
    """One thing that the metadata says.

    Attributes:
        of: ``gps``, ``sun``, ``time zone`` or ``metadata``.
        says: ``agrees``; ``contradicts``; ``look``: a person must compare it with the picture;
            ``unclear``.
        words: the finding in one sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Literal["gps", "sun", "time zone", "metadata"]
    says: Says
    words: str


def check_metadata(metadata: Metadata, claim: Claim) -> tuple[Check, ...]:
    """Every check that the metadata allows, in a fixed order; none where there is no metadata."""
    found = [_gps(metadata, claim), _sun(metadata, claim), _zone(metadata, claim)]
    checks = [check for check in found if check is not None]
    if metadata.problem:
        checks.append(Check(of="metadata", says="unclear", words=metadata.problem))
    return tuple(checks)


def _gps(metadata: Metadata, claim: Claim) -> Check | None:
    if metadata.lat is None or metadata.lon is None:
        return None
    own = (metadata.lat, metadata.lon)
    if claim.whole_country:
        country = str(atlas.countries([own])[0])
        inside = country == claim.country
        where = atlas.country_name(country) if country else "at sea"
        return Check(
            of="gps",
            says="agrees" if inside else "contradicts",
            words=f"the file's GPS ({own[0]:.4f},{own[1]:.4f}) lies in {where}"
            if country
            else f"the file's GPS ({own[0]:.4f},{own[1]:.4f}) lies at sea",
        )
    km = float(sphere.haversine(own, claim.latlon))
    words = f"the file's GPS ({own[0]:.4f},{own[1]:.4f}) lies {_distance(km)} from the claim"
    says: Says = "agrees" if km <= NEAR_KM else "contradicts" if km > FAR_KM else "unclear"
    swapped = (claim.lon, claim.lat)
    if km > FAR_KM and abs(claim.lon) <= 90 and sphere.haversine(own, swapped) <= NEAR_KM:
        words += "; it is the claim with latitude and longitude swapped"
    return Check(of="gps", says=says, words=words)


def _sun(metadata: Metadata, claim: Claim) -> Check | None:
    moment = metadata.gps_time or metadata.captured_at
    span = None if moment is None else heights(claim.places, moment)
    if moment is None or span is None:
        return None
    low, high = span
    whose = "by the GPS clock" if metadata.gps_time else "by the camera's clock"
    stood = f"{low:.0f}°" if round(low) == round(high) else f"between {low:.0f}° and {high:.0f}°"
    words = f"taken {moment.replace('T', ' ')} {whose}; the sun stood at {stood} at the claim"
    if high < DARK:
        words += ": it was dark there, which daylight in the picture would contradict"
        return Check(of="sun", says="look", words=words)
    if low > 0:
        words += ": it was day there, which a night sky in the picture would contradict"
        return Check(of="sun", says="look", words=words)
    return Check(of="sun", says="unclear", words=words + ": day or night, both can be")


def _zone(metadata: Metadata, claim: Claim) -> Check | None:
    ahead = _clock_ahead(metadata)
    if ahead is None:
        return None
    taken = _moment(metadata.captured_at)
    assert taken is not None
    there = np.unique(atlas.utc_offsets(claim.places, taken.replace(tzinfo=None)))
    gaps = np.abs((there - ahead + 720) % 1440 - 720)
    clocks = " or ".join(_offset(int(minutes)) for minutes in there[:3])
    words = f"the camera's clock was at UTC{_offset(ahead)}; clocks at the claim showed UTC{clocks}"
    if gaps.min() == 0:
        return Check(of="time zone", says="agrees", words=words)
    if gaps.min() <= _SAME_MINUTES:
        words += ": an hour apart, as when summer time is forgotten or a border is near"
        return Check(of="time zone", says="unclear", words=words)
    words += ": the clock was set elsewhere, or never"
    return Check(of="time zone", says="contradicts", words=words)


def _clock_ahead(metadata: Metadata) -> int | None:
    """Minutes that the camera's clock was ahead of UTC: as it says, or as GPS time tells."""
    taken = _moment(metadata.captured_at)
    if taken is None:
        return None
    own = taken.utcoffset()
    if own is not None:
        return round(own.total_seconds() / 60)
    satellites = _moment(metadata.gps_time)
    if satellites is None:
        return None
    minutes = (taken.replace(tzinfo=UTC) - satellites) / timedelta(minutes=1)
    # Zones differ by whole quarters of an hour; anything else is a clock that runs wrong.
    quarter = 15 * round(minutes / 15)
    if abs(minutes - quarter) > _SLACK_MINUTES or abs(quarter) > 14 * 60:
        return None
    return quarter


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None


def _offset(minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _distance(km: float) -> str:
    return f"{km * 1000:.0f} m" if km < 1 else f"{km:,.1f} km" if km < 10 else f"{km:,.0f} km"
