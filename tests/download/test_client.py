from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.download import Client, Refused
from graticule.errors import DownloadError
from local_server import LocalServer, Reply, Stopwatch

BODY = bytes(range(256)) * 2000


def client(server: LocalServer, **options: object) -> Client:
    options = {"clock": Stopwatch(), "trusted": (server.url,), **options}
    return Client(**options)  # type: ignore[arg-type]


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_with_size_and_checksum(server: LocalServer, tmp_path: Path) -> None:
    server.file("/a.bin", BODY)
    seen: list[int] = []
    path = client(server).fetch(
        f"{server.url}/a.bin",
        tmp_path / "deep" / "a.bin",
        sha256=hashlib.sha256(BODY).hexdigest(),
        size=len(BODY),
        progress=seen.append,
    )
    assert path.read_bytes() == BODY
    assert sum(seen) == len(BODY)
    assert leftovers(path.parent) == ["a.bin"]


def test_a_file_that_is_there_is_not_asked_for_again(server: LocalServer, tmp_path: Path) -> None:
    server.file("/a.bin", BODY)
    for _ in range(2):
        client(server).fetch(f"{server.url}/a.bin", tmp_path / "a.bin", size=len(BODY))
    assert len(server.asked) == 1


def test_another_file_under_the_name_is_left_alone(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"mine")
    with pytest.raises(DownloadError, match="there already and has 4 bytes"):
        client(server).fetch(f"{server.url}/a.bin", tmp_path / "a.bin", size=len(BODY))
    assert (tmp_path / "a.bin").read_bytes() == b"mine"


def test_a_wrong_checksum_leaves_nothing(server: LocalServer, tmp_path: Path) -> None:
    server.file("/a.bin", BODY)
    with pytest.raises(DownloadError, match="SHA-256"):
        client(server).fetch(f"{server.url}/a.bin", tmp_path / "a.bin", sha256="0" * 64)
    assert leftovers(tmp_path) == []


def test_a_checksum_that_the_server_states_is_checked(server: LocalServer, tmp_path: Path) -> None:
    tag = {"X-Linked-Etag": '"' + "0" * 64 + '"', "Location": "/real"}
    server.route("/a.bin", Reply(status=302, headers=tag))
    server.file("/real", BODY)
    with pytest.raises(DownloadError, match="SHA-256"):
        client(server).fetch(f"{server.url}/a.bin", tmp_path / "a.bin")


def test_a_cut_body_is_gone_on_with_not_begun_again(server: LocalServer, tmp_path: Path) -> None:
    server.file("/a.bin", BODY)
    whole = server.routes["/a.bin"]
    cut = Reply(BODY, headers={"ETag": '"v1"'}, cut_at=200_000)
    server.route("/a.bin", cut, whole)
    path = client(server).fetch(f"{server.url}/a.bin", tmp_path / "a.bin")
    assert path.read_bytes() == BODY
    assert server.asked[1].headers["range"] == "bytes=200000-"
    assert server.asked[1].headers["if-range"] == '"v1"'


@given(cut=st.integers(0, 999), changed=st.booleans(), tagged=st.booleans())
def test_resumed_anywhere_the_file_is_the_servers(
    tmp_path_factory: pytest.TempPathFactory, cut: int, changed: bool, tagged: bool
) -> None:
    folder = tmp_path_factory.mktemp("resume")
    old, new = b"a" * 1000, (b"b" if changed else b"a") * 1000
    (folder / ".x.part").write_bytes(old[:cut])
    if tagged:
        (folder / ".x.part.tag").write_text('"old"')
    with LocalServer().running() as server:
        server.file("/x", new, tag='"new"' if changed else '"old"')
        client(server).fetch(f"{server.url}/x", folder / "x")
    assert (folder / "x").read_bytes() == new
    assert leftovers(folder) == ["x"]


def test_a_whole_part_and_a_changed_file_are_told_apart(
    server: LocalServer, tmp_path: Path
) -> None:
    server.file("/x", b"12345", tag='"v1"')
    (tmp_path / ".x.part").write_bytes(b"12345")
    (tmp_path / ".x.part.tag").write_text('"v1"')
    assert client(server).fetch(f"{server.url}/x", tmp_path / "x").read_bytes() == b"12345"


def test_passing_faults_are_waited_out(server: LocalServer) -> None:
    clock = Stopwatch()
    server.route(
        "/api",
        Reply(status=500),
        Reply(status=429, headers={"Retry-After": "7"}),
        Reply(status=503),
        Reply(b'{"ok": 1}', kind="application/json"),
    )
    assert client(server, clock=clock).get_json(f"{server.url}/api") == {"ok": 1}
    assert clock.slept == [1.0, 7.0, 4.0]


def test_retry_after_may_be_a_date(server: LocalServer) -> None:
    clock = Stopwatch()
    date = formatdate(time.time() + 120, usegmt=True)
    server.route("/api", Reply(status=429, headers={"Retry-After": date}), Reply(b"1"))
    client(server, clock=clock).get(f"{server.url}/api")
    assert 110 < clock.slept[0] <= 120


def test_a_long_pause_is_told_not_slept(server: LocalServer) -> None:
    clock = Stopwatch()
    server.route("/api", Reply(status=429, headers={"Retry-After": "7200"}))
    with pytest.raises(DownloadError, match="wait 7,200 s"):
        client(server, clock=clock).get(f"{server.url}/api")
    assert clock.slept == []


