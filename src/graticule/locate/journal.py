"""Answers that outlive a kill: which are whole on the disk, and where to go on."""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path

from graticule.errors import GraticuleError


def answered(path: Path) -> set[bytes]:
    """Keys (:func:`key`) of the photos whose answers stand whole in a JSON-lines file.

    A last line that was cut off by a kill is removed, so that the next answer starts on a line of
    its own. Eight bytes a photo are kept, not names: a million fit in some tens of megabytes.

    Raises:
        GraticuleError: the file holds something other than answers.
    """
    if not path.exists():
        return set()
    done: set[bytes] = set()
    whole = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                break
            try:
                done.add(key(json.loads(line)["photo"]))
            except (ValueError, KeyError, TypeError):
                raise GraticuleError(
                    f"{path}: line {number} is not an answer; --resume goes on with a file that "
                    "graticule locate --format json wrote"
                ) from None
            whole += len(line)
    if whole < path.stat().st_size:
        with path.open("r+b") as file:
            file.truncate(whole)
    return done


def key(photo: str) -> bytes:
    """Eight bytes that stand for a photo's name."""
    return blake2b(photo.encode("utf-8", "surrogatepass"), digest_size=8).digest()
