"""Make a synthetic planet: photographers travel it, and their pictures fill a manifest."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from graticule import sphere
from graticule.errors import GraticuleError
from graticule.files import atomic_path
from graticule.photos.manifest import Manifest, read, write
from graticule.photos.planet import world
from graticule.photos.planet.painter import View, paint
from graticule.scenes import SCENES

SCENE_SHARES: Final = (0.36, 0.24, 0.14, 0.12, 0.14)
#: Frames are landscape, 4:3.
SIZE: Final = (160, 120)
#: Shots that become bursts of near-duplicates, and pictures without any clue.
BURSTS, CLUELESS = 0.12, 0.08
LICENCE, ATTRIBUTION = "CC0-1.0", "graticule synthetic planet"


@dataclass(frozen=True)
class Photographer:
    """Somebody with a home, a camera with a tint, and a manner of developing pictures."""

    name: str
    home: int
    tint: tuple[float, float, float]
    gamma: float
    vignette: float
    source: str


@dataclass(frozen=True)
class Shot:
    """One picture to be: its row of the manifest, what is seen, and through whose camera."""

    row: dict[str, Any]
    view: View
    by: Photographer
    frame: tuple[int, ...]


def make(
    folder: str | os.PathLike[str],
    n: int = 2000,
    *,
    countries: int = 12,
    seed: int = 7,
    size: tuple[int, int] = SIZE,
    exif: bool = False,
) -> Manifest:
    """Draw a planet of ``n`` photos into ``folder`` with ``manifest.csv``; same seed, same bytes.

    Args:
        folder: where to; existing pictures of the same names are replaced.
        n: photos.
        countries: how many of the planet's countries, 1 to 30.
        seed: everything left to chance follows from it.
        size: width and height of a frame in pixels.
        exif: write GPS and the date into the files too, as a camera does.

    Raises:
        GraticuleError: a number out of range, or the folder cannot be written.
    """
    import pyarrow as pa

    from graticule.progress import track

    if n < 1:
        raise GraticuleError(f"-n {n}: a planet needs at least one photo")
    if min(size) < 32:
        raise GraticuleError(f"size {size[0]}×{size[1]}: 32 pixels a side is the least")
    target = Path(folder)
    taken = track(shots(n, countries=countries, seed=seed), "drawing", total=n)
    rows = draw(taken, target, size, exif=exif)
    write(pa.Table.from_pylist(rows), target / "manifest.csv")
    return read(target / "manifest.csv")


def draw(
    taken: Iterable[Shot], folder: Path, size: tuple[int, int] = SIZE, *, exif: bool = False
) -> list[dict[str, Any]]:
    """Draw pictures into ``folder``, each where its row says; returns their rows.

    Args:
        taken: from :func:`shots`; a view is painted once for frames that follow each other.
        folder: where to.
        size: width and height of a frame in pixels.
        exif: write GPS and the date into the files too.
    """
    rows = []
    canvas: tuple[tuple[int, ...], Any] = ((), None)
    for shot in taken:
        if canvas[0] != shot.view.seed:
            canvas = (shot.view.seed, paint(shot.view, *size))
        pixels = _frame(canvas[1], shot, size)
        _save(pixels, folder / shot.row["path"], shot.row if exif else None)
        rows.append(shot.row)
    return rows


def shots(n: int, *, countries: int, seed: int) -> Iterator[Shot]:
    """The ``n`` pictures of a planet, in the order in which they were taken, undrawn."""
    rng = np.random.default_rng([seed, 0])
    lands = world.choose(countries, [int(i) for i in rng.permutation(len(world.COUNTRIES))])
    # Some places are photographed far more than others, here as everywhere.
    shares = 1.0 / np.arange(2, len(lands) + 2) ** 0.4
    shares = rng.permutation(shares / shares.sum())
    people = _people(max(4, n // 12), shares, rng)
    made = day = group = 0
    while made < n:
        by = people[int(rng.integers(len(people)))]
        at = by.home if rng.random() < 0.8 else int(rng.choice(len(lands), p=shares))
        land, day = lands[at], day + 1
        town = int(rng.integers(len(land.towns)))
        when = datetime.datetime(2012, 1, 1) + datetime.timedelta(days=int(rng.integers(0, 3650)))
        for _ in range(int(rng.integers(1, 5))):
            if made == n:
                return
            group += 1
            when = when.replace(hour=int(rng.integers(7, 21)), minute=int(rng.integers(60)))
            view = _view(land, town, when, (seed, 1, group), rng)
            place = _place(land.towns[town], view.scene, rng)
            burst = int(rng.integers(2, 5)) if rng.random() < BURSTS else 1
            for frame in range(min(burst, n - made)):
                moment = when + datetime.timedelta(seconds=2 * frame)
                row = _row(made, land, town, place, view, by, day, group, moment)
                yield Shot(row, view, by, (seed, 2, group, frame))
                made += 1


def _people(n: int, shares: Any, rng: np.random.Generator) -> list[Photographer]:
    people = []
    for i in range(n):
        tint = np.exp(rng.normal(0, 0.05, 3))
        people.append(
            Photographer(
                name=f"p{i:04d}",
                # Every country has some people at home, as far as people go.
                home=i % len(shares)
                if i < 3 * len(shares)
                else int(rng.choice(len(shares), p=shares)),
                tint=(float(tint[0]), float(tint[1]), float(tint[2])),
                gamma=float(np.exp(rng.normal(0, 0.15))),
                vignette=float(rng.uniform(0, 0.35)),
                source=("planet-agency", "planet-street", "planet-album")[i % 3],
            )
        )
    return people


def _view(
    land: world.Country,
    town: int,
    when: datetime.datetime,
    seed: tuple[int, ...],
    rng: np.random.Generator,
) -> View:
    scene = SCENES[int(rng.choice(len(SCENES), p=SCENE_SHARES))]
    return View(
        country=land,
        town=town,
        lat=land.towns[town].lat,
        scene=scene,
        month=when.month,
        hour=when.hour + when.minute / 60,
        landmark=scene in {"city", "nature"} and rng.random() < 0.15,
        clueless=rng.random() < CLUELESS,
        seed=seed,
    )


def _place(town: world.Town, scene: str, rng: np.random.Generator) -> tuple[float, float]:
    """Where the picture was taken: near the town, further out in nature."""
    reach = 25.0 if scene in {"nature", "coast"} else 6.0
    km = reach * float(np.sqrt(rng.random()))
    point = sphere.offset((town.lat, town.lon), float(rng.uniform(0, 360)), km)
    return round(float(point[0]), 5), round(float(point[1]), 5)


def _row(
    number: int,
    land: world.Country,
    town: int,
    place: tuple[float, float],
    view: View,
    by: Photographer,
    day: int,
    group: int,
    moment: datetime.datetime,
) -> dict[str, Any]:
    person = int(by.name[1:])
    return {
        "path": f"photos/{number // 1000:03d}/{number:06d}.jpg",
        "lat": place[0],
        "lon": place[1],
        "country": land.code,
        "region": land.towns[town].region,
        "city": land.towns[town].city,
        "landmark": f"the tower of {land.towns[town].city}" if view.landmark else None,
        "scene": view.scene,
        "photographer": by.name,
        "sequence": f"s{day:05d}",
        "group": f"g{group:05d}",
        "captured_at": moment.isoformat(),
        # The split that comes with the planet keeps photographers apart.
        "split": "test" if person % 5 == 0 else "val" if person % 5 == 1 else "train",
        "fold": str(person % 5),
        "source": by.source,
        "licence": LICENCE,
        "attribution": ATTRIBUTION,
        "clue": "no" if view.clueless else "yes",
    }


def _frame(canvas: Any, shot: Shot, size: tuple[int, int]) -> Any:
    """One look at the canvas through the photographer's camera, uint8 (h, w, 3)."""
    # The shot is aimed and exposed once; a burst's frames shake by a pixel or two around that.
    aim, rng = np.random.default_rng(shot.view.seed), np.random.default_rng(shot.frame)
    wide, high = size
    spare = np.array([canvas.shape[0] - high, canvas.shape[1] - wide])
    top, left = np.clip(aim.integers(0, spare + 1) + rng.integers(-1, 2, 2), 0, spare)
    pixels = canvas[top : top + high, left : left + wide] / 255.0
    light = aim.uniform(0.85, 1.1) * rng.uniform(0.97, 1.03)
    pixels = np.clip(pixels * light, 0, 1) ** shot.by.gamma
    pixels = pixels * np.array(shot.by.tint, dtype=np.float32)
    y = np.linspace(-1, 1, high, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, wide, dtype=np.float32)[None, :]
    pixels = pixels * (1 - shot.by.vignette * (x**2 + y**2) / 2)[:, :, None]
    pixels = pixels + rng.standard_normal(pixels.shape, dtype=np.float32) * 0.025
    return (np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def _save(pixels: Any, path: Path, row: dict[str, Any] | None) -> None:
    from PIL import Image

    extra: dict[str, Any] = {} if row is None else {"exif": _exif(row)}
    # Without a sync to the disk for each: the manifest, written last, is what says "done".
    with atomic_path(path) as part:
        Image.fromarray(pixels).save(part, "JPEG", quality=85, **extra)


def _exif(row: dict[str, Any]) -> Any:
    from PIL import ExifTags, Image

    exif = Image.Exif()
    moment = datetime.datetime.fromisoformat(row["captured_at"]).strftime("%Y:%m:%d %H:%M:%S")
    exif[ExifTags.Base.DateTime.value] = moment
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal.value] = moment
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    for value, letters, ref, tag in (
        (row["lat"], "NS", ExifTags.GPS.GPSLatitudeRef, ExifTags.GPS.GPSLatitude),
        (row["lon"], "EW", ExifTags.GPS.GPSLongitudeRef, ExifTags.GPS.GPSLongitude),
    ):
        degrees, rest = divmod(abs(value) * 60, 60)
        minutes, part = divmod(rest, 1)
        gps[ref.value] = letters[value < 0]
        gps[tag.value] = (degrees, minutes, round(part * 60, 3))
    return exif
