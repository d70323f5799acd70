"""What every source has in common: who made it, on what terms, and how rows are written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from graticule.errors import DownloadError, GraticuleError, ManifestError

#: One row of a manifest as a source yields it; unknown values are left out or "".
Row: TypeAlias = Mapping[str, Any]

_BATCH_ROWS = 20_000


@dataclass(frozen=True)
class About:
    """Where a collection comes from and on what terms.

    Attributes:
        name: the command, and the value of the column ``source``.
        title: as its makers call it.
        home: where they publish it.
        files: their official file names.
        licence: what its photos and tables may be used for.
        citation: what to cite.
        columns: the manifest's columns that it fills.
    """

    name: str
    title: str
    home: str
    files: tuple[str, ...]
    licence: str
    citation: str
    columns: tuple[str, ...]

    def notice(self) -> str:
        """What is said before the work starts."""
        return f"{self.title} ({self.home})\nLicence: {self.licence}\nCite: {self.citation}"


def manifest_path(output: Path) -> Path:
    """Where the manifest goes: ``output`` itself if it names a table, else a file inside it."""
    if output.suffix.lower() in {".csv", ".parquet"}:
        return output
    return output / "manifest.csv"


def write_rows(rows: Iterable[Row], path: Path, columns: tuple[str, ...]) -> int:
    """Write rows as a manifest, in batches, whole or not at all; returns how many.

    Raises:
        ManifestError: there are no rows.
    """
    import pyarrow as pa

    from graticule.photos import manifest, schema

    kinds = {"number": pa.float64(), "text": pa.string()}
    typed = pa.schema([(name, kinds[schema.kind_of(name)]) for name in columns])

    def batches() -> Iterator[pa.RecordBatch]:
        left = iter(rows)
        while chunk := list(islice(left, _BATCH_ROWS)):
            lists = [
                pa.array(
                    [None if row.get(name) in {"", None} else _plain(row[name]) for row in chunk],
                    type=typed.field(name).type,
                )
                for name in columns
            ]
            yield pa.RecordBatch.from_arrays(lists, schema=typed)

    filled = batches()
    first = next(filled, None)
    if first is None:
        raise ManifestError(f"{path}: no photo was found, so no manifest was written")

    def all_batches() -> Iterator[pa.RecordBatch]:
        yield first
        yield from filled

    return manifest.write(all_batches(), path)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | float) else str(value)


def reach(root: Path, photos: Path) -> str:
    """The way from a manifest's folder to a folder of photos, ending in "/" or "".

    A manifest names only files inside its folder. Photos that lie elsewhere are reached through
    one link to their folder, so that nothing is copied.

    Raises:
        GraticuleError: the photos are not there, or a link cannot be made.
    """
    if not photos.is_dir():
        raise GraticuleError(f"{photos}: no such folder; give the one that holds the photos")
    inside, home = photos.resolve(), root.resolve()
    if inside == home:
        return ""
    if inside.is_relative_to(home):
        return f"{inside.relative_to(home).as_posix()}/"
    for number in range(1, 100):
        link = root / ("images" if number == 1 else f"images-{number}")
        if link.is_symlink() and link.resolve() == inside:
            return f"{link.name}/"
        if os.path.lexists(link):
            continue
        try:
            root.mkdir(parents=True, exist_ok=True)
            link.symlink_to(inside, target_is_directory=True)
        except OSError as error:
            raise GraticuleError(
                f"{link}: no link to the photos can be made ({error.strerror}); write the "
                f"manifest above them: -o {photos.parent}"
            ) from error
        return f"{link.name}/"
    raise GraticuleError(f"{root}: has 99 links to photos already; choose another -o")


class Finder:
    """Finds photos of a local folder by the names that a table gives them."""

    #: After so many names that were not where they should be, the whole folder is listed.
    PATIENCE = 20

    def __init__(self, root: Path, photos: Path) -> None:
        self._way, self._photos = reach(root, photos), photos
        self._missed = 0
        self._stems: dict[str, str] | None = None

    def find(self, name: str, *others: str) -> str | None:
        """The manifest path of a photo, or None where it is not there.

        Args:
            name: path inside the folder, as the table has it.
            others: other names it may go by.
        """
        from graticule.photos.manifest import path_problem

        names = [found for found in (name, *others) if found and not path_problem(found)]
        for candidate in (*names, *(Path(found).name for found in names)):
            if (self._photos / candidate).is_file():
                return self._way + candidate
        self._missed += 1
        if self._stems is None and self._missed >= self.PATIENCE:
            self._stems = self._listed()
        if self._stems is not None:
            for candidate in names:
                found = self._stems.get(Path(candidate).stem)
                if found:
                    return self._way + found
        return None

    def open_path(self, path: str) -> Path:
        """The file behind a manifest path that :meth:`find` gave."""
        return self._photos / path.removeprefix(self._way)

    def _listed(self) -> dict[str, str]:
        stems: dict[str, str] = {}
        for parent, folders, files in os.walk(self._photos):
            folders.sort()
            inside = Path(parent).relative_to(self._photos).as_posix()
            for file in sorted(files):
                stems.setdefault(Path(file).stem, file if inside == "." else f"{inside}/{file}")
        return stems


def coordinates(lat: Any, lon: Any) -> tuple[float, float] | None:
    """A pair of degrees, or None where they are no place."""
    try:
        pair = float(lat), float(lon)
    except (TypeError, ValueError):
        return None
    if not (abs(pair[0]) <= 90 and abs(pair[1]) <= 180) or pair == (0.0, 0.0):
        return None
    return pair


def safe_name(identity: str) -> str:
    """An identity as a file name: letters, digits, ``-``, ``_``, ``@`` and inner dots only.

    Raises:
        GraticuleError: nothing is left of it.
    """
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_@.") else "_" for c in identity)
    kept = kept.strip(".")[:120]
    if not kept:
        raise GraticuleError(f"{identity!r}: not an identity that a file can be named by")
    return kept


class UntilTrouble:
    """Rows up to the moment a download is given up or stopped, so that what is there is kept.

    Attributes:
        trouble: what ended them early, None if nothing did.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.trouble: BaseException | None = None

    def __iter__(self) -> Iterator[Row]:
        try:
            yield from self._rows
        except (DownloadError, KeyboardInterrupt) as trouble:
            self.trouble = trouble


def write_what_is_there(rows: Iterable[Row], path: Path, columns: tuple[str, ...]) -> int:
    """Write rows as :func:`write_rows` does; if they end in trouble, write first and raise then.

    Raises:
        DownloadError: a download was given up; the manifest has what came before.
        KeyboardInterrupt: likewise.
        ManifestError: there are no rows.
    """
    kept = UntilTrouble(rows)
    try:
        count = write_rows(kept, path, columns)
    except ManifestError:
        if kept.trouble is not None:
            raise kept.trouble from None
        raise
    if kept.trouble is not None:
        raise kept.trouble
    return count
