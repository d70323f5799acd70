"""The main command as people meet it: exit codes, clear lines, kills, pipes and full disks."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from bundles import BLUE, GREEN, RED, make_bundle, photo
from graticule.cli.app import main

COMMAND = [sys.executable, "-m", "graticule", "locate"]


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder of three photos: Paris, Delhi, Rio."""
    folder = tmp_path / "album"
    folder.mkdir()
    for name, colour in (("a.png", RED), ("b.png", GREEN), ("c.png", BLUE)):
        photo(folder / name, colour)
    return folder


class Said(NamedTuple):
    """How a call of the command ended."""

    returncode: int
    stdout: bytes
    stderr: bytes


class Call(Protocol):
    """Call the command in this process."""

    def __call__(self, *arguments: object, model: Path | None) -> Said: ...


@pytest.fixture
def locate(capfdbinary: pytest.CaptureFixture[bytes]) -> Call:
    """The command without a process of its own, which would take a second to start."""

    def call(*arguments: object, model: Path | None) -> Said:
        chosen = ["--model", str(model)] if model else []
        with pytest.raises(SystemExit) as ended:
            main(["locate", *map(str, arguments), *chosen])
        out, err = capfdbinary.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    return call


def run(
    *arguments: object, model: Path, given: bytes | None = None, **options: object
) -> subprocess.CompletedProcess[bytes]:
    """The command as a process."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments), "--model", str(model)],
        input=given,
        capture_output=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )


def rows(text: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def names(file: Path) -> list[str]:
    return [str(row["photo"]) for row in rows(file.read_bytes())]


def only_line(ran: Said | subprocess.CompletedProcess[bytes]) -> str:
    """What stderr says: one line, and no traceback."""
    lines = ran.stderr.decode().splitlines()
    assert len(lines) == 1, ran.stderr.decode()
    return lines[0]


def test_json_is_one_answer_a_line_and_stdout_stays_clean(
    locate: Call, album: Path, colours: Path
) -> None:
    ran = locate(album, "-f", "json", model=colours)
    assert ran.returncode == 0
    assert ran.stderr == b""
    found = rows(ran.stdout)
    assert [row["photo"] for row in found] == [str(album / n) for n in ("a.png", "b.png", "c.png")]
    assert [row["cities"][0]["name"] for row in found] == ["Paris", "Delhi", "Rio de Janeiro"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("form", "start"), [("csv", b"photo,"), ("geojson", b'{"type"'), ("kml", b"<?xml")]
)
def test_the_format_follows_the_files_ending(
    locate: Call, album: Path, colours: Path, tmp_path: Path, form: str, start: bytes
) -> None:
    out = tmp_path / f"answers.{form}"
    ran = locate(album, "-o", out, model=colours)
    assert ran.returncode == 0
    assert out.read_bytes().startswith(start)
    assert only_line(ran) == f"graticule: 3 answers in {out}"


def test_a_bad_photo_is_a_row_and_the_exit_code_says_so(
    locate: Call, album: Path, colours: Path
) -> None:
    (album / "bad.jpg").write_bytes(b"not a picture")
    ran = locate(album, album / "none.jpg", "-f", "json", model=colours)
    assert ran.returncode == 1
    errors = [row["error"] for row in rows(ran.stdout)]
    assert [bool(error) for error in errors] == [False, False, True, False, True]
    assert all("\n" not in str(error) for error in errors)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "pdf"], "choose one of"),
        (["--bbox", "1,2,3"], "SOUTH,WEST,NORTH,EAST"),
        (["--near", "here"], "LAT,LON,KM"),
        (["--near", "91,0,5"], "latitude"),
        (["--country", "India"], "ISO 3166-1"),
        (["--resume"], "--output"),
        (["--output", "x.csv", "--resume"], "JSON lines"),
        (["--nonsense"], "nonsense"),
    ],
)
def test_wrong_use(
    locate: Call, album: Path, colours: Path, arguments: list[str], words: str
) -> None:
    ran = locate(album, *arguments, model=colours)
    assert ran.returncode == 2
    assert words in ran.stderr.decode()
    assert b"Traceback" not in ran.stderr
    assert ran.stdout == b""


def test_no_photos_named_is_wrong_use(locate: Call) -> None:
    assert locate(model=None).returncode == 2


def test_a_folder_without_photos_writes_nothing(
    locate: Call, tmp_path: Path, colours: Path
) -> None:
    out = tmp_path / "answers.csv"
    out.write_text("earlier", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    ran = locate(tmp_path / "empty", "-o", out, model=colours)
    assert ran.returncode == 1
    assert "no photos in this folder" in only_line(ran)
    assert out.read_text(encoding="utf-8") == "earlier"


def test_an_empty_folder_among_others(
    locate: Call, tmp_path: Path, album: Path, colours: Path
) -> None:
    (tmp_path / "empty").mkdir()
    ran = locate(tmp_path / "empty", album, "-f", "json", model=colours)
    assert ran.returncode == 1
    assert len(rows(ran.stdout)) == 3
    assert "no photos in this folder" in only_line(ran)


def test_impossible_evidence_is_said(locate: Call, album: Path, colours: Path) -> None:
    ran = locate(album, "--country", "np", model=colours)
    assert ran.returncode == 1
    assert "--country NP" in only_line(ran)


def test_evidence_reaches_the_answer(locate: Call, album: Path, colours: Path) -> None:
    ran = locate(
        album, "-f", "json", "--country", "IN", "--near", "-33.9,151.2,9000", model=colours
    )
    assert {row["cities"][0]["name"] for row in rows(ran.stdout)} == {"Delhi"}  # type: ignore[index]


def test_names_of_any_bytes(locate: Call, tmp_path: Path, colours: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    plain = photo(tmp_path / "a.png", RED)
    odd = [b"new\nline.png", b"caf\xe9.png", b'"quote\'s".png', "😀.png".encode(), b"-f.png"]
    for name in odd:
        os.link(plain, os.path.join(os.fsencode(folder), name))  # noqa: PTH118 - bytes
    for form in ("json", "csv", "table", "geojson", "kml"):
        ran = locate(folder, "-f", form, model=colours)
        assert ran.returncode == 0, ran.stderr
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    assert run(folder, model=colours, env=ascii_only).returncode == 0
    answers = rows(locate(folder, "-f", "json", model=colours).stdout)
    assert {str(row["photo"]).rsplit("/", 1)[1] for row in answers} == {
        "new\nline.png", "caf\\xe9.png", "\"quote's\".png", "😀.png", "-f.png",
    }  # fmt: skip
    listed = b"\0".join(os.path.join(os.fsencode(folder), name) for name in odd)  # noqa: PTH118
    assert len(rows(run("-", "-f", "json", model=colours, given=listed).stdout)) == len(odd)


def test_sidecars_are_written_and_undone(locate: Call, album: Path, colours: Path) -> None:
    (album / "b.png.xmp").mkdir()
    ran = locate(album, "-f", "json", "--sidecars", model=colours)
    assert ran.returncode == 1
    assert "b.png.xmp" in only_line(ran)
    assert len(rows(ran.stdout)) == 3
    assert "Paris" in (album / "a.png.xmp").read_text(encoding="utf-8")
    (album / "b.png.xmp").rmdir()
    assert locate(album, "--remove-sidecars", model=colours).returncode == 0
    assert sorted(p.name for p in album.iterdir()) == ["a.png", "b.png", "c.png"]


def test_a_map_has_a_name_of_its_own(
    locate: Call, album: Path, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(album)
    ran = locate("a.png", "b.png", "-f", "html", model=colours)
    assert ran.returncode == 0
    assert ran.stdout == b""
    assert "map.html" in only_line(ran)
    assert b"Paris" in (album / "map.html").read_bytes()
    assert locate("a.png", "-f", "html", "-o", "-", model=colours).stdout.startswith(b"<!")


# --- bundles ---


def test_no_such_model(locate: Call, album: Path) -> None:
    ran = locate(album, model=Path("nonsuch"))
    assert ran.returncode == 1
    assert "graticule models" in only_line(ran)


def test_a_bundle_that_was_changed_cut_or_is_newer(
    locate: Call, album: Path, tmp_path: Path
) -> None:
    bundle = make_bundle(tmp_path / "b")
    heads = (bundle / "heads.onnx").read_bytes()
    (bundle / "heads.onnx").write_bytes(heads[:-1] + b"x")
    assert "checksum" in only_line(locate(album, model=bundle))
    (bundle / "heads.onnx").unlink()
    assert "missing" in only_line(locate(album, model=bundle))
    (bundle / "heads.onnx").write_bytes(heads)
    listing = json.loads((bundle / "system.json").read_text())
    (bundle / "system.json").write_text(json.dumps(listing | {"schema_version": 99}))
    assert "newer" in only_line(locate(album, model=bundle))
    (bundle / "system.json").write_text(json.dumps(listing | {"system": "unheard"}))
    assert "unheard" in only_line(locate(album, model=bundle))
    (bundle / "system.json").write_text("{")
    assert "JSON" in only_line(locate(album, model=bundle))
    (bundle / "system.json").unlink()
    assert "not a bundle" in only_line(locate(album, model=bundle))


# --- what stops a run ---


class Slow:
    """A run whose photos come one by one through stdin, so that it can be stopped in the middle."""

    def __init__(self, colours: Path, out: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "-", "-o", str(out), "-m", str(colours), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            # A suite started in the background ignores Ctrl-C, and its children would too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )  # fmt: skip
        self.out = out

    def feed(self, paths: list[Path], until: int) -> None:
        """Give photos and wait for so many answers."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{path}\n" for path in paths).encode())
        self.process.stdin.flush()
        deadline = time.monotonic() + 60
        while not self.out.exists() or self.out.read_bytes().count(b"\n") < until:
            assert time.monotonic() < deadline
            assert self.process.poll() is None
            time.sleep(0.02)

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        _, words = self.process.communicate(timeout=60)
        return self.process.returncode, words.decode()


