"""What a person names becomes photos, lazily, whatever the names look like."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from graticule.errors import GraticuleError
from graticule.photos.inputs import find_photos


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_folder_is_searched_to_any_depth_in_order(tmp_path: Path) -> None:
    names = [
        "b.JPG",
        "a.jpeg",
        "deep/er/c.heic",
        "deep/d.png",
        "notes.txt",
        ".hidden.jpg",
        ".x/e.jpg",
    ]
    for name in names:
        touch(tmp_path / name)
    found = [Path(p).relative_to(tmp_path).as_posix() for p in find_photos([tmp_path])]
    assert found == ["a.jpeg", "b.JPG", "deep/d.png", "deep/er/c.heic"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a.jpg")
    (tmp_path / "in" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    found = [Path(p).name for p in find_photos([tmp_path])]
    # The link to itself is named, so that its answer can say what it is.
    assert found == ["self.jpg", "a.jpg"]


def test_patterns(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "in/c.jpg", "b.txt"):
        touch(tmp_path / name)
    assert [Path(p).name for p in find_photos([f"{tmp_path}/*.jpg"])] == ["a.jpg", "b.jpg"]
    deep = find_photos([f"{tmp_path}/**/*.jpg"])
    assert [Path(p).name for p in deep] == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_file_called_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    odd = touch(tmp_path / "a[1].jpg")
    assert list(find_photos([odd])) == [str(odd)]


def test_a_file_that_is_not_there_is_given_all_the_same() -> None:
    assert list(find_photos(["none.jpg"])) == ["none.jpg"]


def test_what_gives_no_photo_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    there = touch(tmp_path / "a.jpg")
    table = tmp_path / "t.csv"
    table.write_text("lat,lon\n1,2\n", encoding="utf-8")
    said: list[str] = []
    arguments = [tmp_path / "empty", f"{tmp_path}/*.png", table, there]
    assert list(find_photos(arguments, said.append)) == [str(there)]
    assert "no photos in this folder" in said[0]
    assert "no file fits" in said[1]
    assert "no column 'path'" in said[2]
    with pytest.raises(GraticuleError, match="no photos in this folder"):
        list(find_photos([tmp_path / "empty"]))


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: object) -> None:
    closed = tmp_path / "closed"
    touch(closed / "a.jpg")
    touch(tmp_path / "b.jpg")
    closed.chmod(0)
    if os.access(closed, os.R_OK):
        closed.chmod(0o755)
        pytest.skip("root reads every folder")
    said: list[str] = []
    found = list(find_photos([tmp_path], said.append))
    closed.chmod(0o755)
    assert [Path(p).name for p in found] == ["b.jpg"]
    assert "cannot be read" in said[0]


def test_a_manifest_gives_its_paths_beside_itself(tmp_path: Path) -> None:
    table = tmp_path / "photos.csv"
    table.write_text("\ufeffpath;city\nin/a.jpg;Graz\n../c.jpg;Graz\nb.jpg;\n", encoding="utf-8")
    said: list[str] = []
    found = list(find_photos([table], said.append))
    assert found == [str(tmp_path / "in/a.jpg"), str(tmp_path / "b.jpg")]
    assert "leaves its folder" in said[0]
    table.write_bytes(b"path\n\xff\xfe\x00,,,\n")
    list(find_photos([table], said.append))
    assert all("\n" not in line for line in said)


def from_stdin(given: bytes) -> list[bytes]:
    script = (
        "import os, sys; from graticule.photos.inputs import find_photos\n"
        "for p in find_photos(['-']): sys.stdout.buffer.write(os.fsencode(p) + b'|')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], input=given, capture_output=True, check=True
    )
    return ran.stdout.split(b"|")[:-1]


def test_a_list_on_stdin() -> None:
    assert from_stdin(b"a.jpg\nb c.jpg\r\n\nlast.jpg") == [b"a.jpg", b"b c.jpg", b"last.jpg"]
    assert from_stdin(b"") == []


def test_names_that_are_not_text_come_through_stdin() -> None:
    odd = [b"new\nline.jpg", b"caf\xe9.jpg", b'"quote\'s".jpg', "😀.jpg".encode()]
    assert from_stdin(b"\0".join(odd) + b"\0") == odd
    assert from_stdin(b"\n".join(odd[1:])) == odd[1:]


def test_odd_names_in_a_folder(tmp_path: Path) -> None:
    odd = [b"new\nline.jpg", b"caf\xe9.jpg", b'"quote\'s".jpg', "😀.jpg".encode()]
    for name in odd:
        touch(tmp_path / os.fsdecode(name))
    found = [os.fsencode(Path(p).name) for p in find_photos([tmp_path])]
    assert sorted(found) == sorted(odd)


def test_a_million_names_are_not_held() -> None:
    def endless() -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield f"{number:0240d}.jpg"

    list(find_photos(["first.jpg"]))  # what the first call imports is no name
    tracemalloc.start()
    for _ in islice(find_photos(endless()), 20_000):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Held, the names alone would be 5.8 MB.
    assert peak < 3_000_000


def test_a_name_that_is_too_long_is_passed_on() -> None:
    names = ["x" * 300 + ".jpg", "y" * 5000 + ".csv", "nul\0.jpg"]
    assert list(find_photos(names)) == names
