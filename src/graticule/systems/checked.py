"""Whether a file has its checksum; a large one that was read and found right is not read again.

Hashing a gigabyte takes seconds, and tens of them from a cold disk: too long for every start. So a
note is left in the user's cache folder, never in the bundle, of which file had which checksum. It
holds while the file lies at the same path with the same size, times and inode. Against somebody
who writes to the cache folder it proves nothing; ``graticule info BUNDLE`` reads every byte.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from graticule import files
from graticule.errors import GraticuleError

#: A smaller file is hashed every time; this size takes a tenth of a second from memory.
LARGE_BYTES = 64 << 20
#: A file that was written so lately could be written again within one tick of its clock.
SETTLED_S = 2.0


def matches(file: Path, sha256: str, *, anew: bool = False) -> bool:
    """Whether a file has a checksum.

    Args:
        file: that is there.
        sha256: the expected checksum.
        anew: read the file whatever a note says.
    """
    before = _state(file)
    large = before["size"] >= LARGE_BYTES
    found = {**before, "sha256": sha256}
    if large and not anew and _noted(file) == found:
        return True
    if files.sha256(file) != sha256:
        return False
    if large and _state(file) == before and _settled(before):
        _note(file, found)
    return True


def _state(file: Path) -> dict[str, Any]:
    """What changes when a file does: nobody sets the time of its last change (ctime) by hand."""
    about = file.stat()
    return {
        "path": str(file.resolve()),
        "size": about.st_size,
        "mtime_ns": about.st_mtime_ns,
        "ctime_ns": about.st_ctime_ns,
        "device": about.st_dev,
        "inode": about.st_ino,
    }


def _settled(state: dict[str, Any]) -> bool:
    last: int = max(state["mtime_ns"], state["ctime_ns"])
    return time.time_ns() - last >= SETTLED_S * 1e9


def _note_of(file: Path) -> Path:
    name = hashlib.sha256(str(file.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    return files.cache_dir() / "checked" / f"{name[:32]}.json"


def _noted(file: Path) -> Any:
    """What the note says; None where there is none that can be read, or no home for a cache."""
    with suppress(GraticuleError, RuntimeError):
        return files.read_json(_note_of(file))
    return None


def _note(file: Path, found: dict[str, Any]) -> None:
    # A cache folder that cannot be written costs time at the next start, and nothing else.
    with suppress(GraticuleError, RuntimeError, UnicodeError):
        files.write_json(_note_of(file), found)
