"""What a user is told about one photo."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Raised when a field changes its meaning; a new optional field does not raise it.
SCHEMA_VERSION: Final = 1

Probability = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Point(_Frozen):
    """A place in WGS84 degrees, rounded to what its radius supports."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


class Place(_Frozen):
    """A country, region or district with its probability."""

    code: str
    name: str
    probability: Probability


class City(_Frozen):
    """A city the model knows, or the town nearest to the point, with its probability."""

    name: str
    country: str
    probability: Probability


class Cell(_Frozen):
    """One cell of the partition that the point was decoded from."""

    id: str
    name: str
    lat: float
    lon: float
    probability: Probability


class Hypothesis(_Frozen):
    """One of several places far from one another: where it is, what it is called, how likely."""

    point: Point
    probability: Probability
    country: Annotated[str, Field(description="code of the point's country, empty at sea")]
    country_name: str
    region: str
    city: Annotated[str, Field(description="the town nearest to the point, empty if far")]

    @property
    def name(self) -> str:
        """What it is called in one line."""
        parts = dict.fromkeys((self.city, self.region, self.country_name))  # Beijing is in Beijing
        return (
            ", ".join(part for part in parts if part) or f"{self.point.lat:g}, {self.point.lon:g}"
        )


class Match(_Frozen):
    """A photo of the user's index that looks alike, with its known place."""

    photo: str
    lat: float
    lon: float
    similarity: Annotated[float, Field(ge=-1, le=1, description="cosine of the two vectors")]
    share: Annotated[Probability, Field(description="of the weight of all matches")]


class Scene(_Frozen):
    """What kind of place the picture shows, best first in ``probabilities``."""

    name: str
    probability: Probability
    probabilities: dict[str, Probability]


class Exif(_Frozen):
    """What the file's own metadata says; reported apart and never used as the answer."""

    lat: float | None = None
    lon: float | None = None
    distance_km: Annotated[
        float | None, Field(description="from the estimate, if there is one")
    ] = None
    captured_at: str | None = None


class Model(_Frozen):
    """Which model spoke."""

    name: str
    version: str
    sha256: str
    calibrated: bool = Field(description="whether probabilities and radii were calibrated")
    gallery: Annotated[
        str | None, Field(description="key of the --gallery in place of the model's own points")
    ] = None
    index: Annotated[str | None, Field(description="fingerprint of the --index, as it was")] = None


class Answer(_Frozen):
    """Where one photo was taken, how sure that is, and where every number came from.

    ``radius_km`` maps a coverage in percent ("50", "80", "90", "95") to the radius around ``point``
    that held the true place in that share of the photos it was calibrated on. An answer that
    abstains has no point and still lists its beliefs.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    photo: str
    point: Point | None = None
    radius_km: dict[str, float] = {}
    area_km2: Annotated[
        dict[str, float],
        Field(
            description="share of the belief in percent → smallest area that holds it; on request"
        ),
    ] = {}
    country_sets: Annotated[
        dict[str, int],
        Field(
            description="coverage in percent → how many countries, best first, hold the true one "
            "that often; where it was calibrated"
        ),
    ] = {}
    countries: tuple[Place, ...] = ()
    regions: tuple[Place, ...] = ()
    districts: tuple[Place, ...] = ()
    cities: tuple[City, ...] = ()
    cells: tuple[Cell, ...] = ()
    hypotheses: Annotated[
        tuple[Hypothesis, ...],
        Field(description="of a system that weighs places far apart: the point's, then the others"),
    ] = ()
    matches: Annotated[
        tuple[Match, ...], Field(description="alike photos of --index, best first")
    ] = ()
    scene: Scene | None = None
    spoke: Annotated[
        str | None,
        Field(description="of a routed system: the scene whose network answered, or weighed most"),
    ] = None
    abstained: bool = False
    reason: Annotated[
        str | None, Field(description="why it abstained, or how it was coarsened")
    ] = None
    exif: Exif | None = None
    model: Model | None = None
    seconds: float | None = None
    error: Annotated[str | None, Field(description="why this photo has no answer at all")] = None
