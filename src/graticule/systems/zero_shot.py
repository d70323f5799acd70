"""Zero-shot by caption: the places whose captions lie nearest to the photo, country by country.

Bundle: ``encoder.onnx`` (``pixels_0`` → ``embedding``, unit vectors), ``text.onnx`` (``ids`` →
``embedding``, unit vectors), ``tokenizer.json``, ``partitions/LEVEL.parquet``. Settings:
``logit_scale``; ``levels``, coarse before fine; ``prompts``, see
:func:`graticule.systems.prompts.wording`. ``captions/LEVEL.npy``, where it is there, holds the
texts' vectors, so that nothing is encoded at the start.

A softmax over captions is no probability of places until ``graticule calibrate`` has fitted it.

Recipes train one on captions of the photos' own places. Settings of a recipe: see
:class:`Settings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from graticule import atlas, files
from graticule.atlas.wordings import WORDINGS, Wording
from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.encoders import tokenizer
from graticule.encoders.onnx import OnnxGraph
from graticule.errors import BundleError
from graticule.progress import track
from graticule.systems import prompts
from graticule.systems.bundle import Bundle
from graticule.systems.plan import CaptionTask, Job, Outcome, Plan, Rows
from graticule.systems.settings import Region, SystemSettings
from graticule.systems.system import Pixels, Prediction, System

Float32Array = npt.NDArray[np.float32]

TEXT, PIECES = "text.onnx", "tokenizer.json"
#: The network that learns from them, and its entry in a recipe.
CAPTIONS = "captions"
#: Captions in one run of the text side.
_BLOCK = 64
_Share = Annotated[float, Field(ge=0)]


class Settings(SystemSettings):
    """What captions say, and what is asked for afterwards.

    Attributes:
        language: of the captions.
        shared: length of the vectors of both sides.
        keep: probability of each optional sentence.
        levels: what is asked for, coarse before fine; None: countries, or regions, and cities.
        by: how often a batch is captioned by town, region and country.
        towns: the most populous of each country or region are asked for.
        region: a country's code: only its photos are learned from; empty: the world.
        bytes: longest caption that the small text side reads.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = (CAPTIONS,)

    language: str = "en"
    shared: int = Field(256, ge=1)
    keep: float = Field(0.5, ge=0, le=1)
    levels: tuple[Literal["countries", "regions", "cities"], ...] | None = None
    by: tuple[_Share, _Share, _Share] = (1.0, 0.0, 0.0)
    towns: int = Field(30, ge=1)
    region: Region = ""
    bytes: int = Field(256, ge=16)

    @field_validator("language")
    @classmethod
    def _spoken(cls, language: str) -> str:
        if language not in WORDINGS:
            raise ValueError(f"there are captions in {', '.join(WORDINGS)}")
        return language

    @field_validator("levels")
    @classmethod
    def _coarse_first(cls, levels: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if levels is not None and [*levels] != [one for one in prompts.LEVELS if one in levels]:
            raise ValueError(f"some of {', '.join(prompts.LEVELS)}, in this order")
        return levels or None

    @field_validator("by")
    @classmethod
    def _some(cls, by: tuple[float, float, float]) -> tuple[float, float, float]:
        if not sum(by) > 0:
            raise ValueError("three shares, of towns, regions and countries, not all nought")
        return by


class ZeroShot(System):
    """Photos against captions of places."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        for name in (TEXT, PIECES, "encoder.onnx"):
            if not bundle.has(name):
                raise BundleError(
                    f"{bundle.path}: no {name}, so nothing here reads captions; --zero-shot wants "
                    "a model with a text side (graticule train contrastive, graticule models get "
                    "streetclip)"
                )
        settings = bundle.manifest.settings
        self.inputs = bundle.manifest.inputs
        self._encoder = OnnxGraph(bundle.file("encoder.onnx"))
        self._scale = float(settings["logit_scale"])
        language, words = prompts.wording(settings.get("prompts", {}))
        levels = tuple(settings["levels"])
        self.point_task = levels[-1]
        self._levels: list[_Level] = []
        for level in levels:
            partition = bundle.partition(level)
            above = self._levels[-1].partition if self._levels else None
            over = None if above is None else prompts.parents(partition, above)
            vectors = _vectors(bundle, partition, words, language)
            self._levels.append(_Level(partition, vectors, over))

    def predict(self, pixels: Sequence[Pixels]) -> Prediction:
        """Encode the photos and compare them with the captions, level by level."""
        embedding = self._encoder(pixels_0=pixels[0])["embedding"]
        beliefs: dict[str, Belief[Partition]] = {}
        above: Belief[Partition] | None = None
        for level in self._levels:
            if embedding.shape[1] != level.vectors.shape[1]:
                raise BundleError(
                    f"{self.bundle.path}: photos have {embedding.shape[1]} numbers and captions "
                    f"{level.vectors.shape[1]}; both must come from one model"
                )
            cosine = self._scale * (embedding @ level.vectors.T)
            above = inside(level.partition, cosine, above, level.over)
            beliefs[level.partition.name] = above
        return Prediction(beliefs, embedding)


class _Level:
    """One partition with its captions' vectors and the number of each cell's parent above."""

    def __init__(
        self, partition: Partition, vectors: Float32Array, over: npt.NDArray[np.int64] | None
    ) -> None:
        self.partition, self.vectors, self.over = partition, vectors, over


def inside(
    partition: Partition,
    logits: npt.ArrayLike,
    above: Belief[Partition] | None,
    over: npt.NDArray[np.int64] | None,
) -> Belief[Partition]:
    """The belief over a level: p(parent) · softmax among the cells of that parent.

    A cell without a parent is left out; the mass of a parent without cells is shared by the rest.

    Args:
        partition: the level's cells.
        logits: (n, cells).
        above: over the coarser level; None at the top.
        over: int64 (cells,), each cell's parent.
    """
    weights = np.asarray(logits, dtype=np.float64)
    if above is None or over is None:
        return Belief.from_logits(partition, weights)
    known = np.flatnonzero(over >= 0)
    if not len(known):
        raise BundleError(f"{partition.name}: not one cell lies in a cell of the level above")
    order = known[np.argsort(over[known], kind="stable")]
    parents, first = np.unique(over[order], return_index=True)
    sizes = np.diff(np.append(first, len(order)))
    mine = weights[:, order]
    most = np.repeat(np.maximum.reduceat(mine, first, axis=1), sizes, axis=1)
    total = np.log(np.add.reduceat(np.exp(mine - most), first, axis=1))
    among = mine - most - np.repeat(total, sizes, axis=1)
    out = np.full(weights.shape, -np.inf)
    out[:, order] = among + above.log_p[:, np.repeat(parents, sizes)]
    return Belief.from_logits(partition, out)


def encode(graph: OnnxGraph, pieces: tokenizer.Tokenizer, texts: Sequence[str]) -> Float32Array:
    """Unit vectors of texts, float32 (n, d); each text is encoded once.

    Shorter texts go together, so that none is filled up to the longest of all.
    """
    distinct, row = np.unique(np.array(texts, dtype=np.str_), return_inverse=True)
    by_length = np.argsort([len(text) for text in distinct], kind="stable")
    out: list[Float32Array] = []
    for start in track(range(0, len(distinct), _BLOCK), "encoding captions"):
        some = [str(text) for text in distinct[by_length[start : start + _BLOCK]]]
        out.append(graph(ids=pieces(some))["embedding"])
    vectors = np.concatenate(out)
    placed = np.empty_like(vectors)
    placed[by_length] = vectors
    return placed[row]


def save_captions(
    folder: Path, partitions: Mapping[str, Partition], wanted: Mapping[str, Any]
) -> None:
    """Encode the captions of all levels by the folder's own text side, into ``captions/``."""
    language, words = prompts.wording(wanted)
    graph, pieces = OnnxGraph(folder / TEXT), tokenizer.read(folder / PIECES)
    for name, partition in partitions.items():
        vectors = encode(graph, pieces, prompts.captions(partition, words, language))
        with files.atomic(folder / "captions" / f"{name}.npy", "wb") as out:
            np.save(out, vectors, allow_pickle=False)


def _vectors(bundle: Bundle, partition: Partition, words: Wording, language: str) -> Float32Array:
    stored = f"captions/{partition.name}.npy"
    if not bundle.has(stored):
        graph, pieces = OnnxGraph(bundle.file(TEXT)), tokenizer.read(bundle.file(PIECES))
        return encode(graph, pieces, prompts.captions(partition, words, language))
    try:
        found: Float32Array = np.load(bundle.file(stored), mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise BundleError(f"{bundle.file(stored)}: not an array of numbers ({error})") from error
    if found.ndim != 2 or len(found) != len(partition):
        raise BundleError(
            f"{bundle.file(stored)}: {found.shape} for {len(partition)} {partition.name}"
        )
    return found


def plan(rows: Rows, settings: dict[str, Any]) -> Plan:
    """One network, of the photos' captions; what it is asked about afterwards is the atlas's."""
    job = caption_job(rows, settings)
    wanted = Settings.of(settings)
    levels = wanted.levels or ("regions" if wanted.region else "countries", "cities")
    partitions = prompts.places(wanted.region, levels, wanted.towns)
    network = yield job
    prompt = {"language": wanted.language}
    return Outcome(
        levels[-1],
        partitions,
        {"levels": list(levels), "prompts": prompt, "logit_scale": network.logit_scale()},
        _notes(rows, job, prompt["language"]),
        save=lambda folder: save_captions(folder, partitions, prompt),
    )


def caption_job(rows: Rows, settings: Mapping[str, Any]) -> Job:
    """The network that learns which caption belongs to which photo.

    Args:
        rows: the manifest.
        settings: of a recipe, see above.

    Raises:
        RecipeError: an unknown key or a wrong value.
    """
    wanted = Settings.of(settings)
    task = CaptionTask(
        atlas.captions(rows.latlon, language=wanted.language, columns=rows.columns),
        shared=wanted.shared,
        keep=wanted.keep,
        levels=wanted.by,
        bytes=wanted.bytes,
    )
    use = None
    if wanted.region:
        use = ~rows.located & (rows.column("country") == wanted.region)
        use[rows.located] = atlas.countries(rows.latlon[rows.located]) == wanted.region
    return Job(CAPTIONS, CAPTIONS, {}, use=use, captions=task)


def _notes(rows: Rows, job: Job, language: str) -> tuple[str, ...]:
    """Lines for the card: from how many places it learned."""
    assert job.captions is not None
    made = job.captions.captions
    learned = made.known & rows.train & (True if job.use is None else job.use)
    distinct = len(np.unique(made.place[learned, 0].astype(np.str_)))
    notes = [
        f"Captions of {int(learned.sum())} photos name {distinct} different places ({language}).",
        "Answers by caption, zero-shot: it can name places of which it saw no photo, and is mostly "
        "wrong about them when it learned from few places.",
    ]
    if language != "en":
        own = int((made.translated & learned).sum())
        notes.append(f"In the captions of {own} of them all names are in that language.")
    return tuple(notes)