@pytest.fixture
def many(tmp_path: Path) -> list[Path]:
    """150 names of three photos."""
    kinds = [photo(tmp_path / f"{i}.png", c) for i, c in enumerate((RED, GREEN, BLUE))]
    paths = [tmp_path / f"photo{i:03d}.png" for i in range(150)]
    for i, path in enumerate(paths):
        os.link(kinds[i % 3], path)
    return paths


def test_after_a_kill_resume_answers_each_photo_once(
    tmp_path: Path, colours: Path, many: list[Path]
) -> None:
    out = tmp_path / "answers.jsonl"
    slow = Slow(colours, out)
    slow.feed(many[:100], until=20)
    code, _ = slow.end(signal.SIGKILL)
    assert code == -signal.SIGKILL
    done = out.read_bytes().count(b"\n")
    assert 20 <= done < 150
    with out.open("ab") as file:
        file.write(b'{"schema_version":1,"photo":"half')
    listed = "\n".join(map(str, many)).encode()
    ran = run("-", "-o", out, "--resume", model=colours, given=listed)
    assert ran.returncode == 0
    assert f"{150 - done} answers" in only_line(ran)
    assert names(out) == [str(path) for path in many]
    again = run("-", "-o", out, "--resume", model=colours, given=listed)
    assert again.returncode == 0
    assert len(names(out)) == 150


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(
    tmp_path: Path, colours: Path, many: list[Path]
) -> None:
    out = tmp_path / "answers.jsonl"
    slow = Slow(colours, out)
    slow.feed(many[:100], until=20)
    code, words = slow.end(signal.SIGINT)
    assert code == 130
    assert "--resume" in words
    assert words.count("\n") == 1
    kept = names(out)
    assert kept == [str(path) for path in many[: len(kept)]]
    assert f"{len(kept)} answers kept" in words


