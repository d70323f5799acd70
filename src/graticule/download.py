"""The only road to the network: polite, resumable, and a file is whole or absent.

Nothing here runs unless a command asks for it. URLs that come out of data (a table, an API's
answer, a redirect) may not point into the local network; only a server that the user named may.
"""

from __future__ import annotations

import email.utils
import errno
import http.client
import ipaddress
import json
import os
import re
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from graticule.errors import DownloadError
from graticule.files import sha256 as sha256_of
from graticule.version import __version__

T = TypeVar("T")

#: Answers after which the same question may be asked again.
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
#: A server that asks for a longer pause than this is left alone: run the command again later.
LONGEST_PAUSE_S = 900.0
_BLOCK = 1 << 16
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


class Refused(DownloadError):  # noqa: N818 - an answer, not a fault of ours
    """The server answered, and asking again will not help.

    Attributes:
        status: the HTTP status.
        body: the first bytes of the answer, for an API's own error message.
    """

    def __init__(self, message: str, status: int, body: bytes = b"") -> None:
        super().__init__(message)
        self.status, self.body = status, body


class _Again(Exception):  # noqa: N818 - never leaves this module
    """A fault that may pass."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


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
                kind = _checked_kind(response, final, kinds)
                body = _read_all(response, max_bytes, final)
                return Answer(body, kind, final)

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
            problem = _problem(target, sha256, size)
            if not problem:
                return target
            raise DownloadError(
                f"{target}: is there already and {problem}; move it away and run this again"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        part = _Part(target.with_name(f".{target.name}.part"), always=sha256 is not None)
        stated = self._patiently(
            url, lambda: self._fetch_once(url, part, max_bytes, kinds, progress)
        )
        problem = _problem(part.path, sha256 or stated, size)
        if problem:
            part.forget()
            raise DownloadError(
                f"{shown(url)}: what arrived {problem}; it was thrown away, run this again "
                "or look for a newer address"
            )
        part.path.replace(target)
        part.tag_path.unlink(missing_ok=True)
        return target

    def _fetch_once(
        self,
        url: str,
        part: _Part,
        max_bytes: int | None,
        kinds: tuple[str, ...],
        progress: Callable[[int], None],
    ) -> str | None:
        """One attempt; returns the SHA-256 that the server states, if any."""
        have, condition = part.resume()
        try:
            with self._open(url, condition) as (response, final):
                start = _range_start(response)
                if response.status == 206 and start == have:
                    mode = "ab"
                elif response.status == 200:
                    mode, have = "wb", 0
                else:
                    part.forget()
                    raise _Again("the server sent another part of the file than was asked for")
                _checked_kind(response, final, kinds)
                expected = _length(response)
                total = None if expected is None else have + expected
                _check_room(part.path, expected, total, max_bytes, final)
                part.remember(response)
                got = _copy(response, part.path, mode, have, max_bytes, final, progress)
                if total is not None and got != total:
                    raise _Again(f"cut off after {got:,} of {total:,} bytes")
                return _stated_sha256(response)
        except Refused as refusal:
            if refusal.status == 416 and have:  # nothing is left to send, or the file has changed
                part.forget()
                raise _Again("the file on the server has changed") from refusal
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
            except _Again as fault:
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
            connection = self._connect(url)
            try:
                response = _ask(connection, url, headers)
                linked = response.headers.get("X-Linked-Etag") or linked
                if response.status in _REDIRECTS and response.headers.get("Location"):
                    url = _next_url(url, response.headers["Location"])
                    continue
                _raise_for_status(response, url)
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
                    raise _Again(f"the connection broke ({type(e).__name__})") from e
                return
            finally:
                connection.close()
        raise DownloadError(f"{shown(url)}: more than {self.max_redirects} redirects; given up")

    def _connect(self, url: str) -> http.client.HTTPConnection:
        parts = urlsplit(url)
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise DownloadError(f"{shown(url)}: the port is not a number") from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise DownloadError(f"{shown(url)}: only http and https addresses are downloaded")
        if parts.username or parts.password:
            raise DownloadError(f"{shown(url)}: an address with a user name is not followed")
        address = self._address(parts.hostname, port, url)
        if parts.scheme == "http":
            return _Http(parts.hostname, port, address, self.timeout_s)
        return _Https(parts.hostname, port, address, self.timeout_s)

    def _address(self, host: str, port: int, url: str) -> str:
        """The numeric address of a host, checked; connecting to it leaves no second look-up."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _Again(f"no such server as {host!r}, or no network") from error
        addresses = [str(entry[4][0]) for entry in found]
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" not in {name.rstrip("/") for name in self.trusted}:
            for address in addresses:
                if not is_public(address):
                    raise DownloadError(
                        f"{shown(url)}: points into the local network ({address}); not followed"
                    )
        return addresses[0]


def is_public(address: str) -> bool:
    """Whether a numeric IP address belongs to the open Internet."""
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


def shown(url: str) -> str:
    """A URL as messages show it: without the part behind "?", where keys are, or a password."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class _Http(http.client.HTTPConnection):
    """A connection to an address that has been checked."""

    def __init__(self, host: str, port: int, address: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self.address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), self.timeout)


class _Https(http.client.HTTPSConnection):
    """The same, encrypted; the certificate is that of the host's name."""

    def __init__(self, host: str, port: int, address: str, timeout: float) -> None:
        self.tls = ssl.create_default_context()
        super().__init__(host, port, timeout=timeout, context=self.tls)
        self.address = address

    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), self.timeout)
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)