def test_a_broken_server_is_given_up_in_one_line(server: LocalServer) -> None:
    server.route("/api", Reply(status=500))
    with pytest.raises(DownloadError, match=r"answers 500 .*, 3 times") as caught:
        client(server, retries=2).get(f"{server.url}/api", {"api_key": "secret"})
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_refusal_is_not_repeated(server: LocalServer) -> None:
    with pytest.raises(Refused) as caught:
        client(server).get(f"{server.url}/missing")
    assert caught.value.status == 404
    assert len(server.asked) == 1


def test_requests_are_spaced(server: LocalServer) -> None:
    clock = Stopwatch()
    polite = client(server, per_hour=3600, clock=clock)
    server.route("/api", Reply(b"{}"))
    for _ in range(5):
        polite.get(f"{server.url}/api")
    assert clock.slept == [1.0] * 4


def test_redirects_are_followed_but_not_for_ever(server: LocalServer) -> None:
    server.route("/moved", Reply(status=301, headers={"Location": "/here"}))
    server.route("/here", Reply(b"found"))
    server.route("/loop", Reply(status=302, headers={"Location": "/loop"}))
    answer = client(server).get(f"{server.url}/moved")
    assert (answer.body, answer.url) == (b"found", f"{server.url}/here")
    with pytest.raises(DownloadError, match="more than 5 redirects"):
        client(server).get(f"{server.url}/loop")


def test_the_local_network_is_closed_to_data(server: LocalServer) -> None:
    server.route("/", Reply(b"secret"))
    with pytest.raises(DownloadError, match="local network"):
        client(server, trusted=()).get(server.url)
    assert server.asked == []


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:9/",
        "//10.1/",
    ],
)
def test_a_redirect_into_the_local_network_is_refused(server: LocalServer, target: str) -> None:
    server.route("/out", Reply(status=302, headers={"Location": target}))
    with pytest.raises(DownloadError, match="local network"):
        client(server).get(f"{server.url}/out")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/y", "http://", "http://u:p@1.1.1.1"]
)
def test_only_plain_web_addresses_are_asked(url: str) -> None:
    with pytest.raises(DownloadError):
        Client(clock=Stopwatch()).get(url)


def test_a_key_is_not_sent_to_another_server(server: LocalServer) -> None:
    with LocalServer().running() as other:
        server.route("/out", Reply(status=302, headers={"Location": f"{other.url}/in"}))
        other.route("/in", Reply(b"x"))
        headers = {"Authorization": "OAuth key"}
        client(server, trusted=(server.url, other.url), headers=headers).get(f"{server.url}/out")
        assert server.asked[0].headers["authorization"] == "OAuth key"
        assert "authorization" not in other.asked[0].headers


def test_kind_and_size_are_checked(server: LocalServer, tmp_path: Path) -> None:
    server.route("/page", Reply(b"<html>", kind="text/html; charset=utf-8"))
    server.route("/big", Reply(b"x" * 5000, kind="image/jpeg"))
    with pytest.raises(Refused, match="sent text/html, not image/"):
        client(server).get(f"{server.url}/page", kinds=("image/",))
    with pytest.raises(Refused, match="5,000 bytes, more than the 1,000"):
        client(server).get(f"{server.url}/big", max_bytes=1000)
    with pytest.raises(Refused, match="5,000 bytes, more than the 1,000"):
        client(server).fetch(f"{server.url}/big", tmp_path / "big", max_bytes=1000)
    assert leftovers(tmp_path) == []


def test_json_that_is_a_web_page_says_so(server: LocalServer) -> None:
    server.route("/api", Reply(b"<html>login</html>"))
    with pytest.raises(DownloadError, match="not JSON but '<html>login"):
        client(server).get_json(f"{server.url}/api")


def test_too_little_room_is_seen_before_it_is_filled(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.file("/a.bin", BODY)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(DownloadError, match="free some room"):
        client(server).fetch(f"{server.url}/a.bin", tmp_path / "a.bin")
    assert leftovers(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_is_one_line(server: LocalServer, tmp_path: Path) -> None:
    server.file("/a.bin", BODY)
    (tmp_path / ".a.bin.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="the disk is full"):
        client(server).fetch(f"{server.url}/a.bin", tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()


SCRIPT = """
import sys
from graticule.download import Client
url, path = sys.argv[1:]
Client(trusted=(url.rsplit("/", 1)[0],)).fetch(url, path)
"""


def test_killed_in_the_middle_it_goes_on_where_it_was(server: LocalServer, tmp_path: Path) -> None:
    body = os.urandom(1 << 20) * 4
    server.file("/a.bin", body, pause_s=0.03)
    target, part = tmp_path / "a.bin", tmp_path / ".a.bin.part"
    command = [sys.executable, "-c", SCRIPT, f"{server.url}/a.bin", str(target)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 60
    while not (part.is_file() and part.stat().st_size > 300_000):
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    kept = part.stat().st_size
    assert 300_000 < kept < len(body)
    server.file("/a.bin", body)
    subprocess.run(command, env=environment, check=True, timeout=60)
    assert target.read_bytes() == body
    assert server.asked[-1].headers["range"] == f"bytes={kept}-"
    assert leftovers(tmp_path) == ["a.bin"]
