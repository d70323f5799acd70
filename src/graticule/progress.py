"""Progress bars for long work: on stderr, and only where a person is looking."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Bar(Protocol):
    """What long work calls as it goes on."""

    def advance(self, steps: int = 1, /) -> None:
        """Say that ``steps`` more are done."""

    def describe(self, text: str, /) -> None:
        """Change the words before the bar."""


class _Silent:
    def advance(self, steps: int = 1, /) -> None:
        """Nobody is looking."""

    def describe(self, text: str, /) -> None:
        """Nobody is looking."""


class _RichBar:
    def __init__(self, progress: object, task: object) -> None:
        self._progress, self._task = progress, task

    def advance(self, steps: int = 1, /) -> None:
        self._progress.advance(self._task, steps)  # type: ignore[attr-defined]

    def describe(self, text: str, /) -> None:
        self._progress.update(self._task, description=text)  # type: ignore[attr-defined]


@contextmanager
def bar(description: str, total: int | None = None, *, show: bool | None = None) -> Iterator[Bar]:
    """A progress bar on stderr while the block runs.

    Args:
        description: words before the bar.
        total: steps in all; None shows a count without an end.
        show: None shows it when stderr is a terminal; True or False decide.
    """
    if not (sys.stderr.isatty() if show is None else show):
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _RichBar(progress, progress.add_task(description, total=total))


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` and move a bar along with them."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with bar(description, total) as moving:
        for item in items:
            yield item
            moving.advance(1)