def test_an_earlier_file_stays_beside_one_that_was_stopped(
    tmp_path: Path, colours: Path, many: list[Path]
) -> None:
    out = tmp_path / "answers.jsonl"
    out.write_text("earlier\n", encoding="utf-8")
    slow = Slow(colours, out)
    slow.feed(many[:100], until=20)
    slow.end(signal.SIGINT)
    assert (tmp_path / "answers.jsonl~").read_text(encoding="utf-8") == "earlier\n"


def test_a_broken_pipe_is_quiet(colours: Path, many: list[Path]) -> None:
    for form in ("json", "csv", "geojson"):
        command = [*COMMAND, str(many[0].parent), "-f", form, "-m", str(colours)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(10)
            process.stdout.close()
            assert process.stderr.read() == b""
            process.wait(timeout=60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is full")
@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_a_full_disk_behind_stdout(album: Path, colours: Path, form: str) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [*COMMAND, str(album), "-f", form, "-m", str(colours)],
            stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert ran.returncode == 1
    assert "No space left" in ran.stderr.decode()
    assert ran.stderr.count(b"\n") == 1


def limited() -> None:
    """Let no file grow beyond 20 kB, as a disk that fills up."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


@pytest.mark.parametrize("form", ["jsonl", "csv", "geojson"])
def test_a_disk_that_fills_up_leaves_what_was_there(
    tmp_path: Path, colours: Path, many: list[Path], form: str
) -> None:
    out = tmp_path / f"answers.{form}"
    out.write_text("earlier\n", encoding="utf-8")
    ran = run(*many, "-o", out, model=colours, preexec_fn=limited)
    assert ran.returncode == 1
    assert str(out) in only_line(ran)
    assert "cannot be written" in only_line(ran)
    if form == "jsonl":
        assert (tmp_path / "answers.jsonl~").read_text(encoding="utf-8") == "earlier\n"
        kept = names(out)
        assert kept == [str(path) for path in many[: len(kept)]]
        on = run(*many, "-o", out, "--resume", model=colours)
        assert on.returncode == 0
        assert names(out) == [str(path) for path in many]
    else:
        assert out.read_text(encoding="utf-8") == "earlier\n"
        assert not list(tmp_path.glob("*.part*"))


def test_a_folder_that_cannot_be_written_to(album: Path, colours: Path) -> None:
    ran = run(album, "-o", album / "a.png" / "answers.csv", model=colours)
    assert ran.returncode == 1
    assert "answers.csv: cannot be written" in only_line(ran)
