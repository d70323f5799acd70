"""The table for people: country, what is sure within it, radius, and a bar for the probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from graticule.output.summary import (
    country,
    km,
    one_line,
    others,
    percent,
    status,
    sure_unit,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from graticule.answer import Answer
    from graticule.photos.photo import Source

#: Rows read before the columns are set; later ones come out as they are answered.
LOOK_AHEAD = 40
#: Characters of the bar.
BAR = 10
_HEADER = ("photo", "country", "probability", "place", "radius", "")
#: The least a column keeps on a narrow terminal; the last one takes what is left.
_NARROWEST = (12, 8, BAR + 6, 4, 8, 0)


@dataclass(frozen=True)
class Row:
    """One line of the table as words; ``probability`` is None where there is none."""

    photo: str
    country: str = ""
    probability: float | None = None
    place: str = ""
    radius: str = ""
    note: str = ""
    style: str = ""


class TableWriter:
    """Writes aligned lines: coloured and cut to the width on a terminal, plain and whole else."""

    def __init__(self, handle: IO[str]) -> None:
        from rich.console import Console

        self._console = Console(file=handle, highlight=False, emoji=False, markup=False)
        self._waiting: list[Row] = []
        self._widths: list[int] | None = None
        self._counts = {"placed": 0, "abstained": 0, "failed": 0}
        self._uncalibrated = False

    def write(self, answer: Answer, photo: Source | None = None) -> None:
        """Write one line; see :class:`graticule.output.formats.Writer`."""
        self._counts[status(answer)] += 1
        self._uncalibrated |= answer.model is not None and not answer.model.calibrated
        row = as_row(answer)
        if self._widths is not None:
            self._print(row)
            return
        self._waiting.append(row)
        if len(self._waiting) == LOOK_AHEAD:
            self._begin()

    def finish(self) -> None:
        """Print what was waiting and, to a person, what the columns mean."""
        if self._widths is None:
            self._begin()
        if not self._console.is_terminal:
            return
        said = [f"{number} {word}" for word, number in self._counts.items() if number]
        self._console.print(
            f"\n{', '.join(said) or 'no photos'}. Estimates: four of five photos lie within the "
            "radius of the point"
            + (", but this model was not calibrated." if self._uncalibrated else "."),
            style="dim",
        )

    def _begin(self) -> None:
        self._widths = _widths(self._waiting, self._console)
        line = self._line([_plain(word, "bold") for word in _HEADER])
        self._console.print(line, soft_wrap=True)
        for row in self._waiting:
            self._print(row)
        self._waiting.clear()

    def _print(self, row: Row) -> None:
        cells = [
            _plain(row.photo, row.style),
            _plain(row.country),
            bar(row.probability),
            _plain(row.place),
            _plain(row.radius),
            _plain(row.note, row.style),
        ]
        self._console.print(self._line(cells), soft_wrap=True)

    def _line(self, cells: list[Text]) -> Text:
        from rich.text import Text

        assert self._widths is not None
        line = Text()
        for number, (cell, width) in enumerate(zip(cells, self._widths, strict=True)):
            if self._console.is_terminal:
                _cut(cell, width, keep_end=number == 0)
            if number == 4:
                cell.pad_left(max(0, width - cell.cell_len))
            line.append_text(cell)
            line.append(" " * (max(0, width - cell.cell_len) + 2))
        line.rstrip()
        return line


def as_row(answer: Answer) -> Row:
    """The words of one answer."""
    photo = one_line(answer.photo)
    if answer.error is not None:
        words = answer.error.removeprefix(f"{answer.photo}: ")
        return Row(photo, note=one_line(words), style="red")
    best, unit = country(answer), sure_unit(answer)
    radius = answer.radius_km.get("80") if answer.point else None
    return Row(
        photo,
        one_line(best.name) if best else "",
        best.probability if best else None,
        one_line(unit.name) if unit else "",
        f"±{km(radius)}" if radius is not None else "",
        one_line("; ".join(_notes(answer))),
        "yellow" if answer.abstained else "",
    )


def _notes(answer: Answer) -> list[str]:
    """What the last column says: another place that is likely too, and the reason."""
    notes = [f"or {one.name} ({percent(one.probability)})" for one in others(answer)[:1]]
    notes += [f"scene {answer.spoke} spoke"] if _spoke_apart(answer) else []
    return [*notes, answer.reason] if answer.reason else notes


def _spoke_apart(answer: Answer) -> bool:
    """Whether another scene's classifier answered than that of the scene which is told."""
    scene = answer.scene
    return answer.spoke is not None and scene is not None and scene.name != answer.spoke


def bar(probability: float | None) -> Text:
    """A bar of eighths of a character with the percentage behind it."""
    from rich.text import Text

    if probability is None:
        return Text("")
    eighths = max(1, round(probability * BAR * 8))
    whole, part = divmod(eighths, 8)
    drawn = "█" * whole + (" ▏▎▍▌▋▊▉"[part] if part else "")
    text = Text(drawn, style="green" if probability >= 0.5 else "cyan")
    text.append(" " * (BAR - len(drawn)))
    text.append(f" {percent(probability):>5}", style="default")
    return text


def _plain(words: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(words, style=style, no_wrap=True)


def _widths(rows: list[Row], console: Console) -> list[int]:
    """Columns as wide as their words; on a terminal the widest give way until a line fits."""
    from rich.cells import cell_len

    table = [
        (r.photo, r.country, " " * (BAR + 6) * (r.probability is not None), r.place, r.radius, "")
        for r in rows
    ]
    widths = [max(map(cell_len, column)) for column in zip(_HEADER, *table, strict=True)]
    note = max((cell_len(row.note) for row in rows), default=0)
    if not console.is_terminal:
        return [*widths[:5], 0]
    room = console.width - 2 * 5 - sum(widths[:5])
    for column in (0, 3, 1):
        lacking = min(note, 24) - room
        given = max(0, min(lacking, widths[column] - _NARROWEST[column]))
        widths[column] -= given
        room += given
    return [*widths[:5], max(room, 0)]


def _cut(cell: Text, width: int, *, keep_end: bool) -> None:
    """Shorten to ``width``, by the end or, for paths, by the beginning."""
    from rich.cells import set_cell_size

    if cell.cell_len <= width:
        return
    if width < 2:
        cell.plain = ""
        return
    if not keep_end:
        cell.truncate(width, overflow="ellipsis")
        return
    words = cell.plain
    while len(words) > 1 and _length(words) > width - 1:
        words = words[1:]
    cell.plain = "…" + set_cell_size(words, min(_length(words), width - 1))


def _length(words: str) -> int:
    from rich.cells import cell_len

    return cell_len(words)
