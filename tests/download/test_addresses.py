"""Addresses: the local network is closed, and messages keep secrets."""

from __future__ import annotations

import pytest

from graticule.download import is_public, shown


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.8", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("fd00::1", False),
    ],
)
def test_which_addresses_are_the_open_internet(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_messages_show_no_secrets() -> None:
    assert shown("https://me:pw@a.org/x?api_key=1#f") == "https://a.org/x"
