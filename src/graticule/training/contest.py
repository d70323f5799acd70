"""A contest: several systems trained on the same photos, and what each says of the held-out ones.

One frozen encoder stands in the place of every system's own, its vectors kept; photos, splits,
seeds and budget are the same; cells, heads, losses and decoding stay what the systems are. The
answers are written as tables (path, lat, lon, countries, confidence), one for each split, share of
the training photos, seed, system and fold; what is there already is not trained again. Judging the
tables is for `graticule.evaluation`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from graticule import atlas, calibration, files
from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.errors import GraticuleError, RecipeError
from graticule.photos.manifest import Manifest
from graticule.systems.plan import Outcome, Rows
from graticule.systems.settings import first_words
from graticule.training import run
from graticule.training.calibrate import calibrate
from graticule.training.data import manifest_hash
from graticule.training.recipe import FOLDER, Recipe, apply_change, load
from graticule.training.trainer import Trainer

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Countries named of each photo.
NAMED: Final = 10


class Contestant(BaseModel):
    """One system.

    Attributes:
        recipe: its name or file.
        set: changes, as ``--set`` makes them.
        note: for the reader of the table.
        own_budget: leave out the common changes.
        by_split: further changes on one split.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    set: tuple[str, ...] = ()
    note: str = ""
    own_budget: bool = False
    by_split: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Contest(BaseModel):
    """Which systems, on which splits.

    Attributes:
        name: of the contest.
        description: in a sentence.
        tested: the system that is tested against every other.
        encoder: of all systems.
        splits: ``folds``: the column fold, a photo without one is only learned from; ``random``:
            folds drawn, groups together.
        folds: of the random split.
        judged: the numbers of the folds that are trained for and judged, where a training is too
            dear for all of them; empty: all.
        seeds: each is a run of its own.
        places: ``cities``: a photo without coordinates lies at its city where the atlas knows it;
            ``given``: only photos with coordinates have a place.
        shares: of the training photos, for a curve that the first seed draws; the largest is the
            table's.
        common: changes of every recipe that has no budget of its own.
        systems: by name, in the order of the table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    tested: str
    encoder: dict[str, Any]
    splits: tuple[Literal["folds", "random"], ...] = ("folds", "random")
    folds: int = Field(5, ge=2, le=20)
    judged: tuple[int, ...] = ()
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    places: Literal["cities", "given"] = "cities"
    shares: tuple[float, ...] = Field((1.0,), min_length=1)
    common: tuple[str, ...] = ()
    systems: dict[str, Contestant]

    @model_validator(mode="after")
    def _known(self) -> Contest:
        if self.tested not in self.systems:
            raise ValueError(f"tested {self.tested!r}: one of {', '.join(self.systems)}")
        if len(self.systems) < 2:
            raise ValueError("a contest needs two systems or more")
        if not all(0 < share <= 1 for share in self.shares):
            raise ValueError("shares lie in (0, 1]")
        return self

    def recipe(self, name: str, split: str, seed: int) -> Recipe:
        """A system's recipe for a split, with the contest's encoder."""
        own = self.systems[name]
        changes = [
            f"encoder={json.dumps(self.encoder)}",
            *(() if own.own_budget else self.common),
            *own.set,
            *own.by_split.get(split, ()),
            f"seed={seed}",
        ]
        return load(own.recipe, changes)


@dataclass(frozen=True)
class Unit:
    """One training of one system."""

    system: str
    split: str
    share: float
    seed: int
    fold: int

    @property
    def file(self) -> str:
        """Where its answers are kept, below the system's folder."""
        return f"{self.split}/{self.share:g}-{self.seed}-{self.fold}.csv"


@dataclass
class Held:
    """What a contest left behind.

    Attributes:
        manifest: the photos.
        latlon: where they are, (n, 2), filled in as the contest says.
        folds: how many each split has.
        tables: by split, share and system: the table of each seed and fold.
        seconds: of the trainings of a system on a split, one each.
        parameters: of a system's heads.
        train: photos learned from, by split and share, one number a training fold.
        sides: by split and fold, the rows of ``manifest`` that any seed learned from or set aside,
            bool (n,), and the rows judged.
    """

    manifest: Manifest
    latlon: FloatArray
    folds: dict[str, int] = field(default_factory=dict)
    tables: dict[tuple[str, float, str], dict[int, dict[int, Path]]] = field(default_factory=dict)
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    train: dict[tuple[str, float], list[int]] = field(default_factory=dict)
    sides: dict[tuple[str, int], tuple[Mask, Mask]] = field(default_factory=dict)


