"""A trained system on disk: a folder whose every file is listed with its checksum.

    system.json            schema version, system, recipe, provenance, licences, checksums
    *.onnx, *.safetensors  weights
    partitions/NAME.parquet
    calibration.json
    MODEL_CARD.md

Nothing that is read can run code.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graticule import files
from graticule.errors import BundleError
from graticule.photos.preprocess import Preprocess
from graticule.systems import checked

if TYPE_CHECKING:
    from graticule.cells.partition import Partition

#: The newest bundle layout this version reads.
SCHEMA_VERSION = 1


class Manifest(BaseModel):
    """``system.json``: what a bundle is and what it was made from.

    Attributes:
        schema_version: of this layout.
        name: what `--model` and answers call it.
        version: of the model, raised when its weights change.
        system: which file of `graticule.systems` runs it (a key of `SYSTEMS`).
        inputs: how photos are cropped, one for each encoder, in the order of the graphs.
        point_task: the belief the point is decoded from; "" where it tells no places.
        settings: what the system itself needs (routing, decoding, refinement).
        recipe: the recipe it was trained by, whole.
        provenance: manifest hash, photos, versions, seed, time, starting weights.
        licences: of weights and data, one line each.
        files: name → SHA-256 of every other file in the folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    name: str
    version: str = "1"
    system: str
    inputs: tuple[Preprocess, ...]
    point_task: str
    settings: dict[str, Any] = Field(default_factory=dict)
    recipe: dict[str, Any] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)
    licences: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)


class Bundle:
    """A bundle folder, opened and checked.

    Attributes:
        path: the folder.
        manifest: what ``system.json`` says.
        sha256: checksum of ``system.json``, which holds those of all other files.
    """

    def __init__(self, path: str | Path, *, anew: bool = False) -> None:
        """Open a bundle.

        Args:
            path: the folder.
            anew: read every file for its checksum, large ones that were found right before, too
                (see `graticule.systems.checked`).

        Raises:
            BundleError: no ``system.json``, a newer layout, a missing file or a wrong checksum.
        """
        self.path = Path(path)
        listing = self.path / "system.json"
        if not listing.is_file():
            raise BundleError(f"{self.path}: not a bundle (no system.json); see graticule models")
        raw = files.read_json(listing)
        found = raw.get("schema_version") if isinstance(raw, dict) else None
        if isinstance(found, int) and found > SCHEMA_VERSION:
            raise BundleError(
                f"{listing}: bundle layout {found} is newer than this graticule reads "
                f"({SCHEMA_VERSION}); pip install -U graticule"
            )
        try:
            self.manifest = Manifest.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BundleError(f"{listing}: {where}: {first['msg']}") from error
        self.sha256 = files.sha256(listing)
        self._partitions: dict[str, Partition] = {}
        self._check(anew)

    def _check(self, anew: bool) -> None:
        for name, expected in self.manifest.files.items():
            file = self.file(name)
            if not checked.matches(file, expected, anew=anew):
                raise BundleError(
                    f"{file}: checksum differs from system.json; the bundle was changed or cut "
                    "off, get it again"
                )

    def file(self, name: str) -> Path:
        """The path of a file of the bundle.

        Raises:
            BundleError: it is missing, or its name leaves the folder.
        """
        path = self.path / name
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise BundleError(f"{self.path}: system.json names a file outside the bundle: {name}")
        if not path.is_file():
            raise BundleError(f"{path}: missing from the bundle; get it again")
        return path

    def has(self, name: str) -> bool:
        """Whether the bundle lists a file."""
        return name in self.manifest.files

    def partition(self, name: str) -> Partition:
        """Read ``partitions/NAME.parquet``, once."""
        from graticule.cells.files import read_partition

        if name not in self._partitions:
            self._partitions[name] = read_partition(self.file(f"partitions/{name}.parquet"))
        return self._partitions[name]

    @staticmethod
    def seal(path: str | Path, manifest: Manifest) -> Bundle:
        """Write ``system.json`` over the files that lie in ``path``, with their checksums.

        The last step of making a bundle: a folder that was cut off before has no ``system.json``.
        """
        folder = Path(path)
        sums = {
            file.relative_to(folder).as_posix(): files.sha256(file)
            for file in sorted(folder.rglob("*"))
            if file.is_file() and file.name != "system.json" and not file.name.startswith(".")
        }
        whole = manifest.model_copy(update={"files": sums})
        files.write_json(folder / "system.json", whole.model_dump(mode="json"))
        return Bundle(folder)
