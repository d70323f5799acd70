"""Photos in, answers out: threads decode while the network runs, in order, in bounded memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from graticule.answer import Answer, Model
from graticule.calibration import Calibration
from graticule.encoders.onnx import available_cores
from graticule.errors import BundleError, PhotoError
from graticule.locate.albums import Album
from graticule.locate.decode import Decoder, Looked, Options
from graticule.photos.duplicates import perceptual_hash
from graticule.photos.nature import flatness
from graticule.photos.photo import Source
from graticule.systems.registry import load_system
from graticule.systems.system import Prediction, System

T = TypeVar("T")
R = TypeVar("R")

#: Photos in one run of the network: on a CPU more gains nothing, delays the first answer, and
#: holds more memory (MobileNetV2: 260 MB at 8, 370 at 16, 600 at 32).
BATCH = 8


@dataclass(frozen=True)
class _Ready:
    """A photo decoded and cropped, or why it could not be."""

    looked: Looked
    crops: tuple[npt.NDArray[np.uint8], ...]


@dataclass(frozen=True)
class Seen:
    """A batch of photos after the network.

    Attributes:
        photos: in order: what is known of each, or the answer that says why it cannot be read.
        prediction: of those that could be read, in order; None where none could.
        seconds: that the network took.
    """

    photos: tuple[Looked | Answer, ...]
    prediction: Prediction | None
    seconds: float = 0.0

    @property
    def looked(self) -> list[Looked]:
        """Those that could be read."""
        return [photo for photo in self.photos if isinstance(photo, Looked)]


class Engine:
    """One loaded system, ready for any number of photos.

    Attributes:
        system: what runs.
        calibration: what its bundle was calibrated to.
        album: located photos that answers are compared with, or None.
    """

    def __init__(
        self,
        bundle: str | Path,
        index: str | Path | None = None,
        gallery: str | Path | None = None,
        *,
        zero_shot: bool = False,
    ) -> None:
        """Load a bundle folder.

        Args:
            bundle: the folder.
            index: of located photos, whose matches count as evidence.
            gallery: points of the user's in place of the model's own.
            zero_shot: answer by the captions of places.

        Raises:
            BundleError: it cannot be used, tells no places, or takes no gallery.
            PartitionError: the gallery's file is none.
            GraticuleError: the index is none, or another model built it.
        """
        self.system: System = load_system(bundle, gallery, zero_shot=zero_shot)
        if not self.system.point_task:
            raise BundleError(
                f"{self.system.bundle.path}: this model tells scenes and no places; graticule "
                "scenes show asks it, graticule models lists those that locate"
            )
        self.calibration: Calibration = self.system.calibration
        fitted = self.calibration.index
        self.album = None if index is None else Album(index, self.system.bundle, fitted)
        self._decoder: tuple[Options, Decoder] | None = None

    @property
    def model(self) -> Model:
        """What answers say of the model that gave them."""
        return self.decoder(Options()).model

    def decoder(self, options: Options) -> Decoder:
        """What turns predictions into answers; the last one is kept, with the names of its cells.

        Raises:
            GraticuleError: the evidence leaves no place this model knows.
        """
        kept = self._decoder
        if kept is None or kept[0] != options:
            kept = (options, Decoder(self.system, self.calibration, options, self.album))
            self._decoder = kept
        return kept[1]

    def check(self, options: Options) -> None:
        """Say before any work whether these options can be met.

        Raises:
            GraticuleError: the evidence leaves no place this model knows.
        """
        self.decoder(options)

    def locate(
        self,
        photos: Iterable[tuple[Source, str | None]],
        options: Options | None = None,
        *,
        batch: int = BATCH,
    ) -> Iterator[Answer]:
        """Answers in the order of ``photos``, as they come.

        At most three batches of decoded photos are held at a time, however many come. A photo that
        cannot be read gives an answer with its ``error``; the rest goes on.

        Args:
            photos: pairs of a source and what to call it (None: its path).
            options: evidence and how answers are decoded.
            batch: photos in one run of the network.
        """
        decoder = self.decoder(options or Options())
        with closing(self.look(photos, batch=batch)) as batches:
            for seen in batches:
                yield from self._answers(seen, decoder)

    def _answers(self, seen: Seen, decoder: Decoder) -> Iterator[Answer]:
        start = time.perf_counter()
        looked = seen.looked
        answers: Iterator[Answer] = iter(())
        if seen.prediction is not None:
            found = decoder.answers(seen.prediction, looked)
            each = round((seen.seconds + time.perf_counter() - start) / len(looked), 4)
            answers = (answer.model_copy(update={"seconds": each}) for answer in found)
        for photo in seen.photos:
            yield photo if isinstance(photo, Answer) else next(answers)

    def look(
        self, photos: Iterable[tuple[Source, str | None]], *, batch: int = BATCH
    ) -> Generator[Seen, None, None]:
        """Read photos and run the network over them, in order and in bounded memory.

        Args:
            photos: see :meth:`locate`.
            batch: photos in one run of the network.
        """
        workers = available_cores() + 1
        pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        try:
            ready = in_order(pool, photos, self._prepare, ahead=3 * batch)
            while group := list(islice(ready, batch)):
                yield self._predict(group)
        finally:
            # Nobody waits for photos that were to come: on Ctrl-C this ends at once.
            pool.shutdown(cancel_futures=True)

    def _prepare(self, photo: tuple[Source, str | None]) -> _Ready | Answer:
        source, name = photo
        try:
            opened = self.system.open(source, name)
            crops = tuple(self.system.crops(opened.image))
            alike = perceptual_hash(np.asarray(opened.image)) if self.album else 0
            looked = Looked(opened.name, opened.metadata, flatness(opened.image), alike)
            return _Ready(looked, crops)
        except (PhotoError, MemoryError) as error:
            label = name or (source if isinstance(source, str) else None)
            words = str(error) or f"{label}: not enough memory to decode it"
            return Answer(photo=label or words.partition(":")[0], error=words)

    def _predict(self, group: Sequence[_Ready | Answer]) -> Seen:
        start = time.perf_counter()
        good = [item for item in group if isinstance(item, _Ready)]
        photos = tuple(item if isinstance(item, Answer) else item.looked for item in group)
        if not good:
            return Seen(photos, None)
        pixels = [np.stack(crops) for crops in zip(*(item.crops for item in good), strict=True)]
        prediction = self.system.predict(pixels)
        return Seen(photos, prediction, time.perf_counter() - start)


def in_order(
    pool: ThreadPoolExecutor, items: Iterable[T], work: Callable[[T], R], *, ahead: int
) -> Iterator[R]:
    """Run ``work`` on items in threads, no more than ``ahead`` at a time; results in order."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
