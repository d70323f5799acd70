"""Files and folders that are whole or absent, and sums that say whether they are still the same."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from graticule.errors import GraticuleError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its name only when the block ends well.

    If the block raises, the temporary file is removed and an earlier ``path`` stays whole. A link
    stays a link: the file that it leads to is the one written.

    Raises:
        GraticuleError: the folder or the file cannot be written, or it is a folder or a device.
    """
    target = Path(os.path.realpath(path))
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - never raise
        # Taking the name of a device would put an ordinary file in its place, for everyone.
        raise GraticuleError(
            f"{path}: not a file; name one to write (- is stdout where it is taken)"
        )
    part = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(target)
    except OSError as error:
        _forget(part)
        raise GraticuleError(
            f"{path}: cannot be written ({error.strerror or error}); what was there is whole"
        ) from error
    except BaseException:
        _forget(part)
        raise


def _forget(part: Path) -> None:
    # Where the folder itself is the trouble, there is no part to remove.
    with suppress(OSError):
        part.unlink(missing_ok=True)


@contextmanager
def atomic(path: str | os.PathLike[str], mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that takes its name only when it is complete and on the disk.

    Args:
        path: where the file is to be.
        mode: ``"w"`` for UTF-8 text with Unix line ends, ``"wb"`` for bytes.
    """
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    with atomic_path(path) as part, part.open(mode, **text) as handle:  # type: ignore[call-overload]
        yield handle
        handle.flush()
        os.fsync(handle.fileno())


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield an empty folder beside ``path`` that takes its place only when the block ends well.

    If the block raises, what it wrote is removed and an earlier folder stays whole, with all that
    is in it; else that is gone. What a killed process left behind, the next one clears away.

    Raises:
        GraticuleError: something cannot be written.
    """
    target = Path(os.path.realpath(path))
    part, old = (target.with_name(f".{target.name}.{word}") for word in ("part", "old"))
    try:
        if old.is_dir() and not target.exists():
            old.rename(target)  # killed between the two steps of _exchange
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        _exchange(part, target, old)
    except OSError as error:
        raise GraticuleError(
            f"{path}: cannot be written ({error.strerror or error}); what was there is whole"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _exchange(part: Path, target: Path, old: Path) -> None:
    """Give a folder another's place: no system can do that in one step where one is there."""
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    try:
        part.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def locked(path: str | os.PathLike[str], busy: str) -> Iterator[None]:
    """Hold a lock file for the block; the system lets go of it when the process ends, however.

    Args:
        path: the lock file; made if it is not there, and left.
        busy: the error where another process holds it.

    Raises:
        GraticuleError: another process holds it, or the file cannot be made.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = target.open("a+b")
    except OSError as error:
        raise GraticuleError(f"{path}: cannot be written ({error.strerror or error})") from error
    with handle:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise GraticuleError(busy) from error
        yield


def write_json(path: str | os.PathLike[str], value: object) -> None:
    """Write ``value`` as indented JSON, whole or not at all."""
    with atomic(path) as handle:
        json.dump(value, handle, indent=2, ensure_ascii=False)
        handle.write("\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file; a broken one is named with its line."""
    target = Path(path)
    try:
        return json.loads(target.read_text(encoding="utf-8"))
    except OSError as error:
        raise GraticuleError(f"{target}: cannot be read ({error.strerror or error})") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise GraticuleError(f"{target}: not valid JSON ({error})") from error


def sha256(path: str | os.PathLike[str]) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def cache_dir() -> Path:
    """Where downloaded models and encoded galleries are kept.

    ``GRATICULE_CACHE`` if set, else ``XDG_CACHE_HOME/graticule``, else ``~/.cache/graticule``.
    """
    own = os.environ.get("GRATICULE_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graticule"
