"""Where verdicts begin: limits on the likelihood ratio at stated false-alarm rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graticule.errors import GraticuleError

Verdict = Literal["agrees", "can't tell", "contradicts"]

#: Ratios nearer to one than this are of a picture about as likely at the claim as anywhere else:
#: no verdict rests on them.
ALIKE = 1.05


class Limits(BaseModel):
    """Where verdicts begin at one stated rate, in natural logs of the likelihood ratio.

    Attributes:
        contradicts: at or below, a claim is contradicted; None where too few places say where, or
            no limit kept the rate.
        agrees: at or above, it agrees; likewise.
        false_alarm: share of true claims that were called contradictions, with limits fitted on
            other photos than the judged ones; None where too few places were left to fit on.
        false_agreement: share of false claims that were called agreement, likewise.
        found: share of false claims that were called contradictions, likewise.
        confirmed: share of true claims that were called agreement, likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contradicts: float | None
    agrees: float | None
    false_alarm: float | None = Field(ge=0, le=1)
    false_agreement: float | None = Field(ge=0, le=1)
    found: float | None = Field(ge=0, le=1)
    confirmed: float | None = Field(ge=0, le=1)

    def judge(self, log_ratio: float) -> Verdict:
        """The verdict on one claim."""
        if self.contradicts is not None and log_ratio <= self.contradicts:
            return "contradicts"
        return "agrees" if self.agrees is not None and log_ratio >= self.agrees else "can't tell"


class Verdicts(BaseModel):
    """What `calibration.json` keeps of verdicts.

    Attributes:
        task: the belief that is asked.
        reach_km: how far around a claim the belief is averaged.
        rates: percent → limits at that rate.
        claims: true claims they were fitted on.
        places: independent places among those.
        countries: percent → limits for claims of a whole country; empty where none were fitted.
        country_places: independent places that those were fitted on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    reach_km: float = Field(ge=0)
    rates: dict[int, Limits]
    claims: int
    places: int
    countries: dict[int, Limits] = Field(default_factory=dict)
    country_places: int = 0

    @classmethod
    def of(cls, numbers: Mapping[str, Any], why_none: str = "") -> Verdicts:
        """From `calibration.json`.

        Args:
            numbers: what it keeps of verdicts.
            why_none: why the calibration fitted none, where it did not.

        Raises:
            GraticuleError: the model was never calibrated for verdicts, or could not be, or by an
                older version.
        """
        if not numbers and why_none:
            raise GraticuleError(
                f"this model's calibration has no thresholds for verdicts: {why_none}; calibrate "
                "it again on more places"
            )
        if not numbers:
            raise GraticuleError(
                "this model has no thresholds for verdicts yet: graticule calibrate fits them on "
                "photos of known places"
            )
        try:
            return cls.model_validate(numbers)
        except ValidationError:
            raise GraticuleError(
                "this model's thresholds for verdicts are of another version: graticule calibrate "
                "fits them anew"
            ) from None

    def limits(self, rate: int) -> Limits:
        """The limits at a rate in percent, for claims of a place.

        Raises:
            GraticuleError: none were fitted at that rate.
        """
        if rate not in self.rates:
            known = ", ".join(str(known) for known in sorted(self.rates))
            raise GraticuleError(f"no thresholds at {rate} % false alarms; there are: {known}")
        return self.rates[rate]
