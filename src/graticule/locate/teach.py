"""Teaching a model a place: a handful of photos become a prototype in its bundle."""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule import atlas, files, sphere
from graticule.errors import BundleError, GraticuleError, PhotoError
from graticule.photos.photo import Photo
from graticule.progress import track
from graticule.refine import taught as shots
from graticule.refine.taught import Known, Place, Taught
from graticule.systems.bundle import Bundle
from graticule.systems.registry import load_system
from graticule.systems.system import System
from graticule.systems.taught import FILE, TaughtSystem, taught_file

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

#: How far a place reaches, at least and at most; photos further apart are of several places.
LEAST_KM, MOST_KM = 2.0, 25.0
#: Photos of elsewhere that are looked at, and photos of one place.
OTHERS, PHOTOS = 2000, 500
_BATCH = 8


@dataclass(frozen=True)
class _Seen:
    """Photos as the model sees them.

    Attributes:
        names: their paths.
        sums: SHA-256 of each, the first 32 digits.
        vectors: float32 (n, d).
        latlon: what their metadata says, (n, 2), NaN where it says nothing.
    """

    names: tuple[str, ...]
    sums: tuple[str, ...]
    vectors: Float32Array
    latlon: FloatArray


def teach(
    bundle: str | Path,
    name: str,
    photos: Sequence[str],
    *,
    at: tuple[float, float] | None = None,
    others: Sequence[str] = (),
    complain: Callable[[str], None] = lambda _: None,
) -> Place:
    """Add a place to a bundle, or further photos to a place; the bundle is whole at any moment.

    Args:
        bundle: its folder.
        name: of the place.
        photos: of the place.
        at: where it is, degrees; else what the photos' metadata say, or the atlas of a town of that
            name.
        others: photos of elsewhere, a folder a place; needed once by a model that keeps none.
        complain: told of each photo that cannot be read.

    Raises:
        GraticuleError: no photo can be read, nobody knows where the place is, or the model needs
            photos of elsewhere.
    """
    label = " ".join(name.split())
    if not label:
        raise GraticuleError("--name: a place needs a name")
    if len(photos) > PHOTOS:
        raise GraticuleError(
            f"{label}: {len(photos)} photos; a place is taught by {PHOTOS} at most, train on more"
        )
    system = load_system(bundle)
    if not system.point_task:
        raise BundleError(f"{bundle}: this model tells scenes and no places: none can be added")
    inner = system.inner if isinstance(system, TaughtSystem) else system
    before = system.taught if isinstance(system, TaughtSystem) else None
    seen = _look(inner, photos, complain)
    if not len(seen.names):
        raise GraticuleError(f"{label}: none of the {len(photos)} photos can be read")
    known, sample = _known(inner, before, others, complain)
    number = None if before is None else before.find(label)
    old = before.places[number] if before is not None and number is not None else None
    center, radius = _where(label, seen, at, old)
    place = Place(old.name if old else label, *center, radius, seen.sums)
    whole = (before or Taught(known)).with_place(place, seen.vectors)
    write(inner.bundle, _with_shares(whole, sample))
    return whole.places[whole.find(label) or 0]


def forget(bundle: str | Path, name: str) -> Place:
    """Take a place out again and return it.

    Raises:
        GraticuleError: there is none of that name.
    """
    opened = Bundle(bundle)
    before = taught(opened)
    if before is None:
        raise GraticuleError(f"{bundle}: was taught no place")
    number = before.find(name)
    write(opened, before.without(name))
    assert number is not None
    return before.places[number]


def taught(bundle: Bundle) -> Taught | None:
    """The places a bundle was taught, None where it was taught none."""
    file = taught_file(bundle)
    return None if file is None else Taught.load(bundle.file(file))


@contextmanager
def copied(bundle: Path, target: Path) -> Iterator[Path]:
    """A copy of a bundle to teach, which takes its name when the block has ended well.

    Raises:
        GraticuleError: the target exists or cannot be written.
    """
    if target.exists():
        raise GraticuleError(f"{target}: exists; teach it itself, or choose another -o")
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        try:
            shutil.copytree(bundle, part)
        except OSError as error:
            raise GraticuleError(
                f"{target}: cannot be written ({error.strerror or error})"
            ) from error
        yield part
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write(bundle: Bundle, whole: Taught) -> Bundle:
    """Seal a bundle again with these places.

    The new file has a name of its own and ``system.json`` is replaced at once, so that a bundle is
    never without one whole state; the old file goes last.

    Raises:
        GraticuleError: the bundle cannot be written, or was changed since it was read.
    """
    old = taught_file(bundle)
    listing = bundle.path / "system.json"
    sums = {name: sha for name, sha in bundle.manifest.files.items() if name != old}
    new = None
    if whole.places:
        part = bundle.path / f".{FILE}new.safetensors"
        whole.save(part)
        sha = files.sha256(part)
        new = f"{FILE}{hashlib.sha256(sha.encode()).hexdigest()[:12]}.safetensors"
        part.replace(bundle.path / new)
        sums[new] = sha
    if files.sha256(listing) != bundle.sha256:
        raise BundleError(f"{bundle.path}: changed while it was taught; give the command again")
    manifest = bundle.manifest.model_copy(update={"files": dict(sorted(sums.items()))})
    files.write_json(listing, manifest.model_dump(mode="json"))
    for file in bundle.path.glob(f"{FILE}*.safetensors"):
        if file.name != new:
            file.unlink()
    return Bundle(bundle.path)


