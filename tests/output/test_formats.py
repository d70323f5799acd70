"""What holds for every format."""

from __future__ import annotations

from pathlib import Path

import pytest

from graticule.answer import Answer
from graticule.errors import GraticuleError
from graticule.output import FORMATS, pick_format, write, writer


def interrupted(name: str, target: Path, answer: Answer) -> None:
    with writer(name, target) as opened:
        opened.write(answer)
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", FORMATS)
def test_every_answer_is_in_the_file(name: str, answers: list[Answer], tmp_path: Path) -> None:
    target = tmp_path / f"answers{FORMATS[name].suffix}"
    write(answers, name, target)
    text = target.read_text(encoding="utf-8")
    for photo in ("china.jpg", "taveuni.jpg", "kitchen.jpg", "notes.txt"):
        assert photo in text
    assert [p.name for p in tmp_path.iterdir()] == [target.name]


@pytest.mark.parametrize("name", FORMATS)
def test_no_answers_are_a_whole_file(name: str, tmp_path: Path) -> None:
    write([], name, tmp_path / "empty")
    assert (tmp_path / "empty").exists()


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_an_earlier_file_survives_a_break(name: str, beijing: Answer, tmp_path: Path) -> None:
    target = tmp_path / "answers"
    target.write_text("earlier")
    with pytest.raises(KeyboardInterrupt):
        interrupted(name, target, beijing)
    assert target.read_text() == "earlier"


def test_json_keeps_what_is_done_and_goes_on(beijing: Answer, fiji: Answer, tmp_path: Path) -> None:
    target = tmp_path / "answers.jsonl"
    with pytest.raises(KeyboardInterrupt):
        interrupted("json", target, beijing)
    assert target.read_text().endswith("\n")
    with writer("json", target, append=True) as opened:
        opened.write(fiji)
    lines = target.read_text(encoding="utf-8").splitlines()
    assert [Answer.model_validate_json(line) for line in lines] == [beijing, fiji]


def test_stdout_gets_the_text(beijing: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    with writer("json") as opened:
        opened.write(beijing)
    assert Answer.model_validate_json(capsys.readouterr().out) == beijing


def test_wrong_use_is_named(tmp_path: Path) -> None:
    with pytest.raises(GraticuleError, match=r"no output format 'xls'.*geojson"):
        write([], "xls", tmp_path / "a")
    with pytest.raises(GraticuleError, match="only --format json"), writer("csv", "a", append=True):
        pass
    with pytest.raises(GraticuleError, match="cannot be written"):
        write([], "json", tmp_path)


def test_endings_choose_the_format() -> None:
    assert {pick_format(None, f"a{entry.suffix}") for entry in FORMATS.values()} == set(FORMATS)
    assert pick_format(None, "a.json") == "json"
    assert pick_format("csv", "a.json") == "csv"
    for nowhere in (None, "-", "/dev/stdout"):
        assert pick_format(None, nowhere) == "table"


@pytest.mark.parametrize(
    ("form", "file", "words"),
    [
        (None, "a.xls", r"a\.xls: \.xls stands for no format here; end it in .*\.csv"),
        (None, "a.kml", r"\.kml stands for no format here"),
        ("pdf", None, "--format pdf: choose one of table, csv"),
        ("kml", "a.csv", "--format kml"),
    ],
)
def test_no_format_is_guessed(form: str | None, file: str | None, words: str) -> None:
    with pytest.raises(GraticuleError, match=words):
        pick_format(form, file, ("table", "csv"))
