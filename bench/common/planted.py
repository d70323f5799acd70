"""One leak or defect of each kind, planted into a clean pair of tables."""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from common import drawn
from graticule import atlas, sphere
from graticule.evaluation.finding import METADATA_PLACE
from graticule.photos.manifest import Manifest, from_table


@dataclass(frozen=True)
class Kind:
    """What is planted, and whether photos must be looked at to find it."""

    name: str
    pixels: bool = False


_STAYS = "swapped, same country"
#: What is planted → the check that must name it.
KINDS: dict[Kind, str] = {
    Kind("photographer"): "same photographer",
    Kind("sequence"): "same sequence",
    Kind("group"): "same group",
    Kind("file name"): "same file name",
    Kind("walk"): "same place and time",
    Kind("near"): "within 1 km of training",
    Kind("swapped"): "label error",
    Kind(_STAYS): "label error",
    Kind("0, 0"): "label error",
    Kind("another country"): "label error",
    Kind("copy", pixels=True): "near-duplicate of training",
    Kind("smaller copy", pixels=True): "near-duplicate of training",
    Kind("mirror", pixels=True): "near-duplicate of training",
    Kind("crop of 95 %", pixels=True): "alike a training photo",
    Kind("crop of 80 %", pixels=True): "alike a training photo",
    Kind("double", pixels=True): "near-duplicate within the test",
    Kind("placeholder", pixels=True): "photo unavailable",
    Kind("stamp on a bar", pixels=True): "burned-in text",
    Kind("stamp", pixels=True): "burned-in text",
    Kind("dark stamp", pixels=True): "burned-in text",
    Kind("caption", pixels=True): "burned-in text",
    Kind("dark caption", pixels=True): "burned-in text",
    Kind("camera date", pixels=True): "burned-in text",
    Kind("screenshot", pixels=True): "screenshot, scan or drawing",
    Kind("scan", pixels=True): "screenshot, scan or drawing",
    Kind("drawing", pixels=True): "screenshot, scan or drawing",
    Kind("exif", pixels=True): METADATA_PLACE,
    Kind("xmp", pixels=True): METADATA_PLACE,
    Kind("iptc", pixels=True): METADATA_PLACE,
    Kind("broken", pixels=True): "unreadable photo",
}


def plant(
    train: Manifest, test: Manifest, rng: np.random.Generator, *, pictures: bool = True
) -> tuple[Manifest, dict[Kind, int]]:
    """The test with one photo of each kind planted, and the row of each; row 0 is left alone.

    Without ``pictures`` only kinds that a table shows. Some coordinates turned round lie in their
    country still (Nigeria, Egypt): a kind of its own, of the planets that have such a photo.
    """
    kinds = [kind for kind in KINDS if pictures or not kind.pixels]
    order = (1 + rng.permutation(len(test) - 1)).tolist()
    stays = _stays_in_its_country(test)
    rows = {}
    for kind in sorted(kinds, key=lambda kind: kind.name != _STAYS):
        fits = [row for row in order if kind.name != _STAYS or stays[row]]
        if fits:  # else a table too small, or a planet without such a photo
            rows[kind] = fits[0]
            order.remove(fits[0])
    rows = {kind: rows[kind] for kind in kinds if kind in rows}
    columns: dict[str, Any] = {name: test.table[name].to_pylist() for name in test.columns}
    for kind, row in rows.items():
        other = int(rng.integers(len(train)))
        mine = {name: train.table[name][other].as_py() for name in train.columns}
        if kind.pixels:
            columns["path"][row] = _picture(kind.name, train, test, row, mine["path"], rng)
        elif kind.name in ("photographer", "sequence", "group"):
            columns[kind.name][row] = mine[kind.name]
        elif kind.name == "file name":
            # The same name elsewhere, over the photo that was there.
            new = "elsewhere/" + mine["path"].rpartition("/")[2]
            if pictures:
                (test.root / new).parent.mkdir(exist_ok=True)
                shutil.copy(test.file(columns["path"][row]), test.root / new)
            columns["path"][row] = new
        elif kind.name in ("walk", "near"):
            bearing, km = rng.uniform(0, 360), rng.uniform(0, 0.9)
            lat, lon = sphere.offset((mine["lat"], mine["lon"]), bearing, km).ravel()
            columns["lat"][row], columns["lon"][row] = float(lat), float(lon)
            columns["country"][row] = mine["country"]
            if kind.name == "walk":
                columns["captured_at"][row] = mine["captured_at"]
        elif kind.name == "another country":
            columns["country"][row] = mine["country"]
        elif kind.name == "0, 0":
            columns["lat"][row], columns["lon"][row] = 0.0, 0.0
        else:
            columns["lat"][row], columns["lon"][row] = columns["lon"][row], columns["lat"][row]
    table = pa.table({n: pa.array(v, test.table[n].type) for n, v in columns.items()})
    return from_table(table, test.path), rows


