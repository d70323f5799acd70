"""What Python users hold: load a model once, locate images, write the answers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from graticule.answer import Answer
from graticule.errors import BundleError
from graticule.locate.decode import Options
from graticule.locate.engine import Engine
from graticule.locate.evidence import Evidence
from graticule.photos.photo import display_name
from graticule.systems.downloads import DOWNLOADS, gigabytes

if TYPE_CHECKING:
    from graticule.photos.photo import Source


class Answers(Sequence[Answer]):
    """Answers in the order of their images; writes itself in every format of `graticule locate`."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers = tuple(answers)

    @overload
    def __getitem__(self, index: int) -> Answer: ...
    @overload
    def __getitem__(self, index: slice) -> Answers: ...
    def __getitem__(self, index: int | slice) -> Answer | Answers:
        return Answers(self._answers[index]) if isinstance(index, slice) else self._answers[index]

    def __len__(self) -> int:
        return len(self._answers)

    def __repr__(self) -> str:
        return f"Answers({list(self._answers)!r})"

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write one JSON object a line."""
        self._write("json", path)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV table, one row a photo."""
        self._write("csv", path)

    def to_geojson(self, path: str | os.PathLike[str]) -> None:
        """Write GeoJSON points with the radii as attributes."""
        self._write("geojson", path)

    def to_kml(self, path: str | os.PathLike[str]) -> None:
        """Write KML for Google Earth."""
        self._write("kml", path)

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write a map as one HTML file that opens offline."""
        self._write("html", path)

    def _write(self, kind: str, path: str | os.PathLike[str]) -> None:
        from graticule.output import write

        write(self._answers, kind, Path(path))


class Locator:
    """A loaded model. Thread-safe: the network and its tables are only read."""

    def __init__(
        self,
        bundle: str | Path,
        index: str | os.PathLike[str] | None = None,
        gallery: str | os.PathLike[str] | None = None,
        *,
        zero_shot: bool = False,
    ) -> None:
        self.engine = Engine(
            bundle,
            None if index is None else Path(index),
            None if gallery is None else Path(gallery),
            zero_shot=zero_shot,
        )

    def locate(
        self,
        images: Source | Iterable[Source],
        *,
        countries: Sequence[str] = (),
        bbox: tuple[float, float, float, float] | None = None,
        near: tuple[float, float, float] | None = None,
        always_answer: bool = False,
    ) -> Answers:
        """Locate images.

        Args:
            images: one image or many: paths, bytes, file objects, Pillow images, or uint8 arrays of
                shape (h, w, 3).
            countries: ISO 3166-1 alpha-2 codes the photos may be from.
            bbox: (south, west, north, east) they lie in.
            near: (lat, lon, km) they are probably near.
            always_answer: give a point even where the answer would abstain.

        Returns:
            One answer an image, in order; an image that cannot be read has its ``error``.

        Raises:
            GraticuleError: the evidence is impossible.
        """
        return Answers(
            self.locate_iter(
                images, countries=countries, bbox=bbox, near=near, always_answer=always_answer
            )
        )

    def locate_iter(
        self,
        images: Source | Iterable[Source],
        *,
        countries: Sequence[str] = (),
        bbox: tuple[float, float, float, float] | None = None,
        near: tuple[float, float, float] | None = None,
        always_answer: bool = False,
    ) -> Iterator[Answer]:
        """Like :meth:`locate`, one answer at a time as they come, in bounded memory."""
        options = Options(Evidence(tuple(countries), bbox, near), always_answer=always_answer)
        return self.engine.locate(_named(images), options)


def load(
    model: str | os.PathLike[str] = "mini",
    *,
    index: str | os.PathLike[str] | None = None,
    gallery: str | os.PathLike[str] | None = None,
    zero_shot: bool = False,
) -> Locator:
    """Load a model by its name, or from a bundle folder.

    Args:
        model: the name or the folder.
        index: photos of your own from ``graticule index``, as evidence.
        gallery: places of your own in the model's stead, from ``graticule gallery build`` or a CSV.
        zero_shot: answer by the captions of places.

    Raises:
        BundleError: there is no such model, it takes no gallery, or it cannot read captions.
        GraticuleError: the index is none, or another model built it.
    """
    return Locator(find_model(model), index, gallery, zero_shot=zero_shot)


def find_model(model: str | os.PathLike[str]) -> Path:
    """The bundle folder of a bundled model, a downloaded one, or of a path.

    Raises:
        BundleError: there is none.
    """
    name = os.fspath(model)
    if os.sep not in name and not name.startswith("."):
        for home in _homes():
            if (home / name / "system.json").is_file():
                return home / name
    if Path(name).is_dir():
        return Path(name)
    if name in DOWNLOADS:
        wanted = DOWNLOADS[name]
        raise BundleError(
            f"{name}: its weights are not on this machine yet; graticule models get {name} fetches "
            f"{gigabytes(wanted.size)} (or takes them --from FOLDER), and --model mini runs now"
        )
    raise BundleError(
        f"{name}: no such model; graticule models lists them, or give a bundle folder"
    )


def installed_models() -> dict[str, Path]:
    """Name → bundle folder of every model that :func:`find_model` takes by name."""
    found: dict[str, Path] = {}
    for home in _homes():
        for listing in sorted(home.glob("*/system.json")):
            found.setdefault(listing.parent.name, listing.parent)
    return found


def shipped(bundle: str | os.PathLike[str]) -> bool:
    """Whether a bundle folder is one that was installed or downloaded, not one of the user's."""
    folder = Path(bundle).resolve()
    return any(folder.is_relative_to(home.resolve()) for home in _homes())


def _homes() -> tuple[Path, Path]:
    from graticule.files import cache_dir

    return Path(__file__).parents[1] / "models", cache_dir() / "models"


def _named(images: Source | Iterable[Source]) -> Iterator[tuple[Source, str | None]]:
    one = (
        isinstance(images, str | bytes | os.PathLike | np.ndarray)
        or hasattr(images, "read")
        or hasattr(images, "convert")
    )
    several: Iterable[Any] = [images] if one else images  # type: ignore[assignment]
    for number, image in enumerate(several):
        if isinstance(image, str | os.PathLike):
            yield image, display_name(os.fspath(image))
        else:
            given = getattr(image, "filename", "") or getattr(image, "name", "")
            yield image, display_name(str(given)) if given else f"image {number}"
