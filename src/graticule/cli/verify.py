"""``graticule verify``: does a claimed place agree with the picture?"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from graticule.cli.options import ModelName
from graticule.errors import GraticuleError

if TYPE_CHECKING:
    from graticule.locate.verify import Item, Verification, Verifier
    from graticule.photos.photo import Source

#: Formats that verdicts are written in.
FORMATS = ("table", "json", "csv", "html")
#: Where a page goes when nobody says.
PAGE = "verify.html"


def verify(
    photos: Annotated[
        list[str] | None,
        typer.Argument(help="Photos, folders or patterns, of which --claim is claimed."),
    ] = None,
    claim: Annotated[
        str | None,
        typer.Option("--claim", help='LAT,LON, a town ("Lviv, Ukraine"), or a country.'),
    ] = None,
    claims: Annotated[
        Path | None,
        typer.Option(
            "--claims",
            help="A table instead (CSV or Parquet): path, and lat and lon or a column claim.",
        ),
    ] = None,
    model: ModelName = "mini",
    index: Annotated[
        Path | None,
        typer.Option(help="Photos of your own from graticule index, to show beside the claim."),
    ] = None,
    false_alarm: Annotated[
        int, typer.Option("--false-alarm", help="Stated false alarms of the verdict, percent.")
    ] = 5,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help="table, json (a line each), csv or html; by default what --output ends in.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help=f"File to write. HTML: {PAGE}.")
    ] = None,
) -> None:
    """Weigh a claimed place against everywhere else, under the model's calibrated belief.

    The verdict is one of three: agrees, can't tell, contradicts. Its limits were fitted to a stated
    rate of false alarms, 1 or 5 %. What the file's metadata says (GPS, the sun's height, the zone
    of the clock) is checked apart from the picture. Exits with 0 when every claim was weighed, 1
    when some photo or claim could not be read; the rest goes on.

    Examples:
        graticule verify photo.jpg --claim "Lviv, Ukraine"
        graticule verify photo.jpg --claim 49.84,24.03 --false-alarm 1 --format json
        graticule verify --claims table.csv -o verified.csv
        graticule verify --claims table.csv --index albums.index -o verified.html
    """
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model
    from graticule.locate.verify import Verifier

    chosen, target = _target(form, output)
    if (claims is None) == (not photos or claim is None):
        raise GraticuleError("give photos and --claim, or a table of them with --claims TABLE")
    complaints: list[str] = []
    items = _of_table(claims) if claims is not None else _of_photos(photos or [], claim, complaints)
    verifier = Verifier(Engine(find_model(model), index), false_alarm)
    failed = _run(verifier, items, chosen, target)
    raise typer.Exit(1 if failed or complaints else 0)


def _target(form: str | None, output: Path | None) -> tuple[str, Path | None]:
    from graticule.output import pick_format

    chosen = pick_format(form, output, FORMATS)
    return chosen, Path(PAGE) if chosen == "html" and output is None else output


def _of_photos(photos: list[str], claim: str | None, complaints: list[str]) -> Iterator[Item]:
    from graticule.locate.claims import parse
    from graticule.locate.verify import Item
    from graticule.photos.inputs import find_photos
    from graticule.photos.photo import display_name

    def complain(words: str) -> None:
        complaints.append(words)
        typer.echo(f"graticule: {words}", err=True)

    # Before any model is loaded: a claim that is none ends here.
    said = parse(claim or "")
    return (Item(path, display_name(path), said) for path in find_photos(photos, complain))


def _of_table(table: Path) -> Iterator[Item]:
    from graticule.locate.claims import as_given, of_row
    from graticule.locate.verify import Item
    from graticule.photos.manifest import read

    rows = read(table)
    if "claim" not in rows.columns and not {"lat", "lon"} <= set(rows.columns):
        raise GraticuleError(
            f"{table}: no claims; it needs columns lat and lon, or claim "
            f"(it has: {', '.join(rows.columns)})"
        )

    def items() -> Iterator[Item]:
        said, latlon = rows.column("claim"), rows.latlon
        for name, words, (lat, lon) in zip(rows.column("path"), said, latlon, strict=True):
            claim = of_row(str(words), float(lat), float(lon))
            text = as_given(str(words), float(lat), float(lon))
            try:
                yield Item(rows.file(str(name)), str(name), claim, text)
            except GraticuleError as error:
                yield Item(b"", str(name), str(error), text)

    return items()


def _run(verifier: Verifier, items: Iterator[Item], form: str, target: Path | None) -> int:
    """Verify and write; returns how many could not be read."""
    from graticule.locate import verify_output
    from graticule.progress import bar

    done: list[bool] = []
    countries = False
    kept: list[tuple[Verification, Source]] = []
    sources: deque[Source] = deque()

    def noted() -> Iterator[Item]:
        for item in items:
            sources.append(item.source)
            yield item

    looks = sys.stderr.isatty() and (target is not None or not sys.stdout.isatty())
    with ExitStack() as stack:
        if form == "html":
            write = None
        else:
            out = sys.stdout if target is None else stack.enter_context(_opened(target))
            write = verify_output.WRITERS[form](out)
        moving = stack.enter_context(bar("verifying", show=looks))
        try:
            for one in verifier.verify(noted()):
                source = sources.popleft()
                if write is None:
                    kept.append((one, source))
                else:
                    write(one)
                done.append(one.error is None)
                countries |= one.claim is not None and one.claim.whole_country
                moving.advance()
        except KeyboardInterrupt:
            # What is done is written: lines as they came, a page of those there are.
            typer.echo(f"graticule: stopped after {len(done)}", err=True)
    if not done:
        raise GraticuleError("no photo to verify")
    if write is None:
        assert target is not None
        _write_page(verifier, kept, target)
    if form == "table":
        words = verify_output.limits_in_words(verifier.verdicts, verifier.rate, countries=countries)
        typer.echo(f"graticule: {words}", err=True)
    if target is not None:
        unread = f"; {done.count(False)} could not be read" if False in done else ""
        typer.echo(f"graticule: {done.count(True)} verified in {target}{unread}", err=True)
    return done.count(False)


@contextmanager
def _opened(target: Path) -> Iterator[IO[str]]:
    """A file that is written as results come, so that a run that is stopped leaves them."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8", newline="") as handle:
            yield handle
    except OSError as error:
        raise GraticuleError(
            f"{target}: cannot be written ({error.strerror or error}); choose another --output"
        ) from error


def _write_page(verifier: Verifier, kept: list[tuple[Verification, Source]], target: Path) -> None:
    from graticule import files
    from graticule.locate.verify_page import page

    album = verifier.engine.album
    text = page(
        [one for one, _ in kept],
        verifier.verdicts,
        [source for _, source in kept],
        (lambda _: None) if album is None else album.file,
    )
    with files.atomic(target) as out:
        out.write(text)