def _known(
    system: System,
    before: Taught | None,
    others: Sequence[str],
    complain: Callable[[str], None],
) -> tuple[Known, Float32Array | None]:
    """What the model knows, and vectors of photos of elsewhere where they are at hand."""
    if others:
        rng = np.random.default_rng(0)
        drawn = list(others)
        if len(drawn) > OTHERS:
            drawn = [others[i] for i in np.sort(rng.choice(len(others), OTHERS, replace=False))]
        seen = _look(system, drawn, complain)
        groups = np.array([str(Path(name).parent) for name in seen.names])
        if len(seen.names):
            return shots.fit(seen.vectors, groups), seen.vectors
    if system.bundle.has("prototypes.safetensors"):
        from graticule.refine.prototypes import Prototypes

        stored = Prototypes.load(system.bundle.file("prototypes.safetensors"))
        vectors = stored.photo_vectors.astype(np.float32)
        picked = np.random.default_rng(0).permutation(len(vectors))[:OTHERS]
        known = before.known if before else shots.fit(vectors, stored.photo_prototypes)
        return known, vectors[picked]
    if before is not None:
        return before.known, None
    raise GraticuleError(
        f"{system.bundle.manifest.name}: keeps no photos of other places to tell a new one from; "
        "give --others FOLDER, photos of elsewhere with a folder for each place"
    )


def _with_shares(whole: Taught, sample: Float32Array | None) -> Taught:
    """With the mean probability of each place for photos of elsewhere.

    Where those are gone, a new place is taken to be as rare as the ones before it.
    """
    if sample is None:
        earlier = [place.share for place in whole.places if place.share] or [0.0]
        means = np.array([place.share or np.mean(earlier) for place in whole.places])
    else:
        means = whole.shares(sample).mean(axis=0)
    places = tuple(
        replace(place, share=float(mean)) for place, mean in zip(whole.places, means, strict=True)
    )
    return replace(whole, places=places)


def _where(
    name: str, seen: _Seen, at: tuple[float, float] | None, old: Place | None
) -> tuple[tuple[float, float], float]:
    """Where the place is and how far it reaches."""
    known = seen.latlon[np.isfinite(seen.latlon).all(axis=1)]
    if at is not None:
        lat, lon = at
        if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
            raise GraticuleError(f"--at {lat:g},{lon:g}: no place on Earth; latitude comes first")
        center = np.array([lat, lon])
    elif old is not None:
        center = np.array([old.lat, old.lon])
    elif len(known):
        center = sphere.mean(known)
        if float(sphere.haversine(known, center).max()) > MOST_KM:
            raise GraticuleError(
                f"{name}: its photos' positions lie more than {MOST_KM:g} km from their middle; "
                "teach several places, or give --at"
            )
    else:
        town = atlas.find_town(name)
        if town is None:
            raise GraticuleError(
                f"{name}: neither its photos nor the atlas say where it is; give --at LAT,LON"
            )
        center = np.array([town.lat, town.lon])
    reach = sphere.haversine(known, center) if len(known) else np.zeros(1)
    least = old.radius_km if old is not None else LEAST_KM
    radius = float(np.clip(reach.max(), least, MOST_KM))
    return (round(float(center[0]), 5), round(float(center[1]), 5)), round(radius, 2)


def _look(system: System, names: Sequence[str], complain: Callable[[str], None]) -> _Seen:
    """The photos that can be read, each file once."""
    kept: list[tuple[str, str]] = []
    vectors: list[Float32Array] = []
    places: list[tuple[float, float]] = []
    opened = _opened(system, names, complain)
    while batch := list(islice(opened, _BATCH)):
        crops = [system.crops(photo.image) for _, _, photo in batch]
        said = system.predict([np.stack(views) for views in zip(*crops, strict=True)])
        vectors.append(said.embedding)
        for name, sha, photo in batch:
            kept.append((name, sha))
            lat, lon = photo.metadata.lat, photo.metadata.lon
            places.append((math.nan, math.nan) if lat is None or lon is None else (lat, lon))
    return _Seen(
        tuple(name for name, _ in kept),
        tuple(sha for _, sha in kept),
        np.concatenate(vectors) if vectors else np.empty((0, 0), np.float32),
        np.array(places, dtype=np.float64).reshape(-1, 2),
    )


def _opened(
    system: System, names: Sequence[str], complain: Callable[[str], None]
) -> Iterator[tuple[str, str, Photo]]:
    seen: set[str] = set()
    for name in track(names, "looking at photos"):
        try:
            photo: Photo = system.open(name)
            sha = files.sha256(name)[:32]
        except PhotoError as error:
            complain(str(error))
            continue
        if sha not in seen:
            seen.add(sha)
            yield name, sha, photo
