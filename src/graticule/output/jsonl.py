"""One JSON object a line, each complete on the disk before the next photo's answer."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from graticule.answer import Answer
    from graticule.photos.photo import Source

#: Seconds between forced writes to the disk: a kill loses nothing, a power cut this much.
SYNC_SECONDS = 1.0


class JsonLinesWriter:
    """Writes answers as JSON lines and hands each to the system at once."""

    def __init__(self, handle: IO[str]) -> None:
        self._handle = handle
        self._synced = time.monotonic()

    def write(self, answer: Answer, photo: Source | None = None) -> None:
        """Write one line; see :class:`graticule.output.formats.Writer`."""
        self._handle.write(answer.model_dump_json() + "\n")
        self._handle.flush()
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._sync()

    def finish(self) -> None:
        """Force the last lines to the disk."""
        self._handle.flush()
        self._sync()

    def _sync(self) -> None:
        with suppress(OSError, ValueError):  # a pipe, a terminal or a buffer has no disk behind it
            os.fsync(self._handle.fileno())
        self._synced = time.monotonic()
