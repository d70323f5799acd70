"""Fixtures every test may use, and the wall: nothing in a test reaches past this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from local_server import LocalServer

if TYPE_CHECKING:
    from graticule.photos.manifest import Manifest

# No test asserts a time: a busy machine is no failure.
settings.register_profile("graticule", deadline=None)
# The profile of CI by this name came with a later hypothesis than the lowest that is allowed.
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("graticule")

#: Real photos and weights for development lie beside a checkout on the makers' machines.
SHARED = Path(os.environ.get("GRATICULE_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development photos and weights; skips where it is absent."""
    if not (SHARED / "photos" / "manifest.csv").is_file():
        pytest.skip("needs the development photos in ../shared, which are not here")
    return SHARED


@pytest.fixture(scope="session")
def planet(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A synthetic planet: 300 photos of six countries, GPS in the files; only read it."""
    from graticule.photos.planet import make

    folder = tmp_path_factory.mktemp("planet")
    return make(folder, 300, countries=6, seed=7, size=(96, 72), exif=True)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection but loopback, so that a hidden download fails its test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])  # type: ignore[index]
            if not (host.startswith("127.") or host in {"::1", "localhost"}):
                raise OSError(f"the network is closed in tests: {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep caches of tests out of the user's own."""
    monkeypatch.setenv("GRATICULE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """A web server on 127.0.0.1; give it routes, and read what it was asked."""
    with LocalServer().running() as running:
        yield running


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle folder of a tiny model that tells colours apart; see `bundles.py`."""
    from bundles import make_bundle

    return make_bundle(tmp_path_factory.mktemp("models") / "colours")
