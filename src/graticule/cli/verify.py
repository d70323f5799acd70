"""``graticule verify``: does a claimed place agree with the picture?"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer


def verify(
    photo: Annotated[Path | None, typer.Argument(help="The photo.")] = None,
    claim: Annotated[
        str | None, typer.Option("--claim", help='LAT,LON, or a town: "Lviv, Ukraine".')
    ] = None,
    claims: Annotated[
        Path | None,
        typer.Option("--claims", help="A manifest whose lat and lon are the claims, instead."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="A model with fitted verdicts.")
    ] = "mini",
    form: Annotated[str, typer.Option("--format", "-f", help="table or json (a line each).")] = (
        "table"
    ),
) -> None:
    """Weigh a claimed place against everywhere else, under the model's calibrated belief.

    The verdict is one of three: agrees, can't tell, contradicts. Its thresholds were fitted to
    stated false-alarm rates. The file's own metadata is checked apart from the picture.

    Examples:
        graticule verify photo.jpg --claim 49.84,24.03 --model my-mini
        graticule verify photo.jpg --claim "Lviv, Ukraine" --model my-mini --format json
        graticule verify --claims table.csv --model my-mini
    """
    from graticule.errors import GraticuleError
    from graticule.locate.claims import claimed_place
    from graticule.locate.engine import Engine
    from graticule.locate.locator import find_model
    from graticule.locate.verify import check_photo

    if form not in ("table", "json"):
        raise GraticuleError(f"--format {form}: table or json")
    if (claims is None) == (photo is None or claim is None):
        raise GraticuleError("give a photo and --claim, or a table of them with --claims")
    engine = Engine(find_model(model))
    if claims is None:
        assert photo is not None
        assert claim is not None
        pairs: list[tuple[Path, tuple[float, float]]] = [(photo, claimed_place(claim))]
    else:
        from graticule.photos.manifest import read

        table = read(claims)
        pairs = [
            (table.file(str(path)), (float(lat), float(lon)))
            for path, (lat, lon) in zip(table.column("path"), table.latlon, strict=True)
            if math.isfinite(lat) and math.isfinite(lon)
        ]
    failed = False
    for path, place in pairs:
        try:
            found = check_photo(engine, path, place)
        except GraticuleError as error:
            if len(pairs) == 1:
                raise
            typer.echo(f"graticule: {error}", err=True)
            failed = True
            continue
        typer.echo(json.dumps(found, ensure_ascii=False) if form == "json" else _lines(found))
    raise typer.Exit(int(failed))


def _lines(found: dict[str, Any]) -> str:
    claim = found["claim"]
    lines = [
        f"{found['photo']}: {found['verdict']}",
        f"  claimed {claim['lat']:.4g}, {claim['lon']:.4g}: in the cell {found['cell']}; the "
        f"likeliest is {found['top_cell']}, {found['km_to_top']:,.0f} km away",
        f"  {found['as_good']:.0%} of all places fit at least as well; likelihood ratio of the "
        f"claim {found['likelihood_ratio']:.3g}",
        f"  false alarms of this verdict's threshold, measured: {found['false_alarm']:.0%}",
    ]
    lines += [f"  metadata, apart from the picture: {words}" for words in found["metadata"]]
    return "\n".join(lines)