def load_contest(name: str, changes: list[str] | None = None) -> Contest:
    """Read a contest that ships by its name, or any by its path.

    Raises:
        RecipeError: there is none, or something in it is wrong.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        path = FOLDER / "comparisons" / f"{name}.yaml"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in (FOLDER / "comparisons").glob("*.yaml")))
        raise RecipeError(f"no comparison {name!r}; there is {there}, or give a file")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(
            f"{path}: not readable as YAML ({' '.join(str(error).split())})"
        ) from error
    if not isinstance(raw, dict):
        raise RecipeError(f"{path}: a comparison is a table of keys")
    for change in changes or ():
        apply_change(raw, change)
    try:
        return Contest.model_validate(raw)
    except ValidationError as error:
        raise RecipeError(first_words(str(path), error, model=Contest)) from error


def units(contest: Contest, folds: dict[str, IntArray]) -> Iterator[Unit]:
    """Every training, all systems of one fold after each other."""
    for split in contest.splits:
        for seed in contest.seeds:
            for fold in np.unique(folds[split][folds[split] >= 0]).tolist():
                if contest.judged and fold not in contest.judged:
                    continue
                for share in contest.shares:
                    if share < max(contest.shares) and seed != contest.seeds[0]:
                        continue
                    for system in contest.systems:
                        yield Unit(system, split, share, seed, fold)


def hold(
    contest: Contest,
    table: Manifest,
    out: Path,
    options: run.Options | None = None,
    *,
    until: Callable[[], bool] = lambda: False,
) -> Held:
    """Train everything that is not there yet.

    Args:
        contest: what.
        table: the photos.
        out: the folder of the tables; a folder in it for each system, as it is, and manifest.
        options: device, feature cache and the like.
        until: asked before each training; True stops here, with what there is.

    Raises:
        GraticuleError: nothing to split by, or whatever else a person can mend.
    """
    options = options or run.Options()
    latlon = _places(table) if contest.places == "cities" else table.latlon
    rows = _Photos(table, latlon)
    folds: dict[str, IntArray] = {s: rows.folds(s, contest.folds) for s in contest.splits}
    folders = _folders(contest, table, out)
    number_of = {s: len(np.unique(own[own >= 0])) for s, own in folds.items()}
    held = Held(table, latlon, number_of)
    kept: dict[Any, Any] = {}
    encoders: dict[str, Any] = {}
    todo = list(units(contest, folds))
    for number, unit in enumerate(todo):
        file = folders[unit.system] / unit.file
        split = rows.split(folds[unit.split], unit)
        if not file.is_file():
            if until():
                break
            options.say(f"{number + 1} of {len(todo)}: {unit.system}/{file.stem} of {unit.split}")
            trainer = Trainer(
                recipe=contest.recipe(unit.system, unit.split, unit.seed),
                rows=split,
                files=rows.files,
                folder=folders[unit.system] / "run",
                features=options.features or out / "features",
                key=unit.file,
                device=run.pick_device(options.device),
                download=options.download,
                base=table.path.parent,
                encoders=encoders,
                kept=kept,
            )
            _train(trainer, split, file)
        facts = files.read_json(file.with_suffix(".json"))
        held.seconds.setdefault((unit.system, unit.split), []).append(facts["seconds"])
        if unit.share == max(contest.shares):
            learned, _ = held.sides.get((unit.split, unit.fold), (split.train, split.test))
            learned = learned | split.train | split.validation
            held.sides[unit.split, unit.fold] = (learned, split.test)
        labelled = split.train & rows.judged
        held.train.setdefault((unit.split, unit.share), []).append(int(labelled.sum()))
        held.parameters[unit.system] = facts["parameters"]
        seeds = held.tables.setdefault((unit.split, unit.share, unit.system), {})
        seeds.setdefault(unit.seed, {})[unit.fold] = file
    return held


def _folders(contest: Contest, table: Manifest, out: Path) -> dict[str, Path]:
    """Where the tables of each system are kept: contests share those of the same systems.

    A folder is named after all that its tables hang on, the recipes as they are now among it; what
    differs only in how much is run, or beside which others, does not.
    """
    found = {}
    same = contest.model_dump(mode="json", include={"folds", "places"})
    manifest = manifest_hash([table])
    for name in contest.systems:
        recipes = {
            split: contest.recipe(name, split, 0).model_dump(mode="json")
            for split in ("folds", "random")
        }
        text = json.dumps([same, recipes, manifest], sort_keys=True)
        found[name] = out / hashlib.sha256(text.encode()).hexdigest()[:12]
        files.write_json(found[name] / "recipes.json", {"system": name, **recipes})
    return found


def _train(trainer: Trainer, rows: Rows, file: Path) -> None:
    began = time.monotonic()
    results, outcome = run.run_jobs(trainer)
    seconds = time.monotonic() - began
    wanted = np.flatnonzero(rows.test)
    heads = sum(p.numel() for r in results for p in r.network.head.parameters() if r.job.keep)
    files.write_json(
        file.with_suffix(".json"), {"seconds": round(seconds, 2), "parameters": int(heads)}
    )
    with files.atomic(file) as handle:
        handle.write(answers(outcome, rows, wanted))


def answers(outcome: Outcome, rows: Rows, wanted: IntArray) -> str:
    """What a system says of photos, as its bundle would: a table of predictions, as CSV.

    Raises:
        GraticuleError: the system's plan gives no belief.
    """
    if outcome.log_p is None:
        raise GraticuleError("this system's plan says nothing of held-out photos")
    fitted = calibrate(outcome, rows, np.flatnonzero(rows.validation))
    partition = outcome.partitions[outcome.point_task]
    belief = Belief.from_logits(
        partition, outcome.log_p(wanted), fitted.temperatures.get(outcome.point_task, 1.0)
    )
    points = (
        outcome.points(wanted)
        if outcome.points is not None
        else calibration.pick_points(belief, fitted.point_km)
    )
    # Untempered: sums of tempered cells favour countries that have many cells.
    names, p = _countries(partition, np.exp(outcome.log_p(wanted).astype(np.float64)))
    order = np.argsort(-p, axis=1, kind="stable")[:, :NAMED]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "lat", "lon", "countries", "confidence"])
    paths = rows.column("path")[wanted]
    for path, (lat, lon), best, own in zip(paths, points, order, p, strict=True):
        codes = ";".join(names[i] for i in best if own[i] > 0)
        writer.writerow([path, f"{lat:.4f}", f"{lon:.4f}", codes, f"{own[best[0]]:.5f}"])
    return text.getvalue()


def _countries(partition: Partition, p: FloatArray) -> tuple[list[str], FloatArray]:
    """Countries and the probability of each, (n, countries), from cells of any kind."""
    if partition.kind == "countries":
        return list(partition.ids), p
    if "countries" in partition.parents:
        codes = np.array(partition.parents["countries"])
    else:
        codes = np.asarray(atlas.countries(partition.centers))
    names = [str(code) for code in np.unique(codes[codes != ""])]
    out = np.zeros((len(p), len(names)))
    for column, name in enumerate(names):
        out[:, column] = p[:, codes == name].sum(axis=1)
    return names, out


def _places(table: Manifest) -> FloatArray:
    """Coordinates, else those of the city, else NaN."""
    latlon, codes, cities = table.latlon.copy(), table.column("country"), table.column("city")
    open_ = np.flatnonzero(np.isnan(latlon).any(axis=1) & (codes != "") & (cities != ""))
    for code, city in sorted({(str(codes[i]), str(cities[i])) for i in open_}):
        town = atlas.find_town(city, code)
        if town is not None:
            mine = open_[(codes[open_] == code) & (cities[open_] == city)]
            latlon[mine] = (town.lat, town.lon)
    return latlon


class _Photos:
    """The manifest of a contest and the ways it is divided."""

    def __init__(self, table: Manifest, latlon: FloatArray) -> None:
        where = table.path
        self.files = table.files()
        there = np.array([path.is_file() for path in self.files], dtype=bool)
        if not there.any():
            raise GraticuleError(f"{where}: none of its {len(there)} photos is there")
        self.columns = {n: table.column(n) for n in table.columns if n not in {"lat", "lon"}}
        if "city" in self.columns:
            # Petra is in no list of towns: a city that nobody can place is none to tell apart.
            placed = np.isfinite(latlon).all(axis=1)
            self.columns["city"] = np.where(placed, self.columns["city"], "")
        self.latlon, self.where, self.there = latlon, str(where), there
        group = table.column("group")
        self.group = np.where(group == "", self.columns["path"], group)
        known = (table.column("country") != "") | np.isfinite(latlon).all(axis=1)
        # What can be judged; scenes and the like are learned from by whom it serves.
        self.judged = there & known

    def folds(self, split: str, number: int) -> IntArray:
        """The fold of each judged photo, −1 of others."""
        if split == "folds":
            text = self.columns.get("fold", np.full(len(self.there), ""))
            if len(np.unique(text[text != ""])) < 2:
                raise GraticuleError(
                    f"{self.where}: no column fold with two values or more; graticule data split "
                    "makes one, or --set splits=[random]"
                )
            names = np.unique(text[text != ""])
            fold = np.where(text == "", -1, np.searchsorted(names, text))
        else:
            names, index = np.unique(self.group, return_inverse=True)
            fold = np.random.default_rng(0).integers(0, number, len(names))[index]
        return np.where(self.judged, fold, -1).astype(np.int64)

    def split(self, folds: IntArray, unit: Unit) -> Rows:
        """Rows of one training: a tenth of the groups that are not judged set aside."""
        test = folds == unit.fold
        # Groups that are judged are not learned from, whatever fold their rows have.
        train = self.there & ~test & ~np.isin(self.group, self.group[test])
        names, index = np.unique(self.group, return_inverse=True)
        drawn = np.random.default_rng([unit.seed, unit.fold, 5]).random(len(names))[index]
        aside = train & (drawn < 0.1)
        train &= ~aside
        if unit.share < 1:
            train &= np.random.default_rng([unit.fold, 11]).random(len(names))[index] < unit.share
        return Rows(self.columns, self.latlon, train, aside, test, self.where)
