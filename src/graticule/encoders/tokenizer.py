"""Texts as numbers: bytes for the small text tower, CLIP's own pieces for CLIP's.

Plain Python and numpy: a bundle's text side runs without torch or transformers.
"""

from __future__ import annotations

import gzip
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import BundleError

IntArray = npt.NDArray[np.int64]

#: CLIP's first and last piece of a text.
START, END = "<|startoftext|>", "<|endoftext|>"
#: What CLIP cuts off words as pieces of their own, longest first.
_ENDINGS = ("'re", "'ve", "'ll", "'s", "'t", "'m", "'d")


class Tokenizer(ABC):
    """Texts → int64 (n, longest), no longer than ``context``."""

    context: int

    @abstractmethod
    def __call__(self, texts: Sequence[str]) -> IntArray:
        """The numbers of texts, each row filled up to the longest of them."""

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """What :func:`read` makes the tokenizer from again, as JSON."""

    def save(self, path: Path) -> None:
        """Write the tokenizer as JSON."""
        files.write_json(path, self.about())


class ByteTokenizer(Tokenizer):
    """The bytes of UTF-8, each plus one; nought fills up. Any language, no vocabulary."""

    def __init__(self, context: int = 256) -> None:
        self.context = context

    def __call__(self, texts: Sequence[str]) -> IntArray:
        """The bytes of texts, int64 (n, longest)."""
        rows = [text.encode()[: self.context] for text in texts]
        out = np.zeros((len(rows), max([1, *map(len, rows)])), dtype=np.int64)
        for row, data in zip(out, rows, strict=True):
            row[: len(data)] = np.frombuffer(data, np.uint8).astype(np.int64) + 1
        return out

    def about(self) -> dict[str, Any]:
        """Kind and length."""
        return {"kind": "bytes", "context": self.context}


class ClipTokenizer(Tokenizer):
    """CLIP's byte-pair pieces (Sennrich et al. 2016; Radford et al. 2021).

    As ``transformers`` and OpenCLIP cut texts; rows are filled up with the last piece, at the first
    of which CLIP reads the text off.

    Attributes:
        vocabulary: piece → number.
        merges: pairs of pieces that are joined, the first to be joined first.
    """

    def __init__(
        self, vocabulary: Mapping[str, int], merges: Sequence[tuple[str, str]], context: int = 77
    ) -> None:
        """Take the pieces and what is joined.

        Raises:
            BundleError: the vocabulary lacks CLIP's first or last piece.
        """
        for piece in (START, END):
            if piece not in vocabulary:
                raise BundleError(f"not CLIP's vocabulary: it has no {piece}")
        self.vocabulary, self.merges, self.context = dict(vocabulary), list(merges), context
        self._rank = {pair: number for number, pair in enumerate(merges)}
        self._known: dict[str, list[int]] = {}

    @property
    def end(self) -> int:
        """Number of the last piece."""
        return self.vocabulary[END]

    def __call__(self, texts: Sequence[str]) -> IntArray:
        """The pieces of texts between START and END, int64 (n, longest)."""
        start, end = self.vocabulary[START], self.end
        rows = [[start, *self.pieces(text)[: self.context - 2], end] for text in texts]
        out = np.full((len(rows), max([1, *map(len, rows)])), end, dtype=np.int64)
        for row, numbers in zip(out, rows, strict=True):
            row[: len(numbers)] = numbers
        return out

    def pieces(self, text: str) -> list[int]:
        """The numbers of a text's pieces."""
        plain = " ".join(unicodedata.normalize("NFC", text).split())
        lower = "".join(letter.lower() for letter in plain)
        return [number for word in _words(lower) for number in self._of_word(word)]

    def _of_word(self, word: str) -> list[int]:
        if word not in self._known:
            letters = [self._letters[byte] for byte in word.encode()]
            parts = [*letters[:-1], letters[-1] + "</w>"]
            while len(parts) > 1:
                pairs = list(pairwise(parts))
                best = min(pairs, key=lambda pair: self._rank.get(pair, len(self._rank)))
                if best not in self._rank:
                    break
                parts = _joined(parts, best)
            self._known[word] = [self.vocabulary.get(part, self.end) for part in parts]
        return self._known[word]

    @cached_property
    def _letters(self) -> list[str]:
        """A visible letter for each byte, as GPT-2 chose them."""
        plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
        rest = [byte for byte in range(256) if byte not in plain]
        letters = {byte: chr(byte) for byte in plain}
        letters |= {byte: chr(256 + number) for number, byte in enumerate(rest)}
        return [letters[byte] for byte in range(256)]

    def about(self) -> dict[str, Any]:
        """Vocabulary and merges."""
        return {
            "kind": "clip",
            "context": self.context,
            "vocabulary": self.vocabulary,
            "merges": [" ".join(pair) for pair in self.merges],
        }


