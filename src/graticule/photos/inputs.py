"""Which photos a person means: files, folders, patterns, a list on stdin, a manifest; lazily.

No list of all photos is ever held: a million paths pass through one at a time.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from graticule.errors import GraticuleError, ManifestError
from graticule.photos.photo import SUFFIXES, display_name

_TABLES = frozenset({".csv", ".parquet"})


def _refuse(words: str) -> None:
    raise GraticuleError(words)


def find_photos(
    arguments: Iterable[str | os.PathLike[str]], complain: Callable[[str], None] = _refuse
) -> Iterator[str]:
    """Paths of the photos that the arguments mean, in a fixed order.

    A folder is searched to any depth for image files, hidden ones and linked folders left out (a
    link loop ends nowhere). ``-`` reads paths from stdin, one a line or separated by NUL. A CSV or
    Parquet manifest gives its ``path`` column. A file that does not exist is given all the same:
    its answer says so.

    Args:
        arguments: what the person wrote.
        complain: told in one line of a folder without photos or one that cannot be read, of a
            pattern that fits nothing, and of a table that is no manifest; raises by default.

    Raises:
        GraticuleError: what ``complain`` was not given to swallow.
    """
    for argument in arguments:
        name = os.fspath(argument)
        if name == "-":
            yield from _from_stdin()
        elif os.path.isdir(name):  # noqa: PTH112 - Path raises on a name that is too long
            here = f"{display_name(name)}: no photos in this folder"
            yield from _some(_in_folder(name, complain), here, complain)
        elif _suffix(name) in _TABLES and os.path.isfile(name):  # noqa: PTH113
            yield from _from_manifest(Path(name), complain)
        elif glob.has_magic(name) and not os.path.lexists(name):
            found = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - a pattern may be absolute
            files = (path for path in found if not Path(path).is_dir())
            yield from _some(files, f"{display_name(name)}: no file fits this pattern", complain)
        else:
            yield name


def _suffix(name: str) -> str:
    # Not by Path, which keeps every part of every name it sees in the interpreter's table.
    return os.path.splitext(name)[1].lower()  # noqa: PTH122


def _some(paths: Iterable[str], otherwise: str, complain: Callable[[str], None]) -> Iterator[str]:
    empty = True
    for path in paths:
        empty = False
        yield path
    if empty:
        complain(f"{otherwise} (looked for {', '.join(sorted(SUFFIXES))})")


def _in_folder(folder: str, complain: Callable[[str], None]) -> Iterator[str]:
    def unreadable(error: OSError) -> None:
        name = display_name(os.fsdecode(error.filename))
        complain(f"{name}: a folder that cannot be read ({error.strerror})")

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and _suffix(name) in SUFFIXES:
                yield str(Path(parent, name))


def _from_stdin() -> Iterator[str]:
    # Bytes, not text: file names need not be UTF-8.
    separator: bytes | None = None
    rest = b""
    stdin = os.fdopen(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
    while chunk := stdin.read(65536):
        rest += chunk
        if separator is None and (b"\0" in rest or b"\n" in rest):
            separator = b"\0" if b"\0" in rest else b"\n"
        if separator is None:
            continue
        *lines, rest = rest.split(separator)
        yield from (os.fsdecode(line.rstrip(b"\r")) for line in lines if line.strip())
    if rest.strip():
        yield os.fsdecode(rest.rstrip(b"\r\n"))


def _from_manifest(path: Path, complain: Callable[[str], None]) -> Iterator[str]:
    from graticule.photos import manifest

    try:
        opened = manifest.read(path)
        for batch in opened.batches(["path"]):
            for name in filter(None, batch.column(0).to_pylist()):
                try:
                    yield str(opened.file(name))
                except ManifestError as error:
                    complain(str(error))
    except ManifestError as error:
        complain(str(error))
