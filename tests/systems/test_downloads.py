"""Weights fetched from a local server that plays the hub, and what goes wrong on the way."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path

import pytest

from graticule.download import Clock
from graticule.errors import BundleError, DownloadError
from graticule.systems import downloads
from graticule.systems.downloads import DOWNLOADS, Downloadable, Weights, fetch, find_weights
from local_server import LocalServer, Reply, Stopwatch

CONTENT = {"config.json": b'{"a": 1}', "model.safetensors": bytes(range(256)) * 2000}


@pytest.fixture
def tiny() -> Downloadable:
    files = tuple(
        Weights(name, hashlib.sha256(body).hexdigest(), len(body)) for name, body in CONTENT.items()
    )
    return dataclasses.replace(DOWNLOADS["geoclip"], weights=files)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Clock = Stopwatch()
    made = downloads.Client
    monkeypatch.setattr(downloads, "Client", lambda **given: made(clock=clock, **given))


def path(model: Downloadable, name: str) -> str:
    return f"/{model.repository}/resolve/{model.revision}/{name}"


def serve(server: LocalServer, model: Downloadable) -> None:
    for name, body in CONTENT.items():
        server.file(path(model, name), body)


def test_all_files_come_and_are_not_asked_for_twice(
    server: LocalServer, tiny: Downloadable, tmp_path: Path
) -> None:
    serve(server, tiny)
    folder = fetch(tiny, tmp_path, server.url, trusted=(server.url,))
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == CONTENT
    fetch(tiny, tmp_path, server.url, trusted=(server.url,))
    assert len(server.asked) == len(CONTENT)


def test_half_a_download_goes_on_where_it_stopped(
    server: LocalServer, tiny: Downloadable, tmp_path: Path
) -> None:
    serve(server, tiny)
    whole = server.routes[path(tiny, "model.safetensors")]
    body = CONTENT["model.safetensors"]
    server.route(
        path(tiny, "model.safetensors"), Reply(body, headers={"ETag": '"v1"'}, cut_at=70_000), whole
    )
    fetch(tiny, tmp_path, server.url, trusted=(server.url,))
    assert (tmp_path / "model.safetensors").read_bytes() == body
    ranges = [asked.headers["range"] for asked in server.asked if "range" in asked.headers]
    assert len(ranges) == 1
    assert int(ranges[0].removeprefix("bytes=").rstrip("-")) > 0


def test_other_bytes_are_thrown_away(
    server: LocalServer, tiny: Downloadable, tmp_path: Path
) -> None:
    serve(server, tiny)
    server.file(path(tiny, "model.safetensors"), CONTENT["model.safetensors"][::-1])
    with pytest.raises(DownloadError, match="SHA-256") as raised:
        fetch(tiny, tmp_path, server.url, trusted=(server.url,))
    assert "\n" not in str(raised.value)
    assert "--from FOLDER" in str(raised.value)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json"]


def test_no_network_names_the_other_way(tiny: Downloadable, tmp_path: Path) -> None:
    dead = "http://127.0.0.1:9"
    with pytest.raises(DownloadError, match="graticule models lists what runs now"):
        fetch(tiny, tmp_path, dead, trusted=(dead,))


def test_a_network_that_goes_away_in_the_middle_leaves_what_came(
    server: LocalServer, tiny: Downloadable, tmp_path: Path
) -> None:
    serve(server, tiny)
    name = path(tiny, "model.safetensors")
    whole, body = server.routes[name], CONTENT["model.safetensors"]
    begun = Reply(body, headers={"ETag": '"v1"'}, cut_at=70_000)
    server.route(name, begun, Reply(b"", status=503))
    with pytest.raises(DownloadError, match="--from FOLDER") as raised:
        fetch(tiny, tmp_path, server.url, trusted=(server.url,))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "model.safetensors").exists()
    server.routes[name] = whole
    server.asked.clear()
    fetch(tiny, tmp_path, server.url, trusted=(server.url,))
    assert (tmp_path / "model.safetensors").read_bytes() == body
    (again,) = server.asked
    assert int(again.headers["range"].removeprefix("bytes=").rstrip("-")) > 0, "it went on"


def test_weights_are_found_in_a_folder_and_in_a_hubs_cache(
    tiny: Downloadable, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    for name, body in CONTENT.items():
        (plain / name).write_bytes(body)
    assert find_weights(plain, tiny) == plain
    (plain / "config.json").rename(plain / "other.json")
    with pytest.raises(BundleError, match=r"plain: no config\.json of openai"):
        find_weights(plain, tiny)
    (plain / "other.json").rename(plain / "config.json")
    snapshot = "hub/models--openai--clip-vit-large-patch14/snapshots/abc"
    kept = tmp_path / "cache" / snapshot
    shutil.copytree(plain, kept)
    assert find_weights(tmp_path / "cache", tiny) == kept
    assert find_weights(kept.parents[1], tiny) == kept
    (kept / "config.json").unlink()
    with pytest.raises(BundleError, match=r"no config\.json and model\.safetensors"):
        find_weights(tmp_path / "cache", tiny)


def test_other_weights_than_the_published_are_said(tiny: Downloadable, tmp_path: Path) -> None:
    for name, body in CONTENT.items():
        (tmp_path / name).write_bytes(body)
    said: list[str] = []
    downloads.check_weights(tmp_path, tiny, said.append)
    assert not said
    (tmp_path / "model.safetensors").write_bytes(b"mine")
    downloads.check_weights(tmp_path, tiny, said.append)
    assert len(said) == 1
    assert "not the published weights" in said[0]


def test_a_full_disk_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="free some room"):
        downloads.check_room(tmp_path / "not" / "yet", 1 << 60)
    downloads.check_room(tmp_path / "not" / "yet", 1)
