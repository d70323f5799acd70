"""``graticule scenes``: what kind of place photos show. One file a command."""

from __future__ import annotations

from typing import ClassVar

import typer

from graticule.cli.app import CONTEXT, Entry, LazyGroup

#: Command → where it lives, in the order of `graticule scenes --help`.
COMMANDS: dict[str, Entry] = {
    "show": Entry("graticule.cli.scenes.show:show", "Name the scene of each photo"),
    "train": Entry("graticule.cli.scenes.train:train", "Train a network that tells scenes alone"),
    "label": Entry(
        "graticule.cli.scenes.label:label", "Label the photos of a manifest that lack a scene"
    ),
}


class ScenesGroup(LazyGroup):
    """The group's commands, loaded only when called."""

    table: ClassVar[dict[str, Entry]] = COMMANDS


app = typer.Typer(
    cls=ScenesGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=CONTEXT,
    epilog="Example: graticule scenes show holiday/ --format csv",
)


@app.callback()
def scenes() -> None:
    """What kind of place photos show."""
