"""Photos packed into shards: GeoEstimation's msgpack files and WebDataset's tar files.

msgpack is read by a few lines of our own that know maps, texts, bytes and whole numbers: more is
not in these files, and nothing else is ever made of them.
"""

from __future__ import annotations

import re
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from graticule.errors import GraticuleError
from graticule.files import atomic

#: A photo larger than this is a broken shard.
_MOST_BYTES: Final = 64 << 20
_PHOTO: Final = re.compile(r"\.(jpe?g|png|webp)$", re.IGNORECASE)


def photos_of(shard: Path) -> Iterator[tuple[str, bytes]]:
    """The photos of a ``.msg``, ``.msgpack`` or ``.tar`` file, by their identity.

    Raises:
        GraticuleError: it is none of these, or breaks off.
    """
    if shard.suffix == ".tar":
        yield from _from_tar(shard)
    elif shard.suffix in {".msg", ".msgpack"}:
        yield from _from_msgpack(shard)
    else:
        raise GraticuleError(f"{shard}: not a .msg, .msgpack or .tar shard")


def unpack(folder: Path, target: Path, limit: int | None = None) -> int:
    """Write the photos of all shards of a folder as files; those that are there are kept.

    Args:
        folder: the shards.
        target: gets one file a photo, named by its identity, folders included.
        limit: at most so many.

    Returns:
        How many photos there are.
    """
    from graticule.photos.manifest import path_problem

    shards = sorted(p for p in folder.iterdir() if p.suffix in {".msg", ".msgpack", ".tar"})
    if not shards:
        raise GraticuleError(f"{folder}: no .msg, .msgpack or .tar shard in it")
    count = 0
    for shard in shards:
        for identity, body in photos_of(shard):
            if limit is not None and count >= limit:
                return count
            name = identity if _PHOTO.search(identity) else f"{identity}.jpg"
            problem = path_problem(name)
            if problem:
                raise GraticuleError(
                    f"{shard}: the photo {identity[:60]!r} {problem}; not unpacked"
                )
            path = target / name
            if not path.is_file():
                with atomic(path, "wb") as handle:
                    handle.write(body)
            count += 1
    return count


def _from_tar(shard: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(shard, "r|") as archive:
            for member in archive:
                if member.isfile() and _PHOTO.search(member.name):
                    if member.size > _MOST_BYTES:
                        raise GraticuleError(f"{shard}: {member.name[:60]!r} is too large")
                    handle = archive.extractfile(member)
                    if handle is not None:
                        yield member.name, handle.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise GraticuleError(f"{shard}: breaks off or is no tar file ({error})") from error


def _from_msgpack(shard: Path) -> Iterator[tuple[str, bytes]]:
    with shard.open("rb") as handle:
        while True:
            try:
                record = _value(handle)
            except EOFError:
                return
            except (ValueError, struct.error, UnicodeDecodeError, IndexError) as error:
                raise GraticuleError(f"{shard}: breaks off or is no msgpack ({error})") from error
            if not isinstance(record, dict):
                raise GraticuleError(f"{shard}: not a row of maps with 'id' and 'image'")
            plain = {_text(key): value for key, value in record.items()}
            body, identity = plain.get("image"), _text(plain.get("id"))
            if not isinstance(body, bytes) or not identity:
                raise GraticuleError(f"{shard}: a record without 'id' and 'image'")
            yield identity, body


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


#: First byte → struct code of a whole number.
_NUMBERS: Final = {
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
    0xCA: ">f",
    0xCB: ">d",
}
#: First byte → struct code of the length of bytes or text.
_BYTES: Final = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}
_TEXTS: Final = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_PLAIN: Final = {0xC0: None, 0xC2: False, 0xC3: True}


def _value(handle: IO[bytes], depth: int = 0) -> Any:
    """One msgpack value (https://github.com/msgpack/msgpack/blob/master/spec.md).

    Raises:
        EOFError: the file ends before it.
        ValueError: the file ends inside it, or it is of a kind these shards do not use.
    """
    first = handle.read(1)
    if not first:
        if depth:
            raise ValueError("the file ends inside a record")
        raise EOFError
    code = first[0]
    if 0x80 <= code <= 0x8F or code in {0xDE, 0xDF}:
        size = code & 0x0F if code <= 0x8F else _unpack(handle, ">H" if code == 0xDE else ">I")
        return _map(handle, size, depth)
    if 0xA0 <= code <= 0xBF or code in _TEXTS:
        return _words(handle, code & 0x1F if code <= 0xBF else _unpack(handle, _TEXTS[code]))
    return _scalar(handle, code)


def _scalar(handle: IO[bytes], code: int) -> Any:
    if code <= 0x7F or code >= 0xE0:
        return code if code <= 0x7F else code - 0x100
    if code in _PLAIN:
        return _PLAIN[code]
    if code in _NUMBERS:
        return _unpack(handle, _NUMBERS[code])
    if code in _BYTES:
        return _take(handle, _unpack(handle, _BYTES[code]))
    raise ValueError(f"byte {code:#x} is of a kind that is not read")


def _words(handle: IO[bytes], length: int) -> str | bytes:
    raw = _take(handle, length)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw  # msgpack before 2.0 wrote bytes as text too


def _map(handle: IO[bytes], size: int, depth: int) -> dict[str, Any]:
    if depth > 2 or size > 64:
        raise ValueError("a record with too many fields")
    return {_text(_value(handle, depth + 1)): _value(handle, depth + 1) for _ in range(size)}


def _unpack(handle: IO[bytes], kind: str) -> Any:
    return struct.unpack(kind, _take(handle, struct.calcsize(kind)))[0]


def _take(handle: IO[bytes], length: int) -> bytes:
    if length > _MOST_BYTES:
        raise ValueError(f"{length:,} bytes in one field")
    found = handle.read(length)
    if len(found) != length:
        raise ValueError("the file ends inside a record")
    return found
