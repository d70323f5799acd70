"""Addresses: which of them may be asked, how messages show them, and the way to each."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit, urlunsplit

from graticule.download.faults import Again
from graticule.errors import DownloadError


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


def redirected(url: str, location: str) -> str:
    """Where an answer from ``url`` points to.

    Raises:
        DownloadError: from an encrypted address to one that is not.
    """
    target = urljoin(url, location)
    if url.startswith("https:") and not target.startswith("https:"):
        raise DownloadError(f"{shown(url)}: points to an address without encryption; not followed")
    return target


def connection(url: str, trusted: Iterable[str], timeout_s: float) -> http.client.HTTPConnection:
    """A connection, not yet open, to the server of a URL.

    Args:
        url: http or https.
        trusted: servers the user named ("http://127.0.0.1:8000"); only these may be local.
        timeout_s: how long a silent server is waited for.

    Raises:
        DownloadError: the address is not one that may be asked.
        Again: there is no such server, or no network.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise DownloadError(f"{shown(url)}: the port is not a number") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise DownloadError(f"{shown(url)}: only http and https addresses are downloaded")
    if parts.username or parts.password:
        raise DownloadError(f"{shown(url)}: an address with a user name is not followed")
    local = f"{parts.scheme}://{parts.netloc}" in {name.rstrip("/") for name in trusted}
    address = _numeric(parts.hostname, port, url, may_be_local=local)
    kind = _Http if parts.scheme == "http" else _Https
    return kind(parts.hostname, port, address, timeout_s)


def _numeric(host: str, port: int, url: str, *, may_be_local: bool) -> str:
    """The numeric address of a host, checked; connecting to it leaves no second look-up."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Again(f"no such server as {host!r}, or no network") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not (may_be_local or is_public(address)):
            raise DownloadError(
                f"{shown(url)}: points into the local network ({address}); not followed"
            )
    return addresses[0]


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
