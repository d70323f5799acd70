"""A run that was cut off goes on: no answer is lost and none is doubled, wherever it was cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graticule.answer import Answer, Model
from graticule.errors import GraticuleError
from graticule.locate.journal import Journal, forget_aside, mend, set_aside

SHA = "a" * 64
MODEL = Model(name="m", version="1", sha256=SHA, calibrated=False)
#: Names as they occur: two of a kind, quotes, line ends, other scripts.
NAMES = ["a.jpg", "b\n.jpg", 'c".jpg', "d é.jpg", "a.jpg", "😀.jpg", "e\\xe9.jpg"]


def lines(names: list[str]) -> bytes:
    answers = (
        Answer(photo=name, model=None if i == 2 else MODEL, error="broken" if i == 2 else None)
        for i, name in enumerate(names)
    )
    return "".join(answer.model_dump_json() + "\n" for answer in answers).encode()


WHOLE = lines(NAMES)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(WHOLE)))
def test_cut_anywhere_and_gone_on_is_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_bytes(WHOLE[:cut])
    journal = Journal(path, MODEL)
    left = [name for name in NAMES if not journal.has(name)]
    kept = path.read_bytes()
    assert kept == WHOLE[: len(kept)]
    assert kept.count(b"\n") + len(left) == len(NAMES)
    done = [Answer.model_validate_json(line).photo for line in kept.splitlines()]
    assert sorted(done + left) == sorted(NAMES)


def test_failures_before_count(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_bytes(WHOLE)
    assert Journal(path, MODEL).failed == 1


def test_a_file_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert not Journal(tmp_path / "none.jsonl", MODEL).has("a.jpg")


@pytest.mark.parametrize("text", ["lat,lon\n", "{}\n", "[1]\n", '{"photo": "a"}\n', "\n"])
def test_something_else_is_not_gone_on_with(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GraticuleError, match="line 1 is not an answer"):
        Journal(path, MODEL)


def test_answers_of_two_models_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_bytes(WHOLE)
    with pytest.raises(GraticuleError, match="another model"):
        Journal(path, MODEL.model_copy(update={"sha256": "b" * 64}))


@pytest.mark.parametrize("option", ["gallery", "index"])
def test_answers_with_another_gallery_or_index_are_not_mixed(tmp_path: Path, option: str) -> None:
    path = tmp_path / "answers.jsonl"
    with_one = MODEL.model_copy(update={option: "c" * 32})
    path.write_text(Answer(photo="a.jpg", model=with_one).model_dump_json() + "\n", "utf-8")
    assert Journal(path, with_one).has("a.jpg")
    for now in (MODEL, MODEL.model_copy(update={option: "d" * 32})):
        with pytest.raises(GraticuleError, match=f"another --{option} .cccccccc, now"):
            Journal(path, now)


def test_mending_a_long_line_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one\n" + b"y" * 200_000)
    mend(path)
    assert path.read_bytes() == b"one\n"
    path.write_bytes(b"y" * 200_000)
    mend(path)
    assert path.read_bytes() == b""


def test_an_earlier_file_is_kept_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_bytes(WHOLE)
    set_aside(path)
    assert not path.exists()
    assert (tmp_path / "answers.jsonl~").read_bytes() == WHOLE
    path.write_bytes(b"new\n")
    forget_aside(path)
    assert [p.name for p in tmp_path.iterdir()] == ["answers.jsonl"]
