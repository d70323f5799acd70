"""``graticule protect``: what a photo's file gives away, and a copy that does not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graticule.errors import GraticuleError, PhotoError

if TYPE_CHECKING:
    from graticule.photos.traces import Trace


def protect(
    photos: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders (searched to any depth), patterns, or - for a list on stdin.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for copies without metadata; by default nothing is written.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a photo.")] = False,
) -> None:
    """Show what photos' files give away of place, time and people; --output strips it.

    Position, times, names, serial numbers, captions, comments, thumbnails and data hidden after the
    picture go; colours, orientation and pixels stay (JPEG, PNG and WebP bit for bit, other formats
    are encoded again). The photos themselves are never changed. What the picture shows stays too:
    graticule locate says how much that tells. Exits with 1 when a photo could not be read.

    Examples:
        graticule protect holiday.jpg
        graticule protect holiday/ --output to-share/
    """
    import warnings

    from graticule.photos.inputs import find_photos
    from graticule.photos.photo import display_name
    from graticule.photos.traces import find_traces

    # Pillow warns of odd metadata; what matters is said below.
    warnings.filterwarnings("ignore", module="PIL")
    failed = False
    taken: set[Path] = set()
    for path in find_photos(photos):
        name = display_name(path)
        try:
            traces = find_traces(path)
            copy = _write_copy(path, _target(path, photos, output), taken) if output else None
        except PhotoError as error:
            typer.echo(f"graticule: {error}", err=True)
            failed = True
            continue
        typer.echo(_as_json(name, traces, copy) if as_json else _as_text(name, traces, copy))
    raise typer.Exit(1 if failed else 0)


def _target(path: str, arguments: list[str], output: Path) -> Path:
    """Where the copy goes: under ``output`` as the photo lies under the folder that was named."""
    for argument in arguments:
        if Path(argument).is_dir() and Path(path).is_relative_to(argument):
            return output / Path(path).relative_to(argument)
    return output / Path(path).name


def _write_copy(path: str, wanted: Path, taken: set[Path]) -> tuple[Path, bool]:
    """Write the stripped copy; returns where, and whether its pixels are untouched."""
    from graticule import files
    from graticule.photos.traces import protect as stripped

    made = stripped(path)
    target = wanted.with_suffix(made.suffix) if made.suffix else wanted
    if target in taken or os.path.lexists(target):
        raise GraticuleError(f"{target}: is there already; choose another folder for --output")
    with files.atomic(target, "wb") as handle:
        handle.write(made.data)
    taken.add(target)
    return target, made.lossless


def _as_text(name: str, traces: list[Trace], copy: tuple[Path, bool] | None) -> str:
    lines = [f"{name}: " + ("" if traces else "nothing beside the picture itself")]
    width = max((len(trace.kind) for trace in traces), default=0)
    for trace in traces:
        said = f": {trace.value}" if trace.value else ""
        lines.append(f"  {trace.kind:<{width}}  {trace.what}{said}")
    if copy:
        how = "pixels untouched" if copy[1] else "encoded again"
        lines.append(f"  → {copy[0]} ({how})")
    return "\n".join(line.rstrip() for line in lines)


def _as_json(name: str, traces: list[Trace], copy: tuple[Path, bool] | None) -> str:
    import json
    from dataclasses import asdict

    row = {
        "photo": name,
        "traces": [asdict(trace) for trace in traces],
        "copy": str(copy[0]) if copy else None,
        "lossless": copy[1] if copy else None,
    }
    return json.dumps(row, ensure_ascii=False)
