"""``graticule locate``: where photos were taken, and how sure that is."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graticule.cli.options import ModelName
from graticule.errors import GraticuleError

if TYPE_CHECKING:
    from graticule.answer import Answer, Model
    from graticule.locate.decode import Options
    from graticule.locate.engine import Engine
    from graticule.locate.journal import Journal
    from graticule.output import Writer

#: Where a map goes when nobody says; HTML on a terminal helps no one.
MAP = "map.html"
#: What a shell calls a program stopped by Ctrl-C.
INTERRUPTED = 130


def locate(
    photos: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders (searched to any depth), patterns, a manifest (CSV or Parquet), "
            "or - for a list on stdin, one path a line or separated by NUL.",
            show_default=False,
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help="table, json, csv, geojson, kml or html; by default what --output ends in, "
            "else table.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help=f"File to write; - is stdout. HTML: {MAP}."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with an --output of --format json that was cut off."),
    ] = False,
    model: ModelName = "mini",
    index: Annotated[
        Path | None,
        typer.Option(help="Photos of your own from graticule index, as evidence."),
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(
            help="Places of your own in the model's stead (CSV with lat and lon, or what graticule "
            "gallery build wrote); points may then be finer than a city."
        ),
    ] = None,
    zero_shot: Annotated[
        bool,
        typer.Option("--zero-shot", help="Answer by captions of places, of a model that reads."),
    ] = False,
    country: Annotated[
        list[str] | None,
        typer.Option(help="Only this country (ISO code, as IN); give it again for more."),
    ] = None,
    bbox: Annotated[
        str | None, typer.Option(help="Only this box: SOUTH,WEST,NORTH,EAST in degrees.")
    ] = None,
    near: Annotated[
        str | None, typer.Option(help="Probably within KM of a place: LAT,LON,KM.")
    ] = None,
    always_answer: Annotated[
        bool, typer.Option("--always-answer", help="Give a point where the answer would abstain.")
    ] = False,
    max_risk: Annotated[
        int | None,
        typer.Option(
            help="Abstain so that at most this percent of first countries is wrong.",
            min=1,
            max=99,
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="List every country instead of the ten likeliest.")
    ] = False,
    sidecars: Annotated[
        bool, typer.Option("--sidecars", help="Write an XMP sidecar beside each photo as well.")
    ] = False,
    remove_sidecars: Annotated[
        bool, typer.Option("--remove-sidecars", help="Undo --sidecars for these photos, and stop.")
    ] = False,
) -> None:
    """Estimate where photos were taken, with a radius that says how sure that is.

    Works offline. Exits with 0 when every photo was answered, 1 when some could not be, 2 on wrong
    use, 130 on Ctrl-C; a photo that cannot be read is a row with its error, and the rest goes on.

    Examples:
        graticule locate holiday/
        graticule locate holiday/ --format html --output map.html
        find . -name '*.jpg' -print0 | graticule locate - -f json -o answers.jsonl --resume
        graticule locate street.jpg --country IN --country NP
        graticule locate IMG_1.jpg --near 48.86,2.35,300 --always-answer
        graticule locate unsorted/ --index albums.index -f json
        graticule locate street.jpg --model geoclip --gallery zurich.parquet
        graticule locate holiday/ --model my-captions/ --zero-shot
    """
    # Pillow warns of odd metadata and large photos; each photo's own row says what matters.
    warnings.filterwarnings("ignore", module="PIL")
    if remove_sidecars:
        _remove_sidecars(photos)
    target = _target(form, output, resume)
    options = _options(country or [], bbox, near, always_answer, every, max_risk)
    complaints = _Complaints()
    found = _first(photos, complaints)
    if found is None:
        raise typer.Exit(1)
    engine = _engine(model, index, gallery, zero_shot)
    engine.check(options)
    journal = _journal(target, engine.model)
    run = _Run(target, sidecars, complaints)
    run.failed = journal.failed if journal else 0
    _answer_all(run, found, lambda pairs: engine.locate(pairs, options), journal)
    raise typer.Exit(run.exit_code())


@dataclass(frozen=True)
class _Target:
    """The format and the file; None is stdout."""

    form: str
    file: Path | None
    resume: bool


class _Complaints:
    """Lines on stderr about arguments that gave no photos."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, words: str) -> None:
        self.count += 1
        typer.echo(f"graticule: {words}", err=True)


class _Run:
    """What became of the photos of one call."""

    def __init__(self, target: _Target, sidecars: bool, complaints: _Complaints) -> None:
        self.target, self.sidecars, self.complaints = target, sidecars, complaints
        self.done = self.failed = 0
        self.interrupted = False

    def exit_code(self) -> int:
        if self.interrupted:
            return INTERRUPTED
        return 1 if self.failed or self.complaints.count else 0


def _target(form: str | None, output: str | None, resume: bool) -> _Target:
    from graticule.output import pick_format

    try:
        chosen = pick_format(form, output)
    except GraticuleError as error:
        raise typer.BadParameter(str(error)) from error
    if output is None and chosen == "html":
        output = MAP
    if resume and (chosen != "json" or output in (None, "-")):
        raise typer.BadParameter(
            "goes on with a file of JSON lines: add --format json --output answers.jsonl",
            param_hint="--resume",
        )
    return _Target(chosen, None if output in (None, "-") else Path(str(output)), resume)


