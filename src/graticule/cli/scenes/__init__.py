"""``graticule scenes``: what kind of place photos show. One file a command."""

from __future__ import annotations

from graticule.cli.app import Entry, lazy_app

#: Command → where it lives, in the order of `graticule scenes --help`.
COMMANDS: dict[str, Entry] = {
    "show": Entry("graticule.cli.scenes.show:show", "Name the scene of each photo"),
    "train": Entry("graticule.cli.scenes.train:train", "Train a network that tells scenes alone"),
    "label": Entry(
        "graticule.cli.scenes.label:label", "Label the photos of a manifest that lack a scene"
    ),
}

app = lazy_app(COMMANDS, "Example: graticule scenes show holiday/ --format csv")


@app.callback()
def scenes() -> None:
    """What kind of place photos show."""
