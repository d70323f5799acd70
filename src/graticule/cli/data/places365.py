"""``graticule data places365``: photos by scene."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graticule.cli.data.making import Limit, Output, say, write


def places365(
    listing: Annotated[
        Path, typer.Argument(help="places365_train_standard.txt, places365_val.txt and the like.")
    ],
    output: Output,
    photos: Annotated[Path, typer.Option("--photos", help="Folder the list's paths start from.")],
    hierarchy: Annotated[
        Path | None, typer.Option(help="scene_hierarchy_places365.csv: fills places16, places3.")
    ] = None,
    limit: Limit = None,
) -> None:
    """Read Places365's lists: 365 scenes, 16 and 3 groups, and graticule's own five scenes.

    Example: graticule data places365 places365_val.txt --photos val_256/ -o places365/
    """
    from graticule.errors import GraticuleError
    from graticule.photos.sources import places365 as source
    from graticule.photos.sources.source import manifest_path

    if not listing.is_file():
        raise GraticuleError(
            f"{listing}: no such list; one of {', '.join(source.ABOUT.files[1:5])}"
        )
    say(source.ABOUT.notice())
    groups = source.read_hierarchy(hierarchy) if hierarchy is not None else None
    root = manifest_path(output).parent
    write(source.rows(listing, root, photos, groups, limit), output, source.ABOUT)
