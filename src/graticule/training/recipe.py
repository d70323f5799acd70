"""A recipe: one YAML file that says how a system is trained, checked before anything runs."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, model_validator

from graticule.encoders.spec import EncoderSpec
from graticule.errors import RecipeError
from graticule.photos.augment import find_augment
from graticule.systems.registry import find_settings
from graticule.systems.settings import Part, SystemSettings, first_words, nearest

#: The newest layout of recipes this version reads.
SCHEMA_VERSION: Final = 1
#: Where the recipes that ship lie.
FOLDER: Final = Path(__file__).parents[1] / "recipes"


class HeadSpec(Part):
    """Vector → log-probabilities of each task.

    Attributes:
        hidden: widths of the hidden layers with ReLU; none is a linear head.
        dropout: after each hidden layer, or before a linear head.
        standardise: subtract the mean of the training vectors and divide by their spread.
        components: with ``optimizer: lbfgs`` and no hidden layer, learn along so many main
            directions of the training vectors: faster, and a linear head all the same.
    """

    hidden: tuple[int, ...] = ()
    dropout: float = Field(0.0, ge=0, lt=1)
    standardise: bool = False
    components: int = Field(0, ge=0)


class LossSpec(Part):
    """What is minimised.

    Attributes:
        kind: ``cross_entropy``; ``inverse_frequency``: weighted by 1 / a class's share (S5);
            ``haversine``: against labels smoothed by distance on the ground (S2, PIGEON).
        tau_km: length over which smoothed labels fall to 1/e.
        scale_tau: scale τ with the width of the true cell, 1 at the median.
        label_smoothing: share of the target spread over all classes.
        outside: weight of a photo known to show none of the classes, whose target is all of them
            alike (outlier exposure, Hendrycks et al. 2019); 0 leaves such photos out.
    """

    kind: Literal["cross_entropy", "inverse_frequency", "haversine"] = "cross_entropy"
    tau_km: float = Field(75.0, gt=0)
    scale_tau: bool = False
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    outside: float = Field(1.0, ge=0)


class SamplingSpec(Part):
    """Which photos a batch is drawn from.

    Attributes:
        by: the manifest's column whose values are balanced (``country``, ``source``, ``scene`` …);
            empty takes each photo once an epoch.
        temperature: 1 draws as the photos are, 0 draws every value equally often; between them,
            the share of a value is its share of photos to this power.
    """

    by: str = ""
    temperature: float = Field(0.5, ge=0, le=1)


class PhaseSpec(Part):
    """A stretch of training in which the same layers learn.

    Attributes:
        epochs: at most this many.
        learn: ``head``; ``all``; a share such as 0.3: the head and the top 30 % of the backbone's
            layers; or names: the head and the layers whose names begin so.
        learning_rate: at its start.
        backbone_rate: a lower rate for the backbone, as a factor.
        schedule: ``constant``; ``cosine``: to nought over the phase; ``plateau``: a tenth after
            `patience` epochs in which the training loss fell by less than a hundredth. (Not the
            validation's: under class weights its accuracy stands still while the network still
            learns the rare classes.)
        patience: see ``plateau``.
        tasks: factors of the tasks' losses in this phase, by task; 1 where none is given, 0 leaves
            a task out (a curriculum: scenes first, then places).
    """

    epochs: int = Field(10, ge=0)
    learn: Literal["head", "all"] | float | tuple[str, ...] = "head"
    learning_rate: float = Field(1e-3, gt=0)
    backbone_rate: float = Field(1.0, gt=0)
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    patience: int = Field(3, ge=1)
    tasks: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _share(self) -> PhaseSpec:
        if isinstance(self.learn, float) and not 0 < self.learn <= 1:
            raise ValueError(f"learn {self.learn:g}: a share lies in (0, 1]")
        return self


class StopSpec(Part):
    """When to stop before the epochs are over.

    Attributes:
        patience: epochs without a better validation; 0 never stops early.
        keep: the weights of the epoch with the best validation, or the last.
        watch: what makes a validation the better one: a lower ``loss``, or a higher ``accuracy`` of
            the first task. A loss weighted by class is lowest before the network knows much: a few
            photos of rare classes decide it.
        minutes: a network stops after the epoch that ends past this; 0 sets no limit.
    """

    patience: int = Field(0, ge=0)
    keep: Literal["best", "last"] = "best"
    watch: Literal["loss", "accuracy"] = "loss"
    minutes: float = Field(0.0, ge=0)


class NetworkSpec(Part):
    """One network: an encoder, its heads, and how they learn."""

    encoder: EncoderSpec
    fuse: tuple[EncoderSpec, ...] = Field(
        (), description="further frozen encoders whose vectors stand beside the first's"
    )
    fuse_unit: bool = Field(False, description="bring each encoder's vector to unit length first")
    head: HeadSpec = Field(default_factory=HeadSpec)
    loss: LossSpec = Field(default_factory=LossSpec)
    sampling: SamplingSpec = Field(default_factory=SamplingSpec)
    augment: str = "none"
    phases: tuple[PhaseSpec, ...] = (PhaseSpec(),)
    stop: StopSpec = Field(default_factory=StopSpec)
    optimizer: Literal["adam", "adamw", "sgd", "lbfgs"] = Field(
        "adam",
        description="lbfgs: all rows at once over kept vectors; epochs are iterations and "
        "weight_decay is the penalty on the mean loss",
    )
    momentum: float = Field(0.9, ge=0, lt=1)
    betas: tuple[float, float] = Field((0.9, 0.999), description="of adam and adamw")
    weight_decay: float = Field(0.0, ge=0)
    batch_size: int = Field(32, ge=1)
    accumulate: int = Field(1, ge=1)
    clip: float = Field(0.0, ge=0, description="largest norm of the gradient; 0 does not clip")
    features: Literal["auto", "always", "maps", "never"] = Field(
        "auto",
        description="keep the vectors of an encoder that never learns; maps: keep, on the disk, "
        "the feature maps of the part of an encoder that no phase lets learn",
    )
    map_precision: Literal["float16", "float32"] = Field(
        "float16", description="of kept maps; float16 halves the disk they take"
    )
    views: tuple[Literal["", "flip", "grey"], ...] = Field(
        ("",),
        min_length=1,
        description="with kept vectors or maps: changes of the pixels, one drawn for each photo an "
        "epoch",
    )

    @model_validator(mode="after")
    def _fits(self) -> NetworkSpec:
        augment = find_augment(self.augment)
        if self.fuse and (augment.random or not self.frozen or self.features == "never"):
            raise ValueError(
                "fuse: encoders are fused frozen; use learn: head, no random augmentation and "
                "features: auto"
            )
        if self.features == "always" and (augment.random or not self.frozen):
            raise ValueError(
                "features: always needs an encoder that never learns and no random augmentation"
            )
        if self.optimizer == "lbfgs" and not self.cached:
            raise ValueError(
                "optimizer: lbfgs learns from kept vectors; use learn: head, no random "
                "augmentation and features: auto"
            )
        if self.features == "maps" and augment.random:
            raise ValueError(
                "features: maps takes no random augmentation; draw from fixed views: ['', flip]"
            )
        if len(self.views) > 1 and not (self.cached or self.mapped):
            raise ValueError("views: only with kept vectors or maps; augment changes photos")
        if self.encoder.name == "bundled" or self.encoder.name.startswith("bundle:"):
            if not self.frozen:
                raise ValueError(f"encoder {self.encoder.name} cannot learn; use learn: head")
            if augment.random:
                raise ValueError(f"encoder {self.encoder.name} takes no random augmentation")
        return self

    @property
    def start(self) -> EncoderSpec:
        """The encoder, with the mean and spread that its augmentation asks for."""
        if self.encoder.normalise != "auto":
            return self.encoder
        normalise = find_augment(self.augment).normalise
        return self.encoder.model_copy(update={"normalise": normalise})

    @property
    def frozen(self) -> bool:
        """Whether the encoder never learns."""
        return all(phase.learn == "head" for phase in self.phases if phase.epochs)

    @property
    def cached(self) -> bool:
        """Whether the encoder runs once over the photos and heads learn from its vectors."""
        if self.features in {"always", "never"}:
            return self.features == "always"
        return self.frozen and not find_augment(self.augment).random

    @property
    def mapped(self) -> bool:
        """Whether the part of the encoder that never learns runs once and its maps are kept."""
        return self.features == "maps" and not self.frozen


class DataSpec(Part):
    """Which rows of the manifest are trained on.

    Attributes:
        split: the column that says ``train``, ``val`` or ``test``; ``auto`` takes the first
            ``split_…`` column there is, then ``split``; empty: all photos train.
        validation: share of the training rows set aside where the split has no ``val``.
    """

    split: str = "auto"
    validation: float = Field(0.1, ge=0, lt=1)


class Recipe(NetworkSpec):
    """A whole recipe.

    What stands at the top is every network's; an entry of ``networks`` changes it for one.

    Attributes:
        schema_version: of this layout.
        name: what bundles trained by it are called.
        system: which file of `graticule.systems` plans and runs it.
        description: what it reproduces, in a sentence.
        seed: of every random choice.
        data: which rows.
        networks: changes by the network's name.
        settings: what the system itself needs (scenes, routing, cities …), see the model
            ``Settings`` in its file.
    """

    schema_version: int = SCHEMA_VERSION
    name: str
    system: str
    description: str = ""
    seed: int = Field(0, ge=0, lt=2**31)
    data: DataSpec = Field(default_factory=DataSpec)
    networks: dict[str, dict[str, Any]] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)

    def network(self, name: str, where: str = "") -> NetworkSpec:
        """One network, with its own changes laid over the common values.

        Args:
            name: of the network.
            where: the recipe's file, for messages.

        Raises:
            RecipeError: a change has an unknown key or a wrong value.
        """
        common = self.model_dump(include=set(NetworkSpec.model_fields))
        own = self.networks.get(name, {})
        try:
            return NetworkSpec.model_validate(_merged(common, own))
        except ValidationError as error:
            where = where or f"recipe {self.name}"
            raise RecipeError(
                first_words(where, error, NetworkSpec, f"networks.{name}.")
            ) from error


def list_recipes() -> list[str]:
    """Names of the recipes that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def list_grids() -> list[str]:
    """Names of the grids that ship; see `graticule.training.grid`."""
    return sorted(path.stem for path in (FOLDER / "grids").glob("*.yaml"))


