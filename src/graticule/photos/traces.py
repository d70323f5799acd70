"""What a photo's file says beside its pixels that gives away where, when and by whom it was taken.

Finding is generous and stripping is total: whatever the picture does not need to be shown goes,
also what nobody could read.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graticule.errors import PhotoError
from graticule.photos.containers import Piece, pieces, without_metadata
from graticule.photos.exif import read_metadata
from graticule.photos.photo import display_name, open_photo

#: EXIF tags that name a person, a device or a place, beside position and time.
_TELLING = {
    0x010E: "caption", 0x013B: "artist", 0x8298: "copyright", 0x9C9B: "title", 0x9C9C: "comment",
    0x9C9D: "author", 0x9C9E: "keywords", 0x9C9F: "subject", 0x9286: "user comment",
    0xA430: "camera owner", 0xA431: "camera serial number", 0xA435: "lens serial number",
    0xA420: "unique image id", 0x927C: "maker's notes", 0x013C: "host computer",
}  # fmt: skip
_ORIENTATION, _EXIF_IFD, _GPS_IFD = 0x0112, 0x8769, 0x8825
#: What Pillow calls the second directory, where a thumbnail is.
_THUMBNAIL_IFD = -1
_WORDS = {
    "xmp": "XMP",
    "iptc": "IPTC captions",
    "comment": "comment",
    "preview": "preview picture",
    "maker": "maker's data",
    "trailer": "data after the picture",
}
#: Properties of XMP and IPTC that are about the place.
_PLACES = re.compile(
    rb"(?:exif:GPS\w+|photoshop:(?:City|State|Country)|Iptc4xmpCore:(?:Location|CountryCode)"
    rb"|Iptc4xmpExt:Location\w+|graticule:\w+)"
)
#: Datasets of IPTC's older records that are about the place, by their number (IIM 4.2, record 2).
_IIM_PLACES = {
    26: "content location code", 27: "content location", 90: "city", 92: "sublocation",
    95: "state", 100: "country code", 101: "country",
}  # fmt: skip
#: How a dataset of record 2 begins: its number, and a length that is not zero.
_IIM = re.compile(rb"\x1c\x02(.)(?!\0\0)[\x00-\x7f].", re.DOTALL)
_DATES = re.compile(r"(?<!\d)(?:19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d(?!\d)")
_SHOWN = 60


@dataclass(frozen=True)
class Trace:
    """One thing a file says.

    Attributes:
        kind: ``"place"``, ``"time"``, ``"person or device"``, ``"preview"`` or ``"other"``.
        what: where it is written, in words.
        value: what it says, shortened; ``""`` where it is not text.
    """

    kind: str
    what: str
    value: str = ""


@dataclass(frozen=True)
class Protected:
    """A photo without its metadata.

    Attributes:
        data: the new file's bytes.
        suffix: what its name should end in.
        lossless: whether the pixels are untouched; if not, they were encoded again.
    """

    data: bytes
    suffix: str
    lossless: bool


def find_traces(path: str | Path) -> list[Trace]:
    """What a photo gives away, places first.

    Raises:
        PhotoError: it cannot be read.
    """
    data = _read(path)
    label = display_name(str(path))
    found = _of_exif(data, label)
    for piece in pieces(data, label) or []:
        if not piece.kept and piece.kind in _WORDS:
            found.append(_of_piece(piece))
    date = _DATES.search(Path(path).name)
    if date:
        found.append(Trace("time", "file name (kept)", date.group()))
    order = {kind: i for i, kind in enumerate(("place", "time", "person or device", "preview"))}
    return sorted(found, key=lambda trace: order.get(trace.kind, len(order)))


def names_place(data: bytes, name: str) -> bool:
    """Whether XMP or IPTC in a file's bytes name a place; its EXIF GPS is not looked at here.

    Unlike :func:`find_traces`, no pixel is decoded. A file that is not built as its format asks
    names none.
    """
    try:
        parts = pieces(data, name) or []
    except PhotoError:
        return False
    return any(_of_piece(p).kind == "place" for p in parts if p.kind in {"xmp", "iptc"})


def protect(path: str | Path) -> Protected:
    """A photo's file without what :func:`find_traces` finds, and anything else like it.

    JPEG, PNG and WebP keep their pixels bit for bit, their colour profile and their orientation.
    Other formats are decoded, turned upright and written as PNG if they are GIF or BMP, else as
    JPEG of quality 95.

    Raises:
        PhotoError: it cannot be read.
    """
    data = _read(path)
    label = display_name(str(path))
    parts = pieces(data, label)
    if parts is not None:
        with _opened(data, label) as image:
            stays = _orientation(image)
        return Protected(without_metadata(parts, stays), Path(path).suffix, lossless=True)
    image = open_photo(data, label, draft=0).image
    lossless = Path(path).suffix.lower() in {".gif", ".bmp"}
    buffer = io.BytesIO()
    if lossless:
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "JPEG", quality=95, subsampling=0)
    return Protected(buffer.getvalue(), ".png" if lossless else ".jpg", lossless)


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise PhotoError(f"{display_name(str(path))}: cannot be read ({why})") from None


def _opened(data: bytes, label: str) -> Any:
    # The whole photo is checked once, so that a broken one is named here and nowhere else.
    open_photo(data, label)
    from PIL import Image

    return Image.open(io.BytesIO(data))


def _orientation(image: Any) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # corrupt EXIF raises a dozen kinds; it turns nothing then
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _of_exif(data: bytes, label: str) -> list[Trace]:
    """Position, time, people and devices of the EXIF block."""
    with _opened(data, label) as image:
        known = read_metadata(image)
        try:
            exif = image.getexif()
            gps = dict(exif.get_ifd(_GPS_IFD))
            tags = {**dict(exif), **dict(exif.get_ifd(_EXIF_IFD))}
            thumbnail = bool(exif.get_ifd(_THUMBNAIL_IFD))
        except Exception:  # Pillow raises a dozen kinds on corrupt EXIF
            return [Trace("other", "EXIF that cannot be read")]
    found = []
    if known.lat is not None and known.lon is not None:
        found.append(Trace("place", "EXIF GPS", f"{known.lat:.6f}, {known.lon:.6f}"))
    elif gps:
        found.append(Trace("place", "EXIF GPS", known.problem or "without a position"))
    if known.captured_at:
        found.append(Trace("time", "EXIF time", known.captured_at))
    for what, value in (("camera", known.camera), ("software", known.software)):
        if value:
            found.append(Trace("person or device", f"EXIF {what}", _short(value)))
    found += [
        Trace("person or device", f"EXIF {what}", _short(tags[tag]))
        for tag, what in _TELLING.items()
        if tags.get(tag)
    ]
    if thumbnail:
        found.append(Trace("preview", "EXIF thumbnail, which may show what was cropped away"))
    return found


def _of_piece(piece: Piece) -> Trace:
    places = sorted({m.decode("ascii", "replace") for m in _PLACES.findall(piece.body)})
    if piece.kind == "iptc":
        numbers = sorted({match[0] for match in _IIM.findall(piece.body)})
        places += [_IIM_PLACES[number] for number in numbers if number in _IIM_PLACES]
    if places:
        return Trace("place", _WORDS[piece.kind], ", ".join(places))
    if piece.kind == "comment":
        return Trace("other", "comment", _short(piece.body))
    kind = "preview" if piece.kind == "preview" else "other"
    return Trace(kind, _WORDS[piece.kind], f"{len(piece.raw):,} bytes")


def _short(value: object) -> str:
    """One line of text of a tag; bytes that are no text are counted."""
    if isinstance(value, bytes):
        plain = value.replace(b"\0", b" ").strip()
        if not all(32 <= byte < 127 for byte in plain):
            return f"{len(value):,} bytes"
        value = plain.decode("ascii")
    line = "".join(c if c.isprintable() else " " for c in str(value)).strip()
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
