"""One row a photo, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING

from graticule.output.summary import Value, flat

if TYPE_CHECKING:
    from graticule.answer import Answer
    from graticule.photos.photo import Source

#: A spreadsheet takes a cell that begins with one of these for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class CsvWriter:
    """Writes RFC 4180 rows under one header; the columns are those of :func:`summary.flat`."""

    def __init__(self, handle: IO[str]) -> None:
        self._writer = csv.writer(handle, lineterminator="\n")
        self._headed = False

    def write(self, answer: Answer, photo: Source | None = None) -> None:
        """Write one row; see :class:`graticule.output.formats.Writer`."""
        row = flat(answer)
        self._head(row)
        self._writer.writerow([cell(value) for value in row.values()])

    def finish(self) -> None:
        """An empty table still has its header."""
        from graticule.answer import Answer

        self._head(flat(Answer(photo="")))

    def _head(self, row: dict[str, Value]) -> None:
        if not self._headed:
            self._writer.writerow(row)
            self._headed = True


def cell(value: Value) -> str | float:
    """A value as a spreadsheet should take it: text that looks like a formula gets a quote."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