def recipe_path(name: str) -> Path:
    """The file of a recipe: one that ships by its name, or any by its path.

    Raises:
        RecipeError: there is none.
    """
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise RecipeError(f"{name}: no such recipe; see graticule recipes")
        return path
    for shipped in (FOLDER / f"{name}.yaml", FOLDER / "grids" / f"{name}.yaml"):
        if shipped.is_file():
            return shipped
    known = list_recipes() + list_grids()
    near = difflib.get_close_matches(name, known, n=1)
    raise RecipeError(
        f"no recipe {name!r}"
        + (f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}")
    )


def load(name: str, changes: list[str] | None = None) -> Recipe:
    """Read a recipe and change it.

    Args:
        name: of one that ships (``s1``), or a path.
        changes: ``phases.0.epochs=2``: a dotted path of keys and positions, and a YAML value.

    Raises:
        RecipeError: it cannot be read; an unknown key (the nearest known is named); a wrong value.
    """
    import yaml

    path = recipe_path(name)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())
        raise RecipeError(f"{path}: not readable as YAML ({words})") from error
    if not isinstance(raw, dict):
        raise RecipeError(f"{path}: a recipe is a table of keys; see graticule recipes show s3")
    for change in changes or ():
        apply_change(raw, change)
    return parse(raw, str(path))