@dataclass(frozen=True)
class _Part:
    """What has arrived of a file, and the tag of the version it belongs to."""

    path: Path
    always: bool  # a checksum will tell, so that no tag is needed to go on

    @property
    def tag_path(self) -> Path:
        return self.path.with_name(self.path.name + ".tag")

    def resume(self) -> tuple[int, dict[str, str]]:
        """Bytes that are there, and the headers that ask for the rest of the same version."""
        have = self.path.stat().st_size if self.path.is_file() else 0
        tag = self.tag_path.read_text(encoding="utf-8") if self.tag_path.is_file() else ""
        if not have or not (tag or self.always):
            return 0, {}
        return have, {"Range": f"bytes={have}-", **({"If-Range": tag} if tag else {})}

    def remember(self, response: http.client.HTTPResponse) -> None:
        """Keep the version's tag; a weak one does not promise the same bytes."""
        tag = response.headers.get("ETag", "")
        if not tag or tag.startswith("W/"):
            tag = response.headers.get("Last-Modified", "")
        self.tag_path.write_text(tag, encoding="utf-8")

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self.tag_path.unlink(missing_ok=True)


def _ask(
    connection: http.client.HTTPConnection, url: str, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    try:
        connection.request("GET", path, headers=dict(headers))
        return connection.getresponse()
    except ssl.SSLCertVerificationError as error:
        raise DownloadError(
            f"{shown(url)}: the server's certificate is not trusted ({error.verify_message})"
        ) from error
    except (http.client.InvalidURL, UnicodeError) as error:
        raise DownloadError(f"{shown(url)}: not an address that can be asked for") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise _Again(f"no answer ({reason})") from error


def _next_url(url: str, location: str) -> str:
    target = urljoin(url, location)
    if url.startswith("https:") and not target.startswith("https:"):
        raise DownloadError(f"{shown(url)}: points to an address without encryption; not followed")
    return target


def _raise_for_status(response: http.client.HTTPResponse, url: str) -> None:
    if response.status in {200, 206}:
        return
    reason = f"the server answers {response.status} {response.reason}"
    if response.status in RETRIED:
        raise _Again(reason, _retry_after(response.headers.get("Retry-After")))
    raise Refused(f"{shown(url)}: {reason}", response.status, response.read(4096))


def _retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date."""
    if not value:
        return None
    if re.fullmatch(r"\d{1,9}", value.strip()):
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def _checked_kind(response: http.client.HTTPResponse, url: str, kinds: tuple[str, ...]) -> str:
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kinds and not kind.startswith(kinds):
        raise Refused(
            f"{shown(url)}: sent {kind or 'something without a type'}, not {' or '.join(kinds)}",
            response.status,
        )
    return kind


def _length(response: http.client.HTTPResponse) -> int | None:
    value = response.headers.get("Content-Length", "")
    return int(value) if value.isdigit() else None


def _range_start(response: http.client.HTTPResponse) -> int | None:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else None


def _stated_sha256(response: http.client.HTTPResponse) -> str | None:
    tag = response.headers.get("X-Linked-Etag", "").strip('"')
    return tag if re.fullmatch(r"[0-9a-f]{64}", tag) else None


def _read_all(response: http.client.HTTPResponse, max_bytes: int, url: str) -> bytes:
    expected = _length(response)
    if expected is not None and expected > max_bytes:
        raise Refused(f"{shown(url)}: {expected:,} bytes, more than the {max_bytes:,} allowed", 200)
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise Refused(f"{shown(url)}: more than the {max_bytes:,} bytes allowed", 200)
    if expected is not None and len(body) != expected:
        raise _Again(f"cut off after {len(body):,} of {expected:,} bytes")
    return body


def _check_room(
    part: Path, expected: int | None, total: int | None, max_bytes: int | None, url: str
) -> None:
    if total is not None and max_bytes is not None and total > max_bytes:
        raise Refused(f"{shown(url)}: {total:,} bytes, more than the {max_bytes:,} allowed", 200)
    free = shutil.disk_usage(part.parent).free
    if expected is not None and expected > free:
        raise DownloadError(
            f"{part.parent}: {expected / 1e6:,.0f} MB are still to come and {free / 1e6:,.0f} MB "
            "are free; free some room, or choose another folder with -o"
        )


def _copy(
    response: http.client.HTTPResponse,
    part: Path,
    mode: str,
    have: int,
    max_bytes: int | None,
    url: str,
    progress: Callable[[int], None],
) -> int:
    """Write the body as it arrives; returns the bytes that are there now."""
    with part.open(mode) as handle:
        while block := response.read(_BLOCK):
            handle.write(block)
            have += len(block)
            progress(len(block))
            if max_bytes is not None and have > max_bytes:
                raise Refused(f"{shown(url)}: more than the {max_bytes:,} bytes allowed", 200)
        handle.flush()
        if part.is_file():
            os.fsync(handle.fileno())
    return have


def _problem(path: Path, sha256: str | None, size: int | None) -> str:
    """What is wrong with a file, "" if nothing."""
    if size is not None and path.stat().st_size != size:
        return f"has {path.stat().st_size:,} bytes instead of {size:,}"
    if sha256 is not None:
        found = sha256_of(path)
        if found != sha256.lower():
            return f"has SHA-256 {found[:12]}… instead of {sha256[:12]}…"
    return ""
