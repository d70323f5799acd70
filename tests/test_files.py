"""A file is whole or it is not there."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from graticule import files
from graticule.errors import GraticuleError


def test_a_file_takes_its_name_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with files.atomic(target) as handle:
        handle.write("one\n")
        assert not target.exists()
    assert target.read_bytes() == b"one\n"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_was_there_stays_when_writing_fails(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("before", encoding="utf-8")

    def fail() -> None:
        with files.atomic(target) as handle:
            handle.write("half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(GraticuleError, match="cannot be written") as caught,
        files.atomic(tmp_path / "file" / "a.txt") as handle,
    ):
        handle.write("x")
    assert "\n" not in str(caught.value)


def test_a_device_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for taken in (pipe, tmp_path):
        with pytest.raises(GraticuleError, match="not a file"), files.atomic(taken) as handle:
            handle.write("x")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "a.txt"
    link.symlink_to("real/a.txt")
    for text in ("one", "two"):
        with files.atomic(link) as handle:
            handle.write(text)
    assert link.is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text(encoding="utf-8") == "two"


def test_a_folder_takes_its_place_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "b"
    for text in ("one", "two"):
        with files.atomic_folder(target) as part:
            assert list(part.iterdir()) == []
            (part / f"{text}.txt").write_text(text, encoding="utf-8")
            assert not (target / f"{text}.txt").exists()
        assert [path.name for path in target.iterdir()] == [f"{text}.txt"]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_a_folder_stays_when_its_successor_fails(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "b"
    target.mkdir()
    (target / "a.txt").write_text("before", encoding="utf-8")

    def fail() -> None:
        with files.atomic_folder(target) as part:
            (part / "a.txt").write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(GraticuleError if error is OSError else error):
        fail()
    assert (target / "a.txt").read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_process_left_of_a_folder_is_cleared_away(tmp_path: Path) -> None:
    target = tmp_path / "b"
    # Killed while it wrote, and killed between the two steps of the exchange.
    for left, text in ((".b.part", "half"), (".b.old", "before")):
        (tmp_path / left).mkdir()
        (tmp_path / left / "a.txt").write_text(text, encoding="utf-8")
    with files.atomic_folder(target) as part:
        assert list(part.iterdir()) == []
        assert (target / "a.txt").read_text(encoding="utf-8") == "before"
        (part / "b.txt").touch()
    assert [path.name for path in target.iterdir()] == ["b.txt"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_linked_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk" / "real").mkdir(parents=True)
    link = tmp_path / "b"
    link.symlink_to("disk/real")
    with files.atomic_folder(link) as part:
        (part / "a.txt").touch()
    assert link.is_symlink()
    assert (tmp_path / "disk" / "real" / "a.txt").is_file()


def test_json_comes_back(tmp_path: Path) -> None:
    value = {"é": [1, 2.5, None], "a": {"b": "\n"}}
    files.write_json(tmp_path / "a.json", value)
    assert files.read_json(tmp_path / "a.json") == value


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_broken_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(GraticuleError, match=r"a\.json: not valid JSON"):
        files.read_json(tmp_path / "a.json")
    with pytest.raises(GraticuleError, match="cannot be read"):
        files.read_json(tmp_path / "none.json")


def test_the_checksum(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 1000)
    assert files.sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 1000).hexdigest()


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRATICULE_CACHE", "own")
    assert files.cache_dir() == Path("own")
    monkeypatch.delenv("GRATICULE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "xdg")
    assert files.cache_dir() == Path("xdg/graticule")
