"""A file on its way here: what has arrived of it, and the version it belongs to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

from graticule.download.addresses import shown
from graticule.download.faults import Again, Refused
from graticule.download.responses import check_size, checked_kind, length, range_start
from graticule.errors import DownloadError
from graticule.files import sha256 as sha256_of

_BLOCK = 1 << 16


@dataclass(frozen=True)
class Wanted:
    """What a file may be.

    Attributes:
        max_bytes: a longer one is refused; None for any length.
        kinds: accepted starts of the content type, any by default.
        progress: called with the number of bytes as they arrive.
    """

    max_bytes: int | None = None
    kinds: tuple[str, ...] = ()
    progress: Callable[[int], None] = lambda _: None


@dataclass(frozen=True)
class Part:
    """What has arrived of a file, in ``.NAME.part`` beside it, and its version's tag.

    Attributes:
        path: of the part.
        always: a checksum will tell, so that no tag is needed to go on.
    """

    path: Path
    always: bool

    @property
    def tag_path(self) -> Path:
        """Where the version's tag is kept."""
        return self.path.with_name(self.path.name + ".tag")

    def resume(self) -> tuple[int, dict[str, str]]:
        """Bytes that are there, and the headers that ask for the rest of the same version."""
        have = self.path.stat().st_size if self.path.is_file() else 0
        tag = self.tag_path.read_text(encoding="utf-8") if self.tag_path.is_file() else ""
        if not have or not (tag or self.always):
            return 0, {}
        return have, {"Range": f"bytes={have}-", **({"If-Range": tag} if tag else {})}

    def receive(self, response: HTTPResponse, have: int, url: str, wanted: Wanted) -> None:
        """Write the body behind the ``have`` bytes that are there, or over them.

        Raises:
            Refused: it is not what was wanted.
            DownloadError: there is not enough room for it.
            Again: the body is another part of the file, or was cut off.
        """
        if response.status == 206 and range_start(response) == have:
            mode = "ab"
        elif response.status == 200:
            mode, have = "wb", 0
        else:
            self.forget()
            raise Again("the server sent another part of the file than was asked for")
        checked_kind(response, url, wanted.kinds)
        expected = length(response)
        total = None if expected is None else have + expected
        check_size(total, wanted.max_bytes, url)
        self._check_room(expected)
        self._remember(response)
        got = self._write(response, mode, have, url, wanted)
        if total is not None and got != total:
            raise Again(f"cut off after {got:,} of {total:,} bytes")

    def become(self, target: Path) -> None:
        """Take the file's name: it is whole."""
        self.path.replace(target)
        self.tag_path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Throw away what has arrived."""
        self.path.unlink(missing_ok=True)
        self.tag_path.unlink(missing_ok=True)

    def _remember(self, response: HTTPResponse) -> None:
        """Keep the version's tag; a weak one does not promise the same bytes."""
        tag = response.headers.get("ETag", "")
        if not tag or tag.startswith("W/"):
            tag = response.headers.get("Last-Modified", "")
        self.tag_path.write_text(tag, encoding="utf-8")

    def _check_room(self, expected: int | None) -> None:
        free = shutil.disk_usage(self.path.parent).free
        if expected is not None and expected > free:
            raise DownloadError(
                f"{self.path.parent}: {expected / 1e6:,.0f} MB are still to come and "
                f"{free / 1e6:,.0f} MB are free; free some room, or choose another folder with -o"
            )

    def _write(self, response: HTTPResponse, mode: str, have: int, url: str, wanted: Wanted) -> int:
        """Write the body as it arrives; returns the bytes that are there now."""
        most = wanted.max_bytes
        with self.path.open(mode) as handle:
            while block := response.read(_BLOCK):
                handle.write(block)
                have += len(block)
                wanted.progress(len(block))
                if most is not None and have > most:
                    raise Refused(f"{shown(url)}: more than the {most:,} bytes allowed", 200)
            handle.flush()
            if self.path.is_file():
                os.fsync(handle.fileno())
        return have


def problem(path: Path, sha256: str | None, size: int | None) -> str:
    """What is wrong with a file, "" if nothing."""
    if size is not None and path.stat().st_size != size:
        return f"has {path.stat().st_size:,} bytes instead of {size:,}"
    if sha256 is not None:
        found = sha256_of(path)
        if found != sha256.lower():
            return f"has SHA-256 {found[:12]}… instead of {sha256[:12]}…"
    return ""
