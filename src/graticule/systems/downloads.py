"""Models that can be fetched: what each needs, how large that is, and how it becomes a bundle.

Nothing here touches the network until :func:`fetch` is called, which only
``graticule models get`` does.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from graticule import files
from graticule.download import Client
from graticule.errors import BundleError, DownloadError
from graticule.progress import bar

#: Where published weights are served.
HUB = "https://huggingface.co"


@dataclass(frozen=True)
class Weights:
    """One published file.

    Attributes:
        name: of the file.
        sha256: its published checksum; empty for a small file that the revision alone pins.
        size: in bytes.
        exact: whether the size is known to the byte.
    """

    name: str
    sha256: str
    size: int
    exact: bool = True


@dataclass(frozen=True)
class Downloadable:
    """A model that is not in the wheel.

    Attributes:
        name: what ``--model`` calls it.
        about: one line.
        licence: of all that is fetched.
        repository: on the hub.
        revision: the commit whose files these are.
        weights: its files.
        extra: of graticule that making the bundle needs; running it needs none.
        prompts: of a model that compares photos with captions, its words for them; else None.
    """

    name: str
    about: str
    licence: str
    repository: str
    revision: str
    weights: tuple[Weights, ...]
    extra: str
    prompts: Mapping[str, str] | None = None

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.weights)

    def __str__(self) -> str:
        return f"{self.name}: {self.about}; {gigabytes(self.size)} to fetch; {self.licence}"


_CLIP, _CLIP_REVISION = "openai/clip-vit-large-patch14", "32bd64288804d66eefd0ccbe215aa642df71cc41"
_CLIP_WEIGHTS = (
    Weights(
        "config.json",
        "8a09b467700c58138c29d53c605b34ebc69beaadd13274a8a2af8ad2c2f4032a",
        4_519,
    ),
    Weights(
        "model.safetensors",
        "a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb",
        1_710_540_580,
    ),
)

#: Checksums: the repository's own listing at this revision (LFS object ids and blob sizes).
DOWNLOADS: dict[str, Downloadable] = {
    "geoclip": Downloadable(
        name="geoclip",
        about="GeoCLIP, a gallery of 100,000 places",
        licence="MIT",
        repository=_CLIP,
        revision=_CLIP_REVISION,
        weights=_CLIP_WEIGHTS,
        extra="geoclip",
    ),
    "streetclip": Downloadable(
        name="streetclip",
        about="StreetCLIP, prompts over countries, then cities",
        licence="CC BY-NC 4.0: not for commercial use",
        repository="geolocal/StreetCLIP",
        revision="4d1b6548988827bc01dc170b56c4a11ad3bc5111",
        weights=(
            Weights("config.json", "", 5_000, exact=False),
            Weights("vocab.json", "", 862_000, exact=False),
            Weights("merges.txt", "", 525_000, exact=False),
            Weights(
                "model.safetensors",
                "66a260a44a9f6ed735ccbc0c035c3db984ec39b2f3d726b7d6f7d6580525fb50",
                1_710_000_000,
                exact=False,
            ),
        ),
        extra="clip",
        # The captions it was trained on, section 3 of the paper, by how much of them is known.
        prompts={
            "country": "A Street View photo in {country}.",
            "no_town": "A Street View photo in the region of {region} in {country}.",
            "no_region": "A Street View photo close to the town of {town} in {country}.",
            "full": "A Street View photo close to the town of {town} in the region of {region} in "
            "{country}.",
        },
    ),
    "clip": Downloadable(
        name="clip",
        about="CLIP ViT-L/14 as it is, prompts over countries, then cities",
        licence="MIT",
        repository=_CLIP,
        revision=_CLIP_REVISION,
        weights=(
            *_CLIP_WEIGHTS,
            Weights("vocab.json", "", 862_000, exact=False),
            Weights("merges.txt", "", 525_000, exact=False),
        ),
        extra="clip",
        prompts={},
    ),
}


def gigabytes(size: int) -> str:
    """A size in words: "1.7 GB", "12.3 MB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def fetch(
    model: Downloadable, folder: Path, hub: str = HUB, *, trusted: tuple[str, ...] = ()
) -> Path:
    """Download a model's files into ``folder``, going on where an earlier call was cut off.

    A file that is there and right is not asked for again.

    Raises:
        DownloadError: no network, a wrong checksum, no room; the message says what runs now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    client = Client(trusted=trusted)
    base = f"{hub.rstrip('/')}/{model.repository}/resolve/{model.revision}"
    with bar(f"fetching {model.name} (bytes)", model.size) as moving:
        for file in model.weights:
            try:
                client.fetch(
                    f"{base}/{file.name}",
                    folder / file.name,
                    sha256=file.sha256 or None,
                    size=file.size if file.exact else None,
                    progress=moving.advance,
                )
            except DownloadError as error:
                raise DownloadError(
                    f"{error} (with the files on a disk: graticule models get {model.name} "
                    "--from FOLDER; graticule models lists what runs now)"
                ) from error
    return folder


def find_weights(source: Path, model: Downloadable) -> Path:
    """The folder inside ``source`` that holds a model's files.

    Args:
        source: that folder itself, a hub's cache (``models--…/snapshots/…`` inside it), or the
            ``models--…`` folder of one.
        model: whose files.

    Raises:
        BundleError: they are not all there.
    """
    cached = f"models--{model.repository.replace('/', '--')}"
    for home in (source, source / cached, source / "hub" / cached):
        snapshots = home / "snapshots"
        chosen = snapshots / model.revision
        for folder in (home, chosen, *sorted(snapshots.glob("*"))):
            if all((folder / file.name).is_file() for file in model.weights):
                return folder
    names = [file.name for file in model.weights]
    missing = [name for name in names if not (source / name).is_file()]
    wanted = ", ".join(missing[:-1]) + (" and " if missing[1:] else "") + missing[-1]
    raise BundleError(
        f"{source}: no {wanted} of {model.repository} there; give the folder that holds them, "
        "or a hub cache"
    )


def check_weights(folder: Path, model: Downloadable, say: Callable[[str], None]) -> None:
    """Say which files are not the published ones; a user's own weights may still be wanted."""
    for file in model.weights:
        path = folder / file.name
        if path.suffix != ".safetensors":
            continue
        if not path.is_file():
            say(f"{folder}: not the files of {model.repository}; used as they are")
        elif files.sha256(path) != file.sha256:
            say(
                f"{path}: not the published weights of {model.repository} "
                f"({path.stat().st_size:,} bytes, published {file.size:,}); used as they are"
            )


def check_room(target: Path, needed: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        BundleError: less is free.
    """
    there = next(folder for folder in (target, *target.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise BundleError(
            f"{target}: needs {gigabytes(needed)} and {gigabytes(free)} are free; "
            "free some room, or choose another folder with -o"
        )
