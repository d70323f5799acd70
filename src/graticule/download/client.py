"""The client: asks servers for answers and files, patiently and no faster than it may."""

from __future__ import annotations

import errno
import http.client
import json
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

from graticule.download.addresses import connection, redirected, shown
from graticule.download.faults import Again, Refused
from graticule.download.part import Part, Wanted, problem
from graticule.download.responses import (
    checked_kind,
    raise_for_status,
    read_all,
    stated_sha256,
)
from graticule.errors import DownloadError
from graticule.version import __version__

T = TypeVar("T")

#: A server that asks for a longer pause than this is left alone: run the command again later.
LONGEST_PAUSE_S = 900.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> float:
        """Seconds; only differences count."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Answer:
    """What a server sent.

    Attributes:
        body: the bytes.
        content_type: in lower case, without parameters; "" where not stated.
        url: where it came from in the end, after redirects.
    """

    body: bytes
    content_type: str
    url: str


@dataclass
class Client:
    """Asks servers for files and answers.

    Attributes:
        per_hour: at most so many requests an hour, evenly spaced; None for no limit.
        retries: how often a request that failed in passing is asked again.
        timeout_s: how long a silent server is waited for.
        max_redirects: how often an answer may point elsewhere.
        trusted: servers the user named ("http://127.0.0.1:8000"); only these may be local.
        headers: sent with each request to the host of the first URL, and never to another.
        clock: time; tests bring their own.
    """

    per_hour: float | None = None
    retries: int = 5
    timeout_s: float = 30.0
    max_redirects: int = 5
    trusted: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    _free_at: float = field(default=float("-inf"), init=False, repr=False)

    def get(
        self,
        url: str,
        parameters: Mapping[str, str] | None = None,
        *,
        max_bytes: int = 64 << 20,
        kinds: tuple[str, ...] = (),
    ) -> Answer:
        """Ask for something that fits into memory.

        Args:
            url: http or https.
            parameters: put behind the URL; never shown in messages, since keys are among them.
            max_bytes: a longer answer is refused.
            kinds: accepted starts of the content type, any by default.

        Raises:
            Refused: the server said no.
            DownloadError: the address is not allowed, or all attempts failed.
        """
        full = f"{url}?{urlencode(parameters)}" if parameters else url

        def once() -> Answer:
            with self._open(full, {}) as (response, final):
                kind = checked_kind(response, final, kinds)
                return Answer(read_all(response, max_bytes, final), kind, final)

        return self._patiently(full, once)

    def get_json(self, url: str, parameters: Mapping[str, str] | None = None) -> Any:
        """Ask an API; the answer must be JSON.

        Raises:
            DownloadError: as :meth:`get`, or the answer is not JSON.
        """
        answer = self.get(url, parameters)
        try:
            return json.loads(answer.body)
        except ValueError as error:
            start = answer.body[:60].decode("utf-8", "replace").replace("\n", " ")
            raise DownloadError(
                f"{shown(url)}: the answer is not JSON but {start!r}; is this the right address?"
            ) from error

    def fetch(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        sha256: str | None = None,
        size: int | None = None,
        max_bytes: int | None = None,
        kinds: tuple[str, ...] = (),
        progress: Callable[[int], None] = lambda _: None,
    ) -> Path:
        """Download a file, going on where an earlier attempt was cut off.

        What has arrived is kept in ``.NAME.part`` beside the target, which takes its name only
        when size and checksum are right. A file that is already there and right is not asked for.

        Args:
            url: http or https.
            path: where the file is to be.
            sha256: its published checksum. Where none is given but the server states one
                (Hugging Face's ``X-Linked-Etag``), that one is checked.
            size: its published size in bytes.
            max_bytes: a longer file is refused.
            kinds: accepted starts of the content type, any by default.
            progress: called with the number of bytes as they arrive.

        Raises:
            Refused: the server said no.
            DownloadError: the download failed; there is no file under the final name.
        """
        target = Path(path)
        if target.is_file():
            wrong = problem(target, sha256, size)
            if not wrong:
                return target
            raise DownloadError(
                f"{target}: is there already and {wrong}; move it away and run this again"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Part(target.with_name(f".{target.name}.part"), always=sha256 is not None)
        wanted = Wanted(max_bytes, kinds, progress)
        stated = self._patiently(url, lambda: self._fetch_once(url, part, wanted))
        wrong = problem(part.path, sha256 or stated, size)
        if wrong:
            part.forget()
            raise DownloadError(
                f"{shown(url)}: what arrived {wrong}; it was thrown away, run this again "
                "or look for a newer address"
            )
        part.become(target)
        return target

    def _fetch_once(self, url: str, part: Part, wanted: Wanted) -> str | None:
        """One attempt; returns the SHA-256 that the server states, if any."""
        have, condition = part.resume()
        try:
            with self._open(url, condition) as (response, final):
                part.receive(response, have, final, wanted)
                return stated_sha256(response)
        except Refused as refusal:
            if refusal.status == 416 and have:  # nothing is left to send, or the file has changed
                part.forget()
                raise Again("the file on the server has changed") from refusal
            raise
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise DownloadError(
                    f"{part.path.parent}: the disk is full; free some room and run this again, "
                    "it goes on where it stopped"
                ) from error
            raise

    def _patiently(self, url: str, once: Callable[[], T]) -> T:
        """Try again with growing pauses, or as long as the server asks."""
        for attempt in range(self.retries + 1):
            try:
                return once()
            except Again as fault:
                pause = min(60.0, 2.0**attempt) if fault.after_s is None else fault.after_s
                if pause > LONGEST_PAUSE_S:
                    raise DownloadError(
                        f"{shown(url)}: {fault}; the server asks to wait {pause:,.0f} s: "
                        "run this again then, it goes on where it stopped"
                    ) from fault
                if attempt == self.retries:
                    raise DownloadError(
                        f"{shown(url)}: {fault}, {attempt + 1} times; run this again later, "
                        "it goes on where it stopped"
                    ) from fault
                self.clock.sleep(pause)
        raise AssertionError("unreachable")

    def _wait_for_turn(self) -> None:
        if self.per_hour is None:
            return
        now = self.clock.now()
        if now < self._free_at:
            self.clock.sleep(self._free_at - now)
        self._free_at = max(now, self._free_at) + 3600.0 / self.per_hour

    @contextmanager
    def _open(
        self, url: str, extra: Mapping[str, str]
    ) -> Iterator[tuple[http.client.HTTPResponse, str]]:
        """Follow redirects to an answer that has a body to read (200 or 206)."""
        first, linked = urlsplit(url).netloc, None
        for _ in range(self.max_redirects + 1):
            self._wait_for_turn()
            headers = {
                "User-Agent": f"graticule/{__version__}",
                "Accept-Encoding": "identity",
                **extra,
                **(self.headers if urlsplit(url).netloc == first else {}),
            }
            line = connection(url, self.trusted, self.timeout_s)
            try:
                response = _ask(line, url, headers)
                linked = response.headers.get("X-Linked-Etag") or linked
                if response.status in _REDIRECTS and response.headers.get("Location"):
                    url = redirected(url, response.headers["Location"])
                    continue
                raise_for_status(response, url)
                if linked:
                    response.headers["X-Linked-Etag"] = linked
                try:
                    yield response, url
                except (
                    http.client.HTTPException,
                    TimeoutError,
                    ConnectionError,
                    ssl.SSLError,
                ) as e:
                    raise Again(f"the connection broke ({type(e).__name__})") from e
                return
            finally:
                line.close()
        raise DownloadError(f"{shown(url)}: more than {self.max_redirects} redirects; given up")


def _ask(
    line: http.client.HTTPConnection, url: str, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    try:
        line.request("GET", path, headers=dict(headers))
        return line.getresponse()
    except ssl.SSLCertVerificationError as error:
        raise DownloadError(
            f"{shown(url)}: the server's certificate is not trusted ({error.verify_message})"
        ) from error
    except (http.client.InvalidURL, UnicodeError) as error:
        raise DownloadError(f"{shown(url)}: not an address that can be asked for") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise Again(f"no answer ({reason})") from error
