"""Photos from the net, one by one: checked, decoded, and named by their identity."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from graticule.download import Client, Refused
from graticule.errors import DownloadError, PhotoError
from graticule.files import atomic

#: A photo larger than this is not one, or not one that is needed.
MAX_BYTES = 64 << 20
#: So many failures in a row mean that the fault is not in the photos.
STOP_AFTER = 20
_FIELDS = ("id", "url", "reason", "for_good")


@dataclass
class Album:
    """A folder that photos are downloaded into.

    What failed stands in ``failed.csv`` beside it; what failed for good (the photo is gone, or is
    a "photo unavailable" card) is not asked for again.

    Attributes:
        folder: where the manifest is; photos go into ``images`` inside it.
        client: asks for them.
        saved: how many were downloaded in this run.
        kept: how many were there already.
        failed: how many could not be had in this run, or before and for good.
    """

    folder: Path
    client: Client
    saved: int = 0
    kept: int = 0
    failed: int = 0
    _gone: set[str] = field(default_factory=set)
    _in_a_row: int = 0

    @property
    def failures(self) -> Path:
        """The table of what could not be had."""
        return self.folder / "failed.csv"

    @contextmanager
    def open(self) -> Iterator[Album]:
        """Read what failed before, and write down what fails now, as it happens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for rest in (self.folder / "images").glob(".*.part.jpg"):
            rest.unlink()  # what a killed run was writing
        if self.failures.is_file():
            with self.failures.open(encoding="utf-8", newline="") as handle:
                rows = csv.DictReader(handle)
                self._gone = {row["id"] for row in rows if row.get("for_good") == "yes"}
        new = not self.failures.is_file()
        with self.failures.open("a", encoding="utf-8", newline="") as handle:
            self._log: TextIO = handle
            if new:
                csv.writer(handle).writerow(_FIELDS)
            yield self
        if len(self.failures.read_text(encoding="utf-8").splitlines()) <= 1:
            self.failures.unlink()

    def get(self, identity: str, url: str) -> str | None:
        """The manifest path of a photo, downloaded unless it is there; None where it failed.

        Raises:
            DownloadError: many failed in a row.
            GraticuleError: the disk is full, or the folder cannot be written.
        """
        from graticule.photos.sources.source import safe_name

        path = f"images/{safe_name(identity)}.jpg"
        if (self.folder / path).is_file():
            self.kept += 1
            return path
        if identity in self._gone:
            self.failed += 1
            return None
        try:
            body = self._body(url)
        except (DownloadError, PhotoError) as error:
            for_good = isinstance(error, PhotoError) or (
                isinstance(error, Refused) and error.status in {200, 404, 410}
            )
            self._note(identity, url, str(error), for_good)
            return None
        with atomic(self.folder / path, "wb") as handle:
            handle.write(body)
        self.saved, self._in_a_row = self.saved + 1, 0
        return path

    def _body(self, url: str) -> bytes:
        from graticule.photos.photo import open_photo
        from graticule.photos.sources import marks

        answer = self.client.get(url, max_bytes=MAX_BYTES, kinds=("image/",))
        if marks.is_unavailable_url(answer.url):
            raise PhotoError('gone: a "photo unavailable" card came instead')
        photo = open_photo(io.BytesIO(answer.body), url)
        if marks.looks_unavailable(photo.image):
            raise PhotoError('gone: what came looks like a "photo unavailable" card')
        return answer.body

    def _note(self, identity: str, url: str, reason: str, for_good: bool) -> None:
        self.failed += 1
        writer = csv.writer(self._log)
        writer.writerow((identity, url, reason, "yes" if for_good else "no"))
        self._log.flush()
        self._in_a_row = 0 if for_good else self._in_a_row + 1
        if self._in_a_row >= STOP_AFTER:
            raise DownloadError(
                f"{STOP_AFTER} photos in a row could not be had, the last: {reason}; see "
                f"{self.failures}, then run this again, it goes on where it stopped"
            )

    def summary(self) -> str:
        """One line on how it went."""
        parts = [f"{self.saved:,} photos downloaded"]
        if self.kept:
            parts.append(f"{self.kept:,} were here already")
        if self.failed:
            parts.append(f"{self.failed:,} could not be had ({self.failures})")
        return ", ".join(parts)
