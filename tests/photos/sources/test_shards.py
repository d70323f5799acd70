from __future__ import annotations

import contextlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.errors import GraticuleError
from graticule.photos.sources import shards
from made_photos import pack, save


def tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return path


@given(
    records=st.lists(
        st.tuples(st.text(min_size=1, max_size=60), st.binary(max_size=70)), max_size=5
    )
)
def test_what_was_packed_comes_back(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[str, bytes]]
) -> None:
    body = b"".join(pack({"image": image, "id": name}) for name, image in records)
    shard = save(tmp_path_factory.mktemp("s") / "a.msg", body)
    assert list(shards.photos_of(shard)) == records


@given(st.binary(max_size=200))
def test_any_bytes_are_photos_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    shard = save(tmp_path_factory.mktemp("s") / "a.msg", body)
    with contextlib.suppress(GraticuleError):  # and nothing else
        list(shards.photos_of(shard))


def test_old_msgpack_with_bytes_as_text(tmp_path: Path) -> None:
    raw = b"\x82\xa5image\xa4\xff\xd8\xff\xd9\xa2id\xa1x"
    assert list(shards.photos_of(save(tmp_path / "a.msg", raw))) == [("x", b"\xff\xd8\xff\xd9")]


def test_a_cut_shard_is_named(tmp_path: Path) -> None:
    body = pack({"image": b"x" * 300, "id": "a"})
    for cut in (1, 10, len(body) - 1):
        shard = save(tmp_path / "a.msg", body[:cut])
        with pytest.raises(GraticuleError, match=r"a\.msg"):
            list(shards.photos_of(shard))


def test_webdataset_tars_give_their_pictures(tmp_path: Path) -> None:
    shard = tar(tmp_path / "0.tar", {"7.jpg": b"a", "7.json": b"{}", "d/8.png": b"b"})
    assert list(shards.photos_of(shard)) == [("7.jpg", b"a"), ("d/8.png", b"b")]
    save(tmp_path / "1.tar", shard.read_bytes()[:700])
    with pytest.raises(GraticuleError, match="breaks off"):
        list(shards.photos_of(tmp_path / "1.tar"))


def test_unpacking_keeps_what_is_there_and_stays_inside(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    save(
        folder / "a.msg",
        pack({"image": b"new", "id": "x/1.jpg"}) + pack({"image": b"2", "id": "2"}),
    )
    save(out / "x/1.jpg", b"old")
    assert shards.unpack(folder, out) == 2
    assert (out / "x/1.jpg").read_bytes() == b"old"
    assert (out / "2.jpg").read_bytes() == b"2"
    save(folder / "b.msg", pack({"image": b"evil", "id": "../evil.jpg"}))
    with pytest.raises(GraticuleError, match="leaves its folder"):
        shards.unpack(folder, out)
    assert not (tmp_path / "evil.jpg").exists()


def test_limit_and_an_empty_folder(tmp_path: Path) -> None:
    save(tmp_path / "a.msg", b"".join(pack({"image": b"x", "id": str(n)}) for n in range(5)))
    assert shards.unpack(tmp_path, tmp_path / "out", limit=3) == 3
    assert len(list((tmp_path / "out").iterdir())) == 3
    (tmp_path / "none").mkdir()
    with pytest.raises(GraticuleError, match=r"no \.msg"):
        shards.unpack(tmp_path / "none", tmp_path / "out")
