"""Large files are hashed once, again when touched, and never taken on trust from a bad note."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bundles import make_bundle
from graticule import files
from graticule.errors import BundleError
from graticule.systems import checked
from graticule.systems.bundle import Bundle


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own; every file is large, and settled at once."""
    monkeypatch.setattr(checked, "LARGE_BYTES", 0)
    monkeypatch.setattr(checked, "SETTLED_S", 0.0)
    monkeypatch.setenv("GRATICULE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are hashed, as they are."""
    names: list[str] = []
    real = files.sha256

    def noting(path: str | os.PathLike[str]) -> str:
        names.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(files, "sha256", noting)
    return names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle")


def reopened(folder: Path, hashed: list[str]) -> list[str]:
    """The bundle's files that were hashed to open it; its listing always is."""
    hashed.clear()
    Bundle(folder)
    return sorted(name for name in hashed if name != "system.json")


def forget(cache: Path) -> None:
    """Remove what making the bundle noted."""
    for path in (cache / "checked").iterdir():
        path.unlink()


def test_a_large_file_is_hashed_once(cache: Path, folder: Path, hashed: list[str]) -> None:
    Bundle(folder)
    assert reopened(folder, hashed) == []
    assert len(list((cache / "checked").iterdir())) == 4
    assert {path.name for path in folder.iterdir()} == {
        "encoder.onnx", "heads.onnx", "partitions", "system.json",
    }  # fmt: skip
    hashed.clear()
    Bundle(folder, anew=True)
    assert len(hashed) == 5


def test_a_small_file_is_hashed_every_time(
    cache: Path, folder: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked, "LARGE_BYTES", 64 << 20)
    assert len(reopened(folder, hashed)) == 4
    forget(cache)
    assert len(reopened(folder, hashed)) == 4
    assert not list((cache / "checked").iterdir())


@pytest.mark.usefixtures("cache")
def test_a_change_is_noticed_whatever_its_time_says(folder: Path) -> None:
    Bundle(folder)
    file = folder / "heads.onnx"
    before, body = file.stat(), file.read_bytes()
    time.sleep(0.05)  # longer than a tick of the clock of files
    file.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    # Back to its inode, size and time of writing; only the time of the last change tells.
    assert file.stat().st_ctime_ns != before.st_ctime_ns
    with pytest.raises(BundleError, match=r"heads.onnx: checksum differs"):
        Bundle(folder)


@pytest.mark.usefixtures("cache")
def test_another_expected_checksum_is_compared_anew(folder: Path, hashed: list[str]) -> None:
    Bundle(folder)
    listing = folder / "system.json"
    raw = files.read_json(listing)
    raw["files"]["heads.onnx"] = "0" * 64
    files.write_json(listing, raw)
    with pytest.raises(BundleError, match=r"heads.onnx: checksum differs"):
        Bundle(folder)
    assert "heads.onnx" in hashed


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b"\xff\xfe", b'{"sha256": 1}', None])
def test_a_bad_note_is_no_note(
    cache: Path, folder: Path, hashed: list[str], note: bytes | None
) -> None:
    Bundle(folder)
    for path in (cache / "checked").iterdir():
        path.unlink()
        if note is None:
            path.mkdir()  # cannot be read, nor written over
        else:
            path.write_bytes(note)
    assert len(reopened(folder, hashed)) == 4


def test_a_copy_is_hashed_for_itself(
    cache: Path, folder: Path, hashed: list[str], tmp_path: Path
) -> None:
    Bundle(folder)
    folder.rename(tmp_path / "elsewhere")
    assert len(reopened(tmp_path / "elsewhere", hashed)) == 4
    assert len(list((cache / "checked").iterdir())) == 8


def test_a_cache_that_cannot_be_written_does_no_harm(
    cache: Path, folder: Path, hashed: list[str]
) -> None:
    forget(cache)
    (cache / "checked").rmdir()
    (cache / "checked").write_bytes(b"a file where the folder would be")
    assert len(reopened(folder, hashed)) == 4
    assert len(reopened(folder, hashed)) == 4


@pytest.mark.skipif(
    os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root writes everywhere"
)
def test_a_read_only_cache_does_no_harm(cache: Path, folder: Path, hashed: list[str]) -> None:
    forget(cache)
    (cache / "checked").chmod(0o500)
    assert len(reopened(folder, hashed)) == 4
    assert len(reopened(folder, hashed)) == 4
    (cache / "checked").chmod(0o700)


def test_a_file_just_written_is_not_noted(
    cache: Path, folder: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked, "SETTLED_S", 3600.0)
    forget(cache)
    assert len(reopened(folder, hashed)) == 4
    assert len(reopened(folder, hashed)) == 4


def test_info_reads_every_byte(
    cache: Path, folder: Path, hashed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from graticule.cli.app import main

    Bundle(folder)
    hashed.clear()
    with pytest.raises(SystemExit) as ended:
        main(["info", str(folder)])
    assert not ended.value.code
    assert len(hashed) == 5
    assert "4 files" in capsys.readouterr().out
    (folder / "heads.onnx").write_bytes(b"x")
    with pytest.raises(SystemExit) as ended:
        main(["info", str(folder)])
    assert ended.value.code == 1
    assert "checksum differs" in capsys.readouterr().err
