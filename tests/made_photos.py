"""Pictures and tables that the tests of sources are played with: our own values in public forms."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from graticule.cli.app import main


def picture(seed: int = 0, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A colourful thing that no two seeds share."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def jpeg(image: Image.Image | int = 0) -> bytes:
    """A picture, or the one of a seed, as a JPEG file."""
    buffer = io.BytesIO()
    (picture(image) if isinstance(image, int) else image).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def card(words: str = "This photo is\nno longer available", ground: int = 238) -> Image.Image:
    """What photo hosts send for a photo that has gone."""
    image = Image.new("RGB", (500, 374), (ground,) * 3)
    draw = ImageDraw.Draw(image)
    ink = 120 if ground > 128 else 200
    draw.multiline_text((120, 150), words, fill=(ink,) * 3, font=ImageFont.load_default(24))
    return image


def page(grain: float = 1.0, shade: float = 0.0) -> Image.Image:
    """A scanned page: lines of text on paper, with grain, darker to one side by ``shade``."""
    image = Image.new("RGB", (500, 700), (244, 238, 224))
    draw = ImageDraw.Draw(image)
    for y in range(50, 640, 22):
        draw.text((50, y), "a line of a page that somebody read " * 2, fill=(40, 40, 40))
    light = np.linspace(0, -shade, 500)[None, :, None]
    noise = np.random.default_rng(0).normal(0, grain, (700, 500, 3))
    pixels = (np.asarray(image) + light + noise).clip(0, 255).astype(np.uint8)
    return Image.open(io.BytesIO(jpeg(Image.fromarray(pixels)))).convert("RGB")


def geotagged(lat: float, lon: float, seed: int = 0) -> bytes:
    """A JPEG with GPS in its EXIF."""
    exif = Image.Exif()
    exif[0x0132] = "2019:07:14 21:30:00"
    exif.get_ifd(0x8825).update(
        {
            1: "N" if lat >= 0 else "S",
            2: (abs(lat), 0.0, 0.0),
            3: "E" if lon >= 0 else "W",
            4: (abs(lon), 0.0, 0.0),
        }
    )
    buffer = io.BytesIO()
    picture(seed).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def add_iptc(path: Path, records: bytes) -> None:
    """Put IPTC records into a JPEG file, in the frame that Photoshop gives them."""
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records
    whole = path.read_bytes()
    segment = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block
    path.write_bytes(whole[:2] + segment + whole[2:])


def save(path: Path, body: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def pack(value: object) -> bytes:
    """msgpack of what GeoEstimation's shards hold."""
    if isinstance(value, dict):
        return bytes([0x80 | len(value)]) + b"".join(pack(k) + pack(v) for k, v in value.items())
    if isinstance(value, str):
        raw = value.encode()
        return bytes([0xA0 | len(raw)]) + raw if len(raw) < 32 else b"\xda" + _long(raw)
    if isinstance(value, bytes):
        return b"\xc5" + _long(value)
    raise TypeError(value)


def _long(raw: bytes) -> bytes:
    return struct.pack(">H", len(raw)) + raw


def lines(rows: Iterable[Iterable[object]], separator: str = ",") -> str:
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def run(*arguments: str) -> int:
    """Run the command line as a person does; returns its exit status."""
    try:
        main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0
