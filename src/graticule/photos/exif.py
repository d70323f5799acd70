"""What a photo's own metadata says of where and when: read carefully, never the answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_ORIGINAL, _OFFSET_ORIGINAL, _DATE_TIME = 0x9003, 0x9011, 0x0132
_GPS_TIME, _GPS_DATE = 7, 29
_MAKE, _MODEL, _SOFTWARE = 0x010F, 0x0110, 0x0131


@dataclass(frozen=True)
class Metadata:
    """Place, time and camera of a file.

    Attributes:
        lat: degrees, or None where absent or impossible.
        lon: degrees, likewise.
        captured_at: ISO 8601, with the offset where the file has one.
        gps_time: ISO 8601 in UTC, by the satellites' clock.
        camera: maker and model.
        software: the program that wrote the file.
        problem: what is wrong with the metadata, in words, or None.
    """

    lat: float | None = None
    lon: float | None = None
    captured_at: str | None = None
    gps_time: str | None = None
    camera: str | None = None
    software: str | None = None
    problem: str | None = None


def read_metadata(image: Image) -> Metadata:
    """The metadata of an opened image; broken metadata is reported, never raised."""
    try:
        exif = image.getexif()
        inner = dict(exif.get_ifd(_EXIF_IFD))
        gps = dict(exif.get_ifd(_GPS_IFD))
        top = {tag: exif.get(tag) for tag in (_DATE_TIME, _MAKE, _MODEL, _SOFTWARE)}
    except Exception as error:  # Pillow raises a dozen kinds on corrupt EXIF
        return Metadata(problem=f"EXIF cannot be read ({type(error).__name__})")
    lat, lon, problem = _position(gps)
    camera = " ".join(filter(None, (_text(top[_MAKE]), _text(top[_MODEL]))))
    return Metadata(
        lat,
        lon,
        _time(inner.get(_ORIGINAL) or top[_DATE_TIME], inner.get(_OFFSET_ORIGINAL)),
        _gps_time(gps),
        camera or None,
        _text(top[_SOFTWARE]),
        problem,
    )


def _position(gps: Mapping[int, Any]) -> tuple[float | None, float | None, str | None]:
    if 2 not in gps or 4 not in gps:
        return None, None, None
    lat, lon = _degrees(gps[2], gps.get(1)), _degrees(gps[4], gps.get(3))
    if lat is None or lon is None:
        return None, None, "EXIF GPS is not a number (a zero denominator?)"
    if abs(lat) > 90 or abs(lon) > 180:
        return None, None, f"EXIF GPS is no place on Earth ({lat:g}, {lon:g})"
    if lat == 0 and lon == 0:
        return None, None, "EXIF GPS is 0, 0: a camera without a fix"
    return lat, lon, None


def _degrees(value: Any, reference: Any) -> float | None:
    try:
        parts = [float(v) for v in (value if isinstance(value, Sequence) else (value,))]
        degrees: float = sum(part / 60**power for power, part in enumerate(parts[:3]))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    if not parts or not math.isfinite(degrees):
        return None
    return -degrees if (_text(reference) or "").upper() in {"S", "W"} else degrees


def _time(value: Any, offset: Any) -> str | None:
    try:
        taken = datetime.strptime(_text(value) or "", "%Y:%m:%d %H:%M:%S").isoformat()
    except ValueError:
        return None
    zone = _text(offset) or ""
    return taken + zone if len(zone) == 6 and zone[0] in "+-" and zone[3] == ":" else taken


def _gps_time(gps: Mapping[int, Any]) -> str | None:
    try:
        hour, minute, second = (float(part) for part in gps[_GPS_TIME])
        day = datetime.strptime(_text(gps[_GPS_DATE]) or "", "%Y:%m:%d")
        clock = timedelta(hours=hour, minutes=minute, seconds=int(second))
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return (day + clock).isoformat() + "Z" if timedelta(0) <= clock < timedelta(days=1) else None


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "").strip() or None
