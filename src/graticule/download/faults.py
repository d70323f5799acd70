"""What may go wrong between us and a server: a refusal, or a fault that may pass."""

from __future__ import annotations

from graticule.errors import DownloadError


class Refused(DownloadError):  # noqa: N818 - an answer, not a fault of ours
    """The server answered, and asking again will not help.

    Attributes:
        status: the HTTP status.
        body: the first bytes of the answer, for an API's own error message.
    """

    def __init__(self, message: str, status: int, body: bytes = b"") -> None:
        super().__init__(message)
        self.status, self.body = status, body


class Again(Exception):  # noqa: N818 - never leaves this package
    """A fault that may pass: the same question may be asked again.

    Attributes:
        after_s: the pause that the server asks for, None where it names none.
    """

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s