def parse(raw: dict[str, Any], where: str) -> Recipe:
    """Check a recipe that was read; see :func:`load`."""
    version = raw.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise RecipeError(
            f"{where}: recipe layout {version} is newer than this graticule reads "
            f"({SCHEMA_VERSION}); pip install -U graticule"
        )
    try:
        found = Recipe.model_validate(raw)
    except ValidationError as error:
        raise RecipeError(first_words(where, error, Recipe)) from error
    try:
        model = _settings_model(found)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from error
    model.of(found.settings, where)
    for name in found.networks:
        if name not in model.NETWORKS:
            hint = nearest(name, model.NETWORKS)
            raise RecipeError(f"{where}: unknown key 'networks.{name}'; {hint}")
        found.network(name, where)
    return found


def _settings_model(recipe: Recipe) -> type[SystemSettings]:
    """What the recipe's system may be told; the bundled model's recipe names its own method."""
    method = difflib.get_close_matches("method", map(str, recipe.settings), n=1, cutoff=0.8)
    if recipe.system == "default" and method:
        from graticule.training.mini.settings import MiniSettings

        return MiniSettings
    return find_settings(recipe.system)


def apply_change(raw: dict[str, Any], change: str) -> None:
    """Set one value of a recipe as read from YAML; see :func:`load`."""
    import yaml

    path, sign, text = change.partition("=")
    if not sign or not path:
        raise RecipeError(f"--set {change!r}: write KEY=VALUE, e.g. phases.0.epochs=2")
    try:
        value = yaml.safe_load(text) if text else ""
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {change!r}: not a YAML value ({error})") from error
    keys = path.split(".")
    here: Any = raw
    for key in keys[:-1]:
        if isinstance(here, list):
            here = here[_position(here, key, change)]
        elif isinstance(here, dict):
            if key not in here and keys[keys.index(key) + 1].isdigit():
                raise RecipeError(f"--set {change!r}: this recipe has no list {key!r}")
            here = here.setdefault(key, {})
        else:
            raise RecipeError(f"--set {change!r}: there is nothing below {key!r}")
    if isinstance(here, list):
        here[_position(here, keys[-1], change)] = value
    elif isinstance(here, dict):
        here[keys[-1]] = value
    else:
        raise RecipeError(f"--set {change!r}: {keys[-2]!r} is a single value")


def _position(items: list[Any], key: str, change: str) -> int:
    if not key.isdigit() or int(key) >= len(items):
        raise RecipeError(f"--set {change!r}: {key!r} is not one of 0…{len(items) - 1}")
    return int(key)


def _merged(common: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """``own`` laid over ``common``; tables are merged, an encoder of another name is not."""
    out = dict(common)
    for key, value in own.items():
        old = out.get(key)
        other = key == "encoder" and isinstance(value, dict) and "name" in value
        out[key] = (
            _merged(old, value)
            if isinstance(old, dict) and isinstance(value, dict) and not other
            else value
        )
    return out