def read(path: Path) -> Tokenizer:
    """A tokenizer that was written by :meth:`Tokenizer.save`.

    Raises:
        BundleError: the file is none.
    """
    about = files.read_json(path)
    if isinstance(about, dict) and about.get("kind") == "bytes":
        return ByteTokenizer(int(about["context"]))
    if isinstance(about, dict) and about.get("kind") == "clip":
        merges = [_pair(line) for line in about["merges"]]
        return ClipTokenizer(about["vocabulary"], merges, int(about["context"]))
    raise BundleError(f"{path}: not a tokenizer of this version; get the bundle again")


def read_clip(folder: Path, context: int) -> ClipTokenizer:
    """The tokenizer in a folder of CLIP.

    From ``vocab.json`` and ``merges.txt``, or ``tokenizer.json``, or OpenCLIP's
    ``bpe_simple_vocab_16e6.txt.gz``.

    Raises:
        BundleError: none of them is there, or it is broken.
    """
    vocab, merges = folder / "vocab.json", folder / "merges.txt"
    whole, packed = folder / "tokenizer.json", folder / "bpe_simple_vocab_16e6.txt.gz"
    try:
        if vocab.is_file() and merges.is_file():
            lines = merges.read_text("utf-8").splitlines()
            return ClipTokenizer(files.read_json(vocab), _pairs(lines), context)
        if whole.is_file():
            model = files.read_json(whole)["model"]
            pairs = [tuple(m) if isinstance(m, list) else _pair(m) for m in model["merges"]]
            return ClipTokenizer(model["vocab"], pairs, context)
        if packed.is_file():
            with gzip.open(packed, "rt", encoding="utf-8") as handle:
                return _of_merges(
                    _pairs(handle.read().splitlines()[: 49152 - 256 - 2 + 1]), context
                )
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise BundleError(f"{folder}: its tokenizer cannot be read ({error})") from error
    raise BundleError(
        f"{folder}: no tokenizer there; wanted are vocab.json and merges.txt, or tokenizer.json, "
        "or bpe_simple_vocab_16e6.txt.gz"
    )


def _of_merges(merges: list[tuple[str, str]], context: int) -> ClipTokenizer:
    """CLIP's vocabulary follows from its merges: bytes, bytes that end a word, pairs, two marks."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(byte) for byte in plain] + [chr(256 + n) for n in range(256 - len(plain))]
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges), START, END]
    return ClipTokenizer({piece: number for number, piece in enumerate(pieces)}, merges, context)


def _pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    return [_pair(line) for line in lines if line.strip() and not line.startswith(("#v", '"bpe'))]


def _pair(line: str) -> tuple[str, str]:
    first, _, second = line.strip().partition(" ")
    if not first or not second or " " in second:
        raise ValueError(f"{line!r} is not a pair of pieces")
    return first, second


def _joined(parts: list[str], pair: tuple[str, str]) -> list[str]:
    """``parts`` with every ``pair`` in it made one, from the left."""
    out: list[str] = []
    at = 0
    while at < len(parts):
        if tuple(parts[at : at + 2]) == pair:
            out.append(pair[0] + pair[1])
            at += 2
        else:
            out.append(parts[at])
            at += 1
    return out


def _words(text: str) -> list[str]:
    """Runs of letters, single digits, runs of other signs, and the endings of English."""
    words: list[str] = []
    at = 0
    while at < len(text):
        ending = next((e for e in _ENDINGS if text.startswith(e, at)), None)
        if ending is not None:
            words.append(ending)
            at += len(ending)
            continue
        kind = _kind(text[at])
        stop = at + 1
        if kind in {"letter", "sign"}:
            while stop < len(text) and _kind(text[stop]) == kind:
                stop += 1
        if kind != "space":
            words.append(text[at:stop])
        at = stop
    return words


def _kind(letter: str) -> str:
    if letter.isspace():
        return "space"
    return {"L": "letter", "N": "number"}.get(unicodedata.category(letter)[0], "sign")