def _options(
    country: list[str],
    bbox: str | None,
    near: str | None,
    always_answer: bool,
    every: bool,
    max_risk: int | None,
) -> Options:
    from graticule.locate.decode import Options
    from graticule.locate.evidence import Evidence

    box = _numbers(bbox, 4, "--bbox", "SOUTH,WEST,NORTH,EAST")
    place = _numbers(near, 3, "--near", "LAT,LON,KM")
    try:
        evidence = Evidence(
            tuple(code.upper() for code in country),
            (box[0], box[1], box[2], box[3]) if box else None,
            (place[0], place[1], place[2]) if place else None,
        )
    except GraticuleError as error:
        raise typer.BadParameter(str(error)) from None
    return Options(evidence, always_answer=always_answer, all_places=every, max_risk=max_risk)


def _numbers(text: str | None, count: int, option: str, form: str) -> list[float] | None:
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise typer.BadParameter(f"{text!r}: write it as {form}", param_hint=option)
    return numbers


def _first(photos: list[str], complain: Callable[[str], None]) -> Iterator[str] | None:
    """The photos, once it is sure that there is one; nothing is loaded or written before."""
    from graticule.photos.inputs import find_photos

    found = find_photos(photos, complain)
    first = next(found, None)
    return None if first is None else chain([first], found)


def _engine(model: str, index: Path | None, gallery: Path | None, zero_shot: bool) -> Engine:
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model

    engine = Engine(find_model(model), index, gallery, zero_shot=zero_shot)
    for note in engine.system.notes:
        typer.echo(f"graticule: {note}", err=True)
    return engine


def _journal(target: _Target, model: Model) -> Journal | None:
    if target.form != "json" or target.file is None:
        return None
    from graticule.locate.journal import Journal, set_aside

    if target.resume:
        return Journal(target.file, model)
    set_aside(target.file)
    return None


def _answer_all(
    run: _Run,
    photos: Iterable[str],
    answers: Callable[[Iterable[tuple[str, str]]], Iterator[Answer]],
    journal: Journal | None,
) -> None:
    from graticule.locate.journal import mend
    from graticule.output import writer
    from graticule.photos.photo import display_name
    from graticule.progress import bar

    target = run.target
    # Paths in the order they went in: an answer's name may be an escaped one, this opens the file.
    paths: deque[str] = deque()

    def named() -> Iterator[tuple[str, str]]:
        for path in photos:
            name = display_name(path)
            if journal is not None and journal.has(name):
                continue
            paths.append(path)
            yield path, name

    # A bar and a table on one terminal would write over each other.
    looks = sys.stderr.isatty() and (target.file is not None or not sys.stdout.isatty())
    try:
        with (
            writer(target.form, target.file, append=target.resume) as out,
            bar("locating", show=looks) as moving,
        ):
            try:
                for answer in answers(named()):
                    _write(run, out, answer, paths.popleft())
                    moving.advance()
            except KeyboardInterrupt:
                # The writer finishes what it has: a map or a table of the answers so far.
                run.interrupted = True
    except BrokenPipeError:
        _drop_stdout()
        raise typer.Exit(1) from None
    except OSError as error:
        _drop_stdout()
        raise GraticuleError(f"stdout: cannot be written ({error.strerror or error})") from error
    except GraticuleError:
        if target.form == "json" and target.file is not None:
            mend(target.file)
        raise
    if run.interrupted:
        _say_interrupted(run)
    elif target.file is not None:
        from graticule.locate.journal import forget_aside

        forget_aside(target.file)
        typer.echo(f"graticule: {_answers(run)} in {display_name(str(target.file))}", err=True)


def _write(run: _Run, out: Writer, answer: Answer, path: str) -> None:
    # Into a pipe that nobody reads, a write can wait for ever: there Ctrl-C must get through.
    with _uninterrupted() if run.target.file is not None else nullcontext():
        out.write(answer, path)
        run.done += 1
        run.failed += answer.error is not None
    if run.sidecars and answer.error is None:
        from graticule.output.sidecars import write_sidecar

        try:
            write_sidecar(path, answer)
        except GraticuleError as error:  # a sidecar that cannot be written; the answer stands
            run.complaints(str(error))


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back while an answer is written and counted, so that neither is done by half."""
    pressed = False

    def note(_number: int, _frame: object) -> None:
        nonlocal pressed
        pressed = True

    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # ignored, as under nohup
        yield
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def _answers(run: _Run) -> str:
    return "1 answer" if run.done == 1 else f"{run.done} answers"


def _say_interrupted(run: _Run) -> None:
    where = f" in {run.target.file}" if run.target.file else ""
    how = (
        "go on with the same command and --resume"
        if run.target.form == "json" and run.target.file
        else "--format json --output FILE can be resumed"
    )
    typer.echo(f"graticule: stopped; {_answers(run)} kept{where}; {how}", err=True)


def _drop_stdout() -> None:
    """Let the interpreter flush what is left of stdout into nothing, without a complaint."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _remove_sidecars(photos: list[str]) -> None:
    from graticule.output.sidecars import remove_sidecar
    from graticule.photos.inputs import find_photos

    complaints = _Complaints()
    removed = 0
    for path in find_photos(photos, complaints):
        try:
            removed += remove_sidecar(path)
        except GraticuleError as error:
            complaints(str(error))
    typer.echo(
        f"graticule: estimates taken out of {removed} sidecar{'s' * (removed != 1)}", err=True
    )
    raise typer.Exit(1 if complaints.count else 0)
