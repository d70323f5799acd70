"""What a server's response says: whether it is an answer, of which kind, and how long."""

from __future__ import annotations

import email.utils
import re
import time
from http.client import HTTPResponse

from graticule.download.addresses import shown
from graticule.download.faults import Again, Refused

#: Statuses after which the same question may be asked again.
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


def raise_for_status(response: HTTPResponse, url: str) -> None:
    """Let a response with a body pass (200 or 206).

    Raises:
        Again: the server asks for patience, or has a fault.
        Refused: it says no.
    """
    if response.status in {200, 206}:
        return
    reason = f"the server answers {response.status} {response.reason}"
    if response.status in RETRIED:
        raise Again(reason, _retry_after(response.headers.get("Retry-After")))
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


def checked_kind(response: HTTPResponse, url: str, kinds: tuple[str, ...]) -> str:
    """The content type in lower case, without parameters.

    Raises:
        Refused: it begins with none of ``kinds``, where there are any.
    """
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kinds and not kind.startswith(kinds):
        raise Refused(
            f"{shown(url)}: sent {kind or 'something without a type'}, not {' or '.join(kinds)}",
            response.status,
        )
    return kind


def length(response: HTTPResponse) -> int | None:
    """Bytes that are to come, None where that is not stated."""
    value = response.headers.get("Content-Length", "")
    return int(value) if value.isdigit() else None


def range_start(response: HTTPResponse) -> int | None:
    """The byte of the file that the body begins with, None where that is not stated."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else None


def stated_sha256(response: HTTPResponse) -> str | None:
    """The checksum of the file that the server states (Hugging Face does), or None."""
    tag = response.headers.get("X-Linked-Etag", "").strip('"')
    return tag if re.fullmatch(r"[0-9a-f]{64}", tag) else None


def check_size(size: int | None, max_bytes: int | None, url: str) -> None:
    """Refuse what is longer than allowed; an unknown size passes.

    Raises:
        Refused: it is.
    """
    if size is not None and max_bytes is not None and size > max_bytes:
        raise Refused(f"{shown(url)}: {size:,} bytes, more than the {max_bytes:,} allowed", 200)


def read_all(response: HTTPResponse, max_bytes: int, url: str) -> bytes:
    """The whole body.

    Raises:
        Refused: it is longer than ``max_bytes``.
        Again: it was cut off.
    """
    expected = length(response)
    check_size(expected, max_bytes, url)
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise Refused(f"{shown(url)}: more than the {max_bytes:,} bytes allowed", 200)
    if expected is not None and len(body) != expected:
        raise Again(f"cut off after {len(body):,} of {expected:,} bytes")
    return body