def _stays_in_its_country(test: Manifest) -> npt.NDArray[np.bool_]:
    """Photos whose coordinates turned round lie in the country that is stated, bool (n,)."""
    turned = test.latlon[:, ::-1]
    legal = np.abs(turned[:, 0]) <= 90
    stays = np.zeros(len(test), dtype=bool)
    stays[legal] = atlas.countries(turned[legal]) == test.column("country")[legal]
    return stays


#: Planted pictures that begin from a training photo.
_OF_TRAINING = {"smaller copy", "mirror", "crop of 95 %", "crop of 80 %"}


def _picture(
    name: str, train: Manifest, test: Manifest, row: int, theirs: str, rng: np.random.Generator
) -> str:
    """Make the planted picture; its path."""
    from PIL import Image

    new = f"planted/{name.replace(' %', '').replace(' ', '-')}-{row:06d}-plantedk.jpg"
    target = test.root / new
    target.parent.mkdir(exist_ok=True)
    own = test.file(str(test.column("path")[row]))
    if name == "copy":
        shutil.copy(train.file(theirs), target)
    elif name == "broken":
        target.write_bytes(own.read_bytes()[:200])
    elif name == "double":
        shutil.copy(test.file(str(test.column("path")[0])), target)
    else:
        source = train.file(theirs) if name in _OF_TRAINING else own
        with Image.open(source) as image:
            _changed(name, image.convert("RGB"), target, random.Random(int(rng.integers(1 << 30))))
    return new


def _changed(name: str, image: Any, target: Path, rng: random.Random) -> None:
    from PIL import ImageOps

    if name == "smaller copy":
        image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(target, quality=70)
    elif name == "mirror":
        ImageOps.mirror(image).save(target, quality=85)
    elif name.startswith("crop"):
        _crop(image, int(name.split()[2]) / 100, rng).save(target, quality=85)
    elif name in STAMPED:
        STAMPED[name](image.resize((640, 480)), rng).save(target, quality=92)
    elif name in DRAWN:
        # The page and its grain, not a JPEG of a JPEG.
        DRAWN[name](rng).save(target.with_suffix(".png"))
        target.with_suffix(".png").rename(target)
    elif name == "screenshot":
        _screenshot(image).save(target.with_suffix(".png"))
        target.with_suffix(".png").rename(target)
    else:
        _with_place(name, image, target)


#: Kinds that a frame is changed into, and kinds that are drawn from nothing.
STAMPED: dict[str, Callable[[Any, random.Random], Any]] = {
    "stamp on a bar": drawn.bar,
    "stamp": drawn.coordinates,
    "dark stamp": partial(drawn.coordinates, dark=True),
    "caption": drawn.caption,
    "dark caption": partial(drawn.caption, dark=True),
    "camera date": drawn.camera_date,
}
DRAWN: dict[str, Callable[[random.Random], Any]] = {
    "placeholder": drawn.card,
    "scan": drawn.page,
    "drawing": drawn.diagram,
}


def _crop(image: Any, share: float, rng: random.Random) -> Any:
    """A part as wide and as high as ``share`` of the whole, somewhere in it."""
    width, height = round(image.width * share), round(image.height * share)
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def _screenshot(image: Any) -> Any:
    from PIL import Image, ImageDraw

    screen = Image.new("RGB", (400, 700), "#ffffff")
    pen = ImageDraw.Draw(screen)
    pen.rectangle((0, 0, 400, 60), fill="#1763a6")
    screen.paste(image.resize((240, 180)), (80, 90))
    for y in range(300, 680, 22):
        pen.text((20, y), "a line of a page that somebody read", fill="#222222")
    return screen


def _with_place(name: str, image: Any, target: Path) -> None:
    """The picture with a place in its EXIF, XMP or IPTC."""
    from PIL import ExifTags, Image

    exif = Image.Exif()
    if name == "exif":
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (48.0, 51.0, 30.0)
        gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", (2.0, 17.0, 40.0)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d exif:GPSLatitude="48,51.5N"/></x:xmpmeta>'
    image.save(target, exif=exif, **({"xmp": xmp} if name == "xmp" else {}))
    if name == "iptc":
        record = b"\x1c\x02\x5a\0\x05Paris"
        block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record
        whole = target.read_bytes()
        segment = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block
        target.write_bytes(whole[:2] + segment + whole[2:])
