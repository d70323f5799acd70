"""The command line: a table of commands, each loaded only when it is called.

``graticule --help`` imports neither the commands nor what they need.
"""

from __future__ import annotations

import difflib
import importlib
import sys
import warnings
from typing import Annotated, Any, ClassVar, NamedTuple

import typer
import typer.core
import typer.main

from graticule.errors import GraticuleError, GraticuleWarning
from graticule.version import __version__


class Entry(NamedTuple):
    """Where a command lives and what it is for."""

    target: str
    summary: str


#: Command → "module:attribute" (a function, or a typer app for a group), in the order of `--help`.
COMMANDS: dict[str, Entry] = {
    "locate": Entry("graticule.cli.locate:locate", "Where photos were taken, and how sure that is"),
    "models": Entry("graticule.cli.models:app", "Which models are here, and which can be fetched"),
    "data": Entry("graticule.cli.data:app", "Make, check, split and look at tables of photos"),
    "cells": Entry("graticule.cli.cells:app", "Cut the Earth into cells, look at them, compare"),
    "gallery": Entry("graticule.cli.gallery:app", "Places of your own for geoclip to choose among"),
    "train": Entry("graticule.cli.train:train", "Train a system on your photos, by a recipe"),
    "recipes": Entry("graticule.cli.recipes:app", "The recipes that ship, and what they say"),
    "embed": Entry("graticule.cli.embed:embed", "Vectors of photos, kept for heads to learn from"),
    "export": Entry("graticule.cli.export:export", "A model's network as one ONNX file"),
    "index": Entry("graticule.cli.index:index", "Your own located photos as evidence"),
    "teach": Entry("graticule.cli.teach:teach", "A place of your own, from a handful of photos"),
    "verify": Entry("graticule.cli.verify:verify", "Does a claimed place agree with a photo?"),
    "explain": Entry("graticule.cli.explain:explain", "What in a picture spoke for its answer"),
    "scenes": Entry("graticule.cli.scenes:app", "What kind of place photos show"),
    "audit": Entry("graticule.cli.audit:audit", "Leaks between tables of photos, and defects"),
    "calibrate": Entry("graticule.cli.calibrate:calibrate", "Probabilities and radii that hold"),
    "evaluate": Entry("graticule.cli.evaluate:evaluate", "Score predictions, audited first"),
    "compare": Entry("graticule.cli.compare:compare", "Several systems on the same photos"),
    "protect": Entry(
        "graticule.cli.protect:protect", "What photos give away, and copies that do not"
    ),
    "info": Entry("graticule.cli.info:info", "What is installed, and what this machine can run"),
}

#: What every command understands beside its own options.
CONTEXT = {"help_option_names": ["-h", "--help"]}


def _keep_examples(command: Any) -> None:
    """Mark the examples in the help of a command, and of a group's, as lines to keep apart."""
    for one in (command, *getattr(command, "commands", {}).values()):
        text, word, lines = (one.help or "").partition("\n\nExample")
        if word:
            # The backspace is click's mark for a paragraph that it must not fill.
            one.help = f"{text}\n\n\b\nExample{lines.replace(chr(10) * 2, chr(10))}"


class LazyGroup(typer.core.TyperGroup):
    """A group whose commands are imported on use; a group inside it has a table of its own."""

    table: ClassVar[dict[str, Entry]] = COMMANDS

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands, in the table's order."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return one command, or None."""
        entry = self.table.get(cmd_name)
        if entry is None:
            return None
        module, attribute = entry.target.split(":")
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(
                add_completion=False, rich_markup_mode=None, context_settings=CONTEXT
            )
            single.command(cmd_name)(found)
            found = single
        command = typer.main.get_command(found)
        command.name = cmd_name
        _keep_examples(command)
        return command

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help from the table, so that no command is imported for it."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.table.items()])
        typer.core.TyperCommand.format_options(self, ctx, formatter)  # type: ignore[arg-type]
        self.format_epilog(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; an unknown one gets the nearest known name."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.table, n=1)
            ctx.fail(
                f"no command {args[0]!r}"
                + (f"; did you mean {near[0]!r}?" if near else f"; see {ctx.command_path} --help")
            )
        return super().resolve_command(ctx, args)


def lazy_app(commands: dict[str, Entry], epilog: str) -> typer.Typer:
    """A group of commands, each loaded only when it is called."""
    group = type("Group", (LazyGroup,), {"table": commands})
    return typer.Typer(
        cls=group,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings=CONTEXT,
        epilog=epilog,
    )


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings=CONTEXT,
    epilog="Example: graticule locate holiday/ --format html --output map.html",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"graticule {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Where on Earth was this photo taken, and how sure can we be? Offline, on your machine."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 something failed, 2 wrong use."""
    pythons = warnings.showwarning

    def show(message: Warning | str, *about: Any, **more: Any) -> None:
        if isinstance(message, GraticuleWarning):
            typer.echo(f"graticule: {message}", err=True)
        else:
            pythons(message, *about, **more)

    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            app(args=arguments, prog_name="graticule")
    except GraticuleError as error:
        typer.echo(f"graticule: {error}", err=True)
        sys.exit(1)
