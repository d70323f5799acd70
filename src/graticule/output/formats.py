"""The formats answers are written in, by name, each a writer that takes one answer at a time."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from graticule.errors import GraticuleError
from graticule.files import atomic

if TYPE_CHECKING:
    from graticule.answer import Answer
    from graticule.photos.photo import Source


class Writer(Protocol):
    """Takes answers in order; memory does not grow with their number."""

    def write(self, answer: Answer, photo: Source | None = None) -> None:
        """Write one answer.

        Args:
            answer: what was found.
            photo: the photo itself, for formats that show it; ``answer.photo`` by default.
        """

    def finish(self) -> None:
        """Write what comes after the last answer."""


@dataclass(frozen=True)
class Format:
    """One way to write answers.

    Attributes:
        name: what ``--format`` calls it.
        suffix: the usual ending of its files.
        summary: what it is for.
        target: "module:class" of its writer, loaded on use; the class takes an open text file.
    """

    name: str
    suffix: str
    summary: str
    target: str

    def open(self, handle: IO[str]) -> Writer:
        """A writer into an open text file."""
        module, attribute = self.target.split(":")
        make: Callable[[IO[str]], Writer] = getattr(importlib.import_module(module), attribute)
        return make(handle)


#: Name → format, in the order of the help text.
FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("table", ".txt", "for people", "graticule.output.table:TableWriter"),
        Format("json", ".jsonl", "one object a line", "graticule.output.jsonl:JsonLinesWriter"),
        Format("csv", ".csv", "one row a photo", "graticule.output.csv:CsvWriter"),
        Format("geojson", ".geojson", "for QGIS", "graticule.output.geojson:GeoJsonWriter"),
        Format("kml", ".kml", "for Google Earth", "graticule.output.kml:KmlWriter"),
        Format("html", ".html", "a map in one file", "graticule.output.html:HtmlWriter"),
    )
}

_SUFFIXES = {entry.suffix: name for name, entry in FORMATS.items()} | {
    ".json": "json",
    ".ndjson": "json",
    ".htm": "html",
}


def pick_format(
    form: str | None, file: str | os.PathLike[str] | None, known: Collection[str] = FORMATS
) -> str:
    """The format that is asked for, else what the file's ending stands for, else the table.

    Args:
        form: its name; None: nobody said.
        file: where the answers go; None or "-": to standard output.
        known: the formats to choose from.

    Raises:
        GraticuleError: no such format, or an ending that stands for none of them.
    """
    ending = "" if file in (None, "-") else Path(str(file)).suffix.lower()
    chosen = form or _SUFFIXES.get(ending, "" if ending else "table")
    if chosen in known:
        return chosen
    if form:
        raise GraticuleError(f"--format {form}: choose one of {', '.join(known)}")
    endings = ", ".join(end for end, name in _SUFFIXES.items() if name in known)
    raise GraticuleError(
        f"--output {file}: {ending} stands for no format here; end it in {endings}, or add --format"
    )


def find_format(name: str) -> Format:
    """The format of a name.

    Raises:
        GraticuleError: there is none of that name.
    """
    if name not in FORMATS:
        raise GraticuleError(f"no output format {name!r}; there are: {', '.join(FORMATS)}")
    return FORMATS[name]


@contextmanager
def writer(
    name: str, file: str | os.PathLike[str] | None = None, *, append: bool = False
) -> Iterator[Writer]:
    """Open a writer for the block.

    A file of any format but ``json`` takes its name only when the block ends well, so an earlier
    one stays whole. ``json`` grows line by line, each line on the disk when it is written: what
    is done is kept after a kill.

    Args:
        name: one of :data:`FORMATS`.
        file: where to write; None is stdout.
        append: add to an earlier ``json`` file instead of replacing it (``--resume``).

    Raises:
        GraticuleError: an unknown format, a file that cannot be written, or ``append`` with a
            format that cannot grow.
    """
    chosen = find_format(name)
    if append and (name != "json" or file is None):
        raise GraticuleError(f"{name}: only --format json --output FILE can be resumed")
    with _opened(chosen, file, append) as handle:
        opened = chosen.open(handle)
        yield opened
        opened.finish()
        handle.flush()


def write(answers: Iterable[Answer], name: str, file: str | os.PathLike[str]) -> None:
    """Write answers to a file; see :func:`writer`."""
    with writer(name, file) as opened:
        for answer in answers:
            opened.write(answer)


@contextmanager
def _opened(chosen: Format, file: str | os.PathLike[str] | None, append: bool) -> Iterator[IO[Any]]:
    if file is None:
        # Names hold any character; a terminal in another encoding gets escapes, not a traceback.
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        yield sys.stdout
        return
    path = Path(file)
    if chosen.name != "json":
        with atomic(path) as handle:
            yield handle
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if append else "w", encoding="utf-8", newline="\n") as handle:
            yield handle
    except OSError as error:
        raise GraticuleError(
            f"{path}: cannot be written ({error.strerror or error}); the lines before are whole, "
            "go on with --resume"
        ) from error
