"""``graticule cells``: cut up the Earth, look at it, compare. One file a command."""

from __future__ import annotations

from graticule.cli.app import Entry, lazy_app

#: Command → where it lives, in the order of `graticule cells --help`.
COMMANDS: dict[str, Entry] = {
    "build": Entry("graticule.cli.cells.build:app", "Make a partition from a table of photos"),
    "show": Entry("graticule.cli.cells.show:show", "Say what a partition holds, and draw it"),
    "compare": Entry(
        "graticule.cli.cells.compare:compare", "Partitions side by side over the same photos"
    ),
}

app = lazy_app(
    COMMANDS, "Example: graticule cells build s2 --manifest photos/manifest.csv -o cells.parquet"
)


@app.callback()
def cells() -> None:
    """Cut the Earth into cells that a head can tell apart, look at them, compare them."""
