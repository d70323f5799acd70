"""``graticule data``: make, check, split and look at manifests. One file a command."""

from __future__ import annotations

from typing import ClassVar

import typer

from graticule.cli.app import CONTEXT, Entry, LazyGroup

#: Command → where it lives, in the order of `graticule data --help`: tools first, then sources.
COMMANDS: dict[str, Entry] = {
    "check": Entry("graticule.cli.data.check:check", "Name what is wrong with a manifest, by row"),
    "split": Entry("graticule.cli.data.split:split", "Write a split without leaks, as a column"),
    "planet": Entry("graticule.cli.data.planet:planet", "Draw a synthetic planet to test on"),
}


class DataGroup(LazyGroup):
    """The group's commands, loaded only when called."""

    table: ClassVar[dict[str, Entry]] = COMMANDS


app = typer.Typer(
    cls=DataGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=CONTEXT,
    epilog="Example: graticule data check photos/manifest.csv",
)


@app.callback()
def data() -> None:
    """Make, check, split and look at manifests: the tables that photos come in."""
