"""Scenes of many photos, from any system that tells them: named, or written into a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief, Labels
from graticule.encoders.onnx import available_cores
from graticule.errors import BundleError, GraticuleError, PhotoError
from graticule.locate.engine import BATCH, in_order
from graticule.locate.journal import mend
from graticule.photos import scene_names
from graticule.photos.manifest import Manifest, replace_columns
from graticule.progress import bar
from graticule.systems.registry import load_system
from graticule.systems.system import System

if TYPE_CHECKING:
    from graticule.photos.photo import Source


@dataclass(frozen=True)
class Seen:
    """What kind of place a photo shows.

    Attributes:
        photo: what it is called.
        levels: vocabulary ("scene" is the model's own, finest) → name → probability, likeliest
            first.
        error: why it could not be read, or None.
    """

    photo: str
    levels: dict[str, dict[str, float]]
    error: str | None = None

    def best(self, level: str = "scene") -> tuple[str, float]:
        """The likeliest name of a level, and its probability."""
        return next(iter(self.levels[level].items()))


class SceneReader:
    """A loaded model that tells scenes."""

    def __init__(self, bundle: str | Path) -> None:
        """Load a bundle folder.

        Raises:
            BundleError: it cannot be used.
        """
        self.system: System = load_system(bundle)

    def read(
        self, photos: Iterable[tuple[Source, str | None]], *, batch: int = BATCH
    ) -> Iterator[Seen]:
        """Scenes in the order of ``photos``, as they come, in bounded memory.

        A photo that cannot be read has its ``error``; the rest goes on.

        Args:
            photos: pairs of a source and what to call it (None: its path).
            batch: photos in one run of the network.

        Raises:
            BundleError: the model tells no scenes.
        """
        pool = ThreadPoolExecutor(available_cores() + 1, thread_name_prefix="decode")
        try:
            ready = in_order(pool, photos, self._crops, ahead=3 * batch)
            while group := list(islice(ready, batch)):
                good = [item for item in group if not isinstance(item, Seen)]
                told = iter(self._told([crops for _, crops in good]) if good else ())
                for item in group:
                    if isinstance(item, Seen):
                        yield item
                    else:
                        yield Seen(item[0], next(told))
        finally:
            pool.shutdown(cancel_futures=True)

    def _crops(
        self, photo: tuple[Source, str | None]
    ) -> tuple[str, list[npt.NDArray[np.uint8]]] | Seen:
        source, name = photo
        try:
            opened = self.system.open(source, name)
            return opened.name, self.system.crops(opened.image)
        except (PhotoError, MemoryError) as error:
            label = name or (source if isinstance(source, str) else None)
            words = str(error) or f"{label}: not enough memory to decode it"
            return Seen(label or words.partition(":")[0], {}, words)

    def _told(
        self, crops: Sequence[list[npt.NDArray[np.uint8]]]
    ) -> list[dict[str, dict[str, float]]]:
        said = self.system.predict([np.stack(views) for views in zip(*crops, strict=True)])
        if said.scenes is None:
            manifest = self.system.bundle.manifest
            raise BundleError(f"{manifest.name}: this model tells no scenes; mini does")
        levels = {"scene": said.scenes}
        levels |= {name: b for name, b in said.labels.items() if name.startswith("places")}
        return [
            {name: _ranked(belief, row) for name, belief in levels.items()}
            for row in range(len(crops))
        ]


def _ranked(belief: Belief[Labels], row: int) -> dict[str, float]:
    one = belief[slice(row, row + 1)]
    numbers, p = one.top(len(belief.over.ids))
    return {
        belief.over.ids[i]: round(float(share), 4)
        for i, share in zip(numbers[0], p[0], strict=True)
    }


@dataclass(frozen=True)
class Labelling:
    """What :func:`label` did.

    Attributes:
        rows: of the manifest.
        kept: rows that had a label of a person.
        labelled: rows labelled now or by an earlier run that was cut off.
        resumed: of those, by an earlier run.
        errors: lines on photos that could not be read; their rows stay without.
    """

    rows: int
    kept: int
    labelled: int
    resumed: int
    errors: tuple[str, ...]


def label(manifest: Manifest, reader: SceneReader, out: Path) -> Labelling:
    """Write a manifest whose rows without a scene have the model's, with its probability.

    Columns ``scene`` and ``scene_p``, and for a model of Places' scenes ``places16``, ``places3``
    with theirs. A row with a label of its own keeps it and has no ``scene_p``. What was labelled
    stands in ``OUT.labels`` until the manifest is whole, so that a run that was cut off goes on.

    Args:
        manifest: photos.
        reader: the model.
        out: where to; beside the manifest, since paths are relative to its folder.

    Raises:
        ManifestError: a scene that stands there is a name of no list and none of the model's.
        GraticuleError: the file cannot be written, or no photo can be read.
    """
    theirs = reader.system.bundle.manifest.settings.get("scenes") or ()
    scene_names.check(manifest.column("scene").tolist(), str(manifest.path), theirs)
    sha = reader.system.bundle.sha256
    paths = manifest.files()
    names = manifest.column("path")
    by_hand = (manifest.column("scene") != "") & np.isnan(manifest.numbers("scene_p"))
    keys = {int(i): _key(paths[i]) for i in np.flatnonzero(~by_hand)}
    beside = out.with_name(out.name + ".labels")
    known = _read_journal(beside, sha)
    todo = [i for i, key in keys.items() if key not in known]
    errors = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with beside.open("a", encoding="utf-8") as journal, bar("scenes", len(todo)) as moving:
        if not journal.tell():
            journal.write(json.dumps({"model": sha}) + "\n")
        photos = ((str(paths[i]), str(names[i])) for i in todo)
        for i, seen in zip(todo, reader.read(photos), strict=True):
            moving.advance(1)
            if seen.error is not None:
                errors.append(seen.error)
                continue
            known[keys[i]] = {level: seen.best(level) for level in seen.levels}
            journal.write(json.dumps({"photo": keys[i], "levels": known[keys[i]]}) + "\n")
            journal.flush()
    labels = {i: known[key] for i, key in keys.items() if key in known}
    if errors and not labels:
        raise GraticuleError(f"{manifest.path}: no photo could be labelled ({errors[0]})")
    replace_columns(manifest, _columns(manifest, labels), out)
    beside.unlink()
    resumed = len(keys) - len(todo)
    return Labelling(len(paths), int(by_hand.sum()), len(labels), resumed, tuple(errors))


def _key(path: Path) -> str:
    """A photo as it is now: one that was replaced since is labelled again."""
    try:
        stat = path.stat()
    except OSError:
        return f"{path.name}|gone"
    return f"{path.as_posix()}|{stat.st_size}|{stat.st_mtime_ns}"


def _read_journal(path: Path, sha256: str) -> dict[str, dict[str, tuple[str, float]]]:
    """What an earlier run of the same model labelled; of another model, nothing."""
    if not path.is_file():
        return {}
    mend(path)
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if lines and lines[0]["model"] == sha256:
            return {
                str(line["photo"]): {k: (str(n), float(p)) for k, (n, p) in line["levels"].items()}
                for line in lines[1:]
            }
    except (ValueError, KeyError, TypeError):
        raise GraticuleError(
            f"{path}: not what graticule scenes label leaves when it is cut off; remove it, or "
            "choose another -o"
        ) from None
    path.unlink()
    return {}


def _columns(
    manifest: Manifest, labels: dict[int, dict[str, tuple[str, float]]]
) -> dict[str, npt.NDArray[np.object_]]:
    """The columns of labels and their probabilities, with what people wrote left as it is."""
    levels = dict.fromkeys(level for found in labels.values() for level in found) or {"scene": None}
    columns = {}
    for level in levels:
        text = manifest.column(level).astype(object)
        p = manifest.numbers(f"{level}_p").astype(object)
        theirs = (text != "") & np.isnan(manifest.numbers(f"{level}_p"))
        for row, found in labels.items():
            if level in found and not theirs[row]:
                text[row], p[row] = found[level]
        columns[level] = text
        columns[f"{level}_p"] = p
    return columns
