"""``graticule data``: make, check, split and look at manifests. One file a command."""

from __future__ import annotations

from graticule.cli.app import Entry, lazy_app

#: Command → where it lives, in the order of `graticule data --help`: tools first, then sources.
COMMANDS: dict[str, Entry] = {
    "check": Entry("graticule.cli.data.check:check", "Name what is wrong with a manifest, by row"),
    "show": Entry("graticule.cli.data.show:show", "Count a manifest and draw where its photos are"),
    "split": Entry("graticule.cli.data.split:split", "Write a split without leaks, as a column"),
    "duplicates": Entry(
        "graticule.cli.data.duplicates:duplicates", "Put near-duplicates in one group"
    ),
    "preview": Entry(
        "graticule.cli.data.preview:preview", "What an augmentation does, as a contact sheet"
    ),
    "schema": Entry("graticule.cli.data.schema:schema", "Print the JSON Schema of a row"),
    "planet": Entry("graticule.cli.data.planet:planet", "Draw a synthetic planet to test on"),
    "folder": Entry(
        "graticule.cli.data.folder:folder", "A folder of photos: EXIF GPS, class folders, or a CSV"
    ),
    "flickr": Entry("graticule.cli.data.flickr:flickr", "Photos of cities from the Flickr API"),
    "mapillary": Entry(
        "graticule.cli.data.mapillary:mapillary",
        "Street-level photos in a box, from the Mapillary API",
    ),
    "mp16": Entry("graticule.cli.data.mp16:mp16", "MP-16: the MediaEval Placing Task 2016"),
    "yfcc": Entry("graticule.cli.data.yfcc:yfcc", "YFCC100M's table"),
    "im2gps": Entry("graticule.cli.data.im2gps:im2gps", "The Im2GPS test set"),
    "im2gps3k": Entry("graticule.cli.data.im2gps:im2gps3k", "The benchmark Im2GPS3k"),
    "yfcc4k": Entry("graticule.cli.data.im2gps:yfcc4k", "The benchmark YFCC4k"),
    "osv5m": Entry("graticule.cli.data.osv5m:osv5m", "OpenStreetView-5M"),
    "places365": Entry("graticule.cli.data.places365:places365", "Places365: photos by scene"),
}

app = lazy_app(COMMANDS, "Example: graticule data check photos/manifest.csv")


@app.callback()
def data() -> None:
    """Make, check, split and look at manifests: the tables that photos come in."""
