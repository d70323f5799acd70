"""Street-level photos in a box, from the Mapillary API v4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from graticule.download import Client, Refused
from graticule.errors import DownloadError, GraticuleError
from graticule.photos.sources.pictures import Album
from graticule.photos.sources.source import About, Row, coordinates

API: Final = "https://graph.mapillary.com"
TOKEN_VARIABLE: Final = "MAPILLARY_TOKEN"  # noqa: S105 - the name of a variable

ABOUT = About(
    name="mapillary",
    title="Mapillary, through its API v4",
    home="https://www.mapillary.com/developer/api-documentation",
    files=(),
    licence="CC BY-SA 4.0",
    citation="the contributors, kept in the column 'attribution'",
    columns=(
        "path",
        "lat",
        "lon",
        "photographer",
        "sequence",
        "captured_at",
        "compass",
        "panorama",
        "source",
        "licence",
        "attribution",
    ),
)

#: The longest side of a photo, as the API offers them.
SIZES: Final = ("256", "1024", "2048")
#: The API gives no more than this for one question, and does not say what it left out.
_MOST: Final = 2000
#: A box may cover 0.01 square degrees; this side keeps below.
_SIDE: Final = 0.09
_SMALLEST_SIDE: Final = 0.0005


@dataclass(frozen=True)
class Box:
    """A piece of the Earth between two parallels and two meridians, in degrees."""

    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        fits = -90 <= self.south < self.north <= 90 and -180 <= self.west < self.east <= 180
        if not fits:
            raise GraticuleError(
                f"--box {self.south:g},{self.west:g},{self.north:g},{self.east:g}: write "
                "SOUTH,WEST,NORTH,EAST in degrees; across the 180th meridian take two boxes"
            )

    def tiles(self) -> Iterator[Box]:
        """Boxes small enough to ask for, which together are this one."""
        rows = max(1, -int(-(self.north - self.south) // _SIDE))
        columns = max(1, -int(-(self.east - self.west) // _SIDE))
        yield from self.cut(rows, columns)

    def cut(self, rows: int, columns: int) -> Iterator[Box]:
        """Equal parts in degrees, from the south-west."""
        high, wide = (self.north - self.south) / rows, (self.east - self.west) / columns
        for row in range(rows):
            for column in range(columns):
                yield Box(
                    self.south + row * high,
                    self.west + column * wide,
                    self.north if row + 1 == rows else self.south + (row + 1) * high,
                    self.east if column + 1 == columns else self.west + (column + 1) * wide,
                )


def parse_box(text: str) -> Box:
    """A box from the command line: ``SOUTH,WEST,NORTH,EAST``.

    Raises:
        GraticuleError: it is not four numbers, or not a box.
    """
    try:
        south, west, north, east = (float(part) for part in text.split(","))
    except ValueError as error:
        raise GraticuleError(
            f"--box {text!r}: write SOUTH,WEST,NORTH,EAST in degrees, as 48.84,2.33,48.86,2.36"
        ) from error
    return Box(south, west, north, east)


def client(token: str, **options: Any) -> Client:
    """A client that shows the token to the API and to nobody else."""
    return Client(headers={"Authorization": f"OAuth {token}"}, **options)


def rows(
    album: Album,
    api: Client,
    box: Box,
    *,
    size: str = "1024",
    per_sequence: int | None = None,
    limit: int | None = None,
    base: str = API,
) -> Iterator[Row]:
    """Rows of the photos in a box, each downloaded before it is given.

    Args:
        album: where photos go; opened.
        api: a :func:`client`.
        box: the place.
        size: one of :data:`SIZES`.
        per_sequence: at most so many of one drive or walk, since neighbours are near-duplicates.
        limit: at most so many in all.
        base: the API's address.

    Raises:
        DownloadError: the token is wrong, or the API does not answer.
    """
    if size not in SIZES:
        raise GraticuleError(f"--size {size}: one of {', '.join(SIZES)}")
    taken: dict[str, int] = {}
    count = 0
    for found in listed(api, box, size, base):
        sequence = str(found.get("sequence", ""))
        if per_sequence is not None and taken.get(sequence, 0) >= per_sequence:
            continue
        if limit is not None and count >= limit:
            return
        url = found.get(f"thumb_{size}_url")
        path = album.get(str(found["id"]), str(url)) if url else None
        if path is not None:
            taken[sequence] = taken.get(sequence, 0) + 1
            count += 1
            yield _row(found, path)


def listed(api: Client, box: Box, size: str, base: str = API) -> Iterator[Mapping[str, Any]]:
    """What the API knows of a box, each photo once; a box that is too full is cut in four."""
    seen: set[str] = set()
    waiting = list(box.tiles())[::-1]
    while waiting:
        tile = waiting.pop()
        found = _ask(api, tile, size, base)
        if len(found) >= _MOST and tile.north - tile.south > _SMALLEST_SIDE:
            waiting.extend(list(tile.cut(2, 2))[::-1])
            continue
        for photo in found:
            if str(photo["id"]) not in seen:
                seen.add(str(photo["id"]))
                yield photo


def _ask(api: Client, tile: Box, size: str, base: str) -> list[Mapping[str, Any]]:
    fields = (
        "id,captured_at,geometry,computed_geometry,compass_angle,computed_compass_angle,"
        f"sequence,creator,is_pano,thumb_{size}_url"
    )
    bbox = f"{tile.west:.6f},{tile.south:.6f},{tile.east:.6f},{tile.north:.6f}"
    try:
        answer = api.get_json(
            f"{base}/images", {"fields": fields, "bbox": bbox, "limit": str(_MOST)}
        )
    except Refused as refusal:
        if refusal.status in {400, 401, 403}:
            raise DownloadError(
                f"Mapillary refuses ({_reason(refusal.body)}); is the token in {TOKEN_VARIABLE} "
                "right? https://www.mapillary.com/dashboard/developers has it"
            ) from refusal
        raise
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list) or not all(isinstance(p, dict) and "id" in p for p in data):
        raise DownloadError(f"{base}: the answer is not a list of photos; is this Mapillary's API?")
    return data


def _reason(body: bytes) -> str:
    import json

    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return "no reason given"
    return " ".join(str(message).split())[:120]


def _row(photo: Mapping[str, Any], path: str) -> Row:
    place = photo.get("computed_geometry") or photo.get("geometry") or {}
    lon, lat = (*(place.get("coordinates") or ()), None, None)[:2]
    pair = coordinates(lat, lon) or (None, None)
    creator = photo.get("creator") or {}
    name = str(creator.get("username") or creator.get("id") or "")
    page = f"https://www.mapillary.com/app/?pKey={photo['id']}"
    compass = photo.get("computed_compass_angle", photo.get("compass_angle"))
    return {
        "path": path,
        "lat": pair[0],
        "lon": pair[1],
        "photographer": name,
        "sequence": str(photo.get("sequence", "")),
        "captured_at": from_milliseconds(photo.get("captured_at")),
        "compass": "" if compass is None else f"{float(compass):.1f}",
        "panorama": "yes" if photo.get("is_pano") else "no",
        "source": ABOUT.name,
        "licence": ABOUT.licence,
        "attribution": f"{name}, {page}" if name else page,
    }


def from_milliseconds(value: Any) -> str:
    """ISO 8601 from milliseconds since 1970, "" where it is not such a number."""
    try:
        return datetime.fromtimestamp(float(value) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (TypeError, ValueError, OverflowError, OSError):
        return ""
