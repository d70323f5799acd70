"""Answers that outlive a kill: which are whole on the disk, and where to go on."""

from __future__ import annotations

import json
from array import array
from hashlib import blake2b
from pathlib import Path

import numpy as np

from graticule.answer import Model
from graticule.errors import GraticuleError


class Journal:
    """What a file of JSON lines holds already, so that no photo is answered twice or left out.

    Eight bytes a photo are kept, not its name: a million take some ten megabytes. A photo that
    stands twice in the list of photos is answered twice, so answers are counted.

    Attributes:
        failed: answers in the file that are errors.
    """

    def __init__(self, path: Path, model: Model) -> None:
        """Read a file, and cut off a last line that a kill left unfinished.

        Args:
            path: the file; one that does not exist holds nothing.
            model: that is to go on, with its gallery and its index.

        Raises:
            GraticuleError: it holds something other than answers, or those of another model.
        """
        self.failed = 0
        keys = array("Q")
        if path.exists():
            mend(path)
            with path.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    keys.append(self._read(path, number, line, model))
        self._keys, self._left = np.unique(np.asarray(keys, np.uint64), return_counts=True)

    def has(self, photo: str) -> bool:
        """Whether an answer to this photo stands in the file; each counts once."""
        wanted = np.uint64(_key(photo))
        at = int(np.searchsorted(self._keys, wanted))
        if at == len(self._keys) or self._keys[at] != wanted or self._left[at] == 0:
            return False
        self._left[at] -= 1
        return True

    def _read(self, path: Path, number: int, line: bytes, model: Model) -> int:
        try:
            answer = json.loads(line)
            photo, error, found = str(answer["photo"]), answer["error"], answer["model"]
            theirs = Model.model_validate(found) if found else model
        except (ValueError, KeyError, TypeError):
            raise GraticuleError(
                f"{path}: line {number} is not an answer; --resume goes on with a file that "
                "graticule locate --format json wrote"
            ) from None
        if theirs.sha256 != model.sha256:
            raise GraticuleError(
                f"{path}: line {number} was answered by another model ({theirs.name} "
                f"{theirs.sha256[:8]}, now {model.sha256[:8]}); choose it with --model or another "
                "--output"
            )
        for option, before, now in (
            ("--gallery", theirs.gallery, model.gallery),
            ("--index", theirs.index, model.index),
        ):
            if before != now:
                raise GraticuleError(
                    f"{path}: line {number} was answered with another {option} "
                    f"({_short(before)}, now {_short(now)}); give that one, as it was, or another "
                    "--output"
                )
        self.failed += error is not None
        return _key(photo)


def _short(key: str | None) -> str:
    return key[:8] if key else "none"


def mend(path: Path) -> None:
    """Cut off a last line that was not written to its end."""
    with path.open("r+b") as file:
        size = whole = file.seek(0, 2)
        while whole:
            start = max(0, whole - 65536)
            file.seek(start)
            end = file.read(whole - start).rfind(b"\n")
            if end >= 0:
                whole = start + end + 1
                break
            whole = start
        if whole < size:
            file.truncate(whole)


def set_aside(path: Path) -> None:
    """Keep an earlier file as ``NAME~`` until the new one is complete."""
    if path.is_file() and path.stat().st_size:
        path.replace(_aside(path))


def forget_aside(path: Path) -> None:
    """Remove what :func:`set_aside` kept: the new file is complete."""
    _aside(path).unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_name(path.name + "~")


def _key(photo: str) -> int:
    digest = blake2b(photo.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
