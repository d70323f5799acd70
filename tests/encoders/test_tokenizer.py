"""Texts as numbers: bytes there and back, and CLIP's pieces as transformers cuts them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.encoders.tokenizer import ByteTokenizer, ClipTokenizer, read, read_clip
from graticule.errors import BundleError
from tiny_clip import write_pieces

LINES = [
    "A photo taken near Agra in Uttar Pradesh, India.",
    "  France's   PHOTO!! 1234 don't we'll…",
    "भारत के राजस्थान में ली गई तस्वीर।",
    "Māngrol São 東京 ½ x_y",
    "",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("pieces")
    write_pieces(where)
    return where


@given(st.lists(st.text(max_size=30), max_size=5))
def test_bytes_come_back(texts: list[str]) -> None:
    ids = ByteTokenizer(200)(texts)
    assert ids.shape[0] == len(texts)
    for row, text in zip(ids, texts, strict=True):
        assert bytes((row[row > 0] - 1).astype(np.uint8)) == text.encode()[:200]


def test_long_texts_are_cut() -> None:
    assert ByteTokenizer(8)(["x" * 20, "y"]).shape == (2, 8)


def test_clip_pieces_have_a_start_an_end_and_a_limit(folder: Path) -> None:
    pieces = read_clip(folder, 10)
    ids = pieces(["photo in France", "x " * 50])
    assert ids.shape == (2, 10)
    assert (ids[:, 0] == pieces.vocabulary["<|startoftext|>"]).all()
    assert ids[1, -1] == pieces.end
    assert ids[0, 1] == pieces.vocabulary["photo</w>"]


@settings(deadline=None, max_examples=150)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=24))
def test_clip_pieces_are_those_of_transformers(text: str) -> None:
    ours, theirs = _both()
    # Characters whose small letter is longer than themselves are folded in another order there.
    if any(len(letter.lower()) > 1 for letter in text):
        return
    expected = theirs(text, add_special_tokens=False)["input_ids"]
    assert ours.pieces(text) == expected


@pytest.mark.parametrize("text", LINES)
def test_lines_are_cut_as_transformers_cuts_them(text: str) -> None:
    ours, theirs = _both()
    assert ours.pieces(text) == theirs(text, add_special_tokens=False)["input_ids"]


_KEPT: list[object] = []


def _both() -> tuple[ClipTokenizer, object]:
    transformers = pytest.importorskip("transformers")
    if not _KEPT:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            where = Path(folder)
            write_pieces(where)
            # The fast tokenizer of the hub, built from the same two files.
            theirs = transformers.CLIPTokenizer.from_pretrained(where)
            _KEPT.extend([read_clip(where, 77), theirs])
    return _KEPT[0], _KEPT[1]  # type: ignore[return-value]


@pytest.mark.parametrize("kind", ["bytes", "clip"])
def test_a_tokenizer_comes_back_from_its_file(kind: str, folder: Path, tmp_path: Path) -> None:
    made = ByteTokenizer(64) if kind == "bytes" else read_clip(folder, 20)
    made.save(tmp_path / "tokenizer.json")
    again = read(tmp_path / "tokenizer.json")
    assert np.array_equal(again(LINES), made(LINES))


def test_the_vocabulary_follows_from_openclips_merges(folder: Path, tmp_path: Path) -> None:
    import gzip

    merges = (folder / "merges.txt").read_text("utf-8").splitlines()[1:]
    with gzip.open(tmp_path / "bpe_simple_vocab_16e6.txt.gz", "wt", encoding="utf-8") as out:
        out.write('"bpe_simple_vocab_16e6.txt#version: 0.2\n' + "\n".join(merges) + "\n")
    own, theirs = read_clip(tmp_path, 77), read_clip(folder, 77)
    assert own.vocabulary == theirs.vocabulary
    assert np.array_equal(own(LINES), theirs(LINES))


def test_what_is_no_tokenizer_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no tokenizer there; wanted are vocab\.json"):
        read_clip(tmp_path, 77)
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0}))
    (tmp_path / "merges.txt").write_text("a b\n")
    with pytest.raises(BundleError, match="not CLIP's vocabulary"):
        read_clip(tmp_path, 77)
    write_pieces(tmp_path)
    (tmp_path / "merges.txt").write_text("a b c\n")
    with pytest.raises(BundleError, match="cannot be read"):
        read_clip(tmp_path, 77)
    (tmp_path / "tokenizer.json").write_text('{"kind": "words"}')
    with pytest.raises(BundleError, match="not a tokenizer of this version"):
        read(tmp_path / "tokenizer.json")
