"""JPEG, PNG and WebP files as the pieces they are made of, so that metadata can be left out.

Nothing is decoded: what is kept is kept byte for byte, so the pixels stay exactly as they were.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from graticule.errors import PhotoError

_PNG = b"\x89PNG\r\n\x1a\n"
#: What a decoder needs of a PNG, animation and colour included; all else is about the picture.
_PNG_KEPT = {
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP",
    b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT", b"mDCV", b"cLLI",
}  # fmt: skip
_WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}
#: Bits of VP8X that announce EXIF and XMP (WebP container specification).
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04


@dataclass(frozen=True)
class Piece:
    """One part of a file.

    Attributes:
        kind: what it holds: ``"exif"``, ``"xmp"``, ``"iptc"``, ``"comment"``, ``"preview"``,
            ``"maker"``, ``"trailer"``, ``"profile"``; ``""`` for what the picture is made of.
        raw: its bytes in the file.
        body: what it says, without its frame.
        kept: whether the picture needs it.
    """

    kind: str
    raw: bytes
    body: bytes
    kept: bool


def pieces(data: bytes, name: str) -> list[Piece] | None:
    """The pieces of a JPEG, PNG or WebP file in order; None for any other format.

    Raises:
        PhotoError: the file breaks off or is not built as its format asks.
    """
    try:
        if data.startswith(b"\xff\xd8"):
            return list(_jpeg(data))
        if data.startswith(_PNG):
            return list(_png(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return list(_webp(data))
    except (struct.error, IndexError):
        raise PhotoError(f"{name}: broken or cut off (its parts do not add up)") from None
    return None


def _jpeg(data: bytes) -> Iterator[Piece]:
    yield Piece("", data[:2], b"", True)
    at = 2
    while True:
        if data[at] != 0xFF:
            raise IndexError
        while data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            end = at + 2
            break
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if end > len(data):
            raise IndexError
        raw, body = data[at:end], data[at + 4 : end]
        kind, kept = _jpeg_kind(marker, body)
        yield Piece(kind, raw, body, kept)
        at = end
        if marker == 0xDA:
            at = _end_of_scan(data, end)
            yield Piece("", data[end:at], b"", True)
    yield Piece("", data[at:end], b"", True)
    if data[end:].strip(b"\0"):
        yield Piece("trailer", data[end:], data[end:], False)


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the next marker stands that is neither a stuffed byte nor a restart (T.81, B.1.1.5)."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise IndexError
        if data[at + 1] not in (0, 0xFF, *range(0xD0, 0xD8)):
            return at
        at += 1 if data[at + 1] == 0xFF else 2


#: Marker, how the segment begins, what it is, whether the picture needs it; the first that fits.
_JPEG_KINDS = (
    (0xFE, b"", "comment", False),
    (0xE0, b"JFIF\0", "", True),  # how the pixels are spaced
    (0xE0, b"", "preview", False),
    (0xE1, b"Exif\0", "exif", False),
    (0xE1, b"http://ns.adobe.com/", "xmp", False),
    (0xE2, b"ICC_PROFILE\0", "profile", True),
    (0xE2, b"MPF\0", "preview", False),
    (0xED, b"", "iptc", False),
    (0xEE, b"Adobe", "", True),  # how the colours are to be read
)


def _jpeg_kind(marker: int, body: bytes) -> tuple[str, bool]:
    for at, start, kind, kept in _JPEG_KINDS:
        if marker == at and body.startswith(start):
            return kind, kept
    return ("maker", False) if 0xE0 <= marker <= 0xEF else ("", True)


def _png(data: bytes) -> Iterator[Piece]:
    yield Piece("", data[:8], b"", True)
    at = 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise IndexError
        raw, body = data[at:end], data[at + 8 : end - 4]
        yield Piece(_png_kind(kind, body), raw, body, kind in _PNG_KEPT)
        at = end
        if kind == b"IEND":
            break
    if data[at:].strip(b"\0"):
        yield Piece("trailer", data[at:], data[at:], False)


def _png_kind(kind: bytes, body: bytes) -> str:
    if kind in _PNG_KEPT:
        return "profile" if kind == b"iCCP" else ""
    if kind == b"eXIf" or body.startswith(b"Raw profile type exif"):
        return "exif"
    if body.startswith(b"XML:com.adobe.xmp"):
        return "xmp"
    return "comment" if kind in {b"tEXt", b"zTXt", b"iTXt", b"tIME"} else "maker"


def _webp(data: bytes) -> Iterator[Piece]:
    (size,) = struct.unpack_from("<I", data, 4)
    stop = 8 + size
    if stop > len(data):
        raise IndexError
    yield Piece("", data[:12], b"", True)
    at = 12
    while at + 8 <= stop:
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        if at + 8 + length > stop:
            raise IndexError
        names = {b"EXIF": "exif", b"XMP ": "xmp", b"ICCP": "profile"}
        called = names.get(kind, "" if kind in _WEBP_KEPT else "maker")
        yield Piece(called, data[at:end], data[at + 8 : at + 8 + length], kind in _WEBP_KEPT)
        at = end
    if data[stop:].strip(b"\0"):
        yield Piece("trailer", data[stop:], data[stop:], False)


def without_metadata(parts: list[Piece], orientation: int = 1) -> bytes:
    """The file again with what the picture needs and nothing about it.

    Args:
        parts: of :func:`pieces`.
        orientation: EXIF orientation that is kept, in an EXIF block of nothing else, so that the
            picture stays upright; 1 writes none.
    """
    kept = [piece for piece in parts if piece.kept]
    block = _orientation_block(orientation) if orientation != 1 else b""
    first = kept[0].raw
    if first.startswith(b"\xff\xd8"):
        return _joined_jpeg(kept, block)
    if first.startswith(_PNG):
        chunk = b"eXIf" + block
        framed = struct.pack(">I", len(block)) + chunk + struct.pack(">I", zlib.crc32(chunk))
        header = kept[0].raw + kept[1].raw  # the signature and IHDR
        return header + (framed if block else b"") + b"".join(p.raw for p in kept[2:])
    return _joined_webp(kept, block)


def _orientation_block(orientation: int) -> bytes:
    """A TIFF block with one entry: tag 0x0112, a short (EXIF 2.32, section 4.6)."""
    return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def _joined_jpeg(kept: list[Piece], block: bytes) -> bytes:
    body = b"Exif\0\0" + block
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body if block else b""
    jfif = 2 if len(kept) > 1 and kept[1].body.startswith(b"JFIF\0") else 1
    parts = [p.raw for p in kept]
    return b"".join([*parts[:jfif], segment, *parts[jfif:]])


def _joined_webp(kept: list[Piece], block: bytes) -> bytes:
    chunks = []
    extended = False
    for piece in kept[1:]:
        raw = piece.raw
        if raw[:4] == b"VP8X":
            extended = True
            flags = raw[8] & ~(_WEBP_EXIF | _WEBP_XMP) | (_WEBP_EXIF if block else 0)
            raw = raw[:8] + bytes([flags]) + raw[9:]
        chunks.append(raw)
    # A simple WebP file has no room for EXIF; it had none to tell an orientation either.
    if block and extended:
        chunks.append(b"EXIF" + struct.pack("<I", len(block)) + block + b"\0" * (len(block) % 2))
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body
