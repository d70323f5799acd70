"""Does a claimed place agree with the picture? A likelihood ratio, and a verdict at a stated rate.

The picture's word comes from the calibrated belief alone (:mod:`graticule.verdicts`); what the
file's metadata says stands beside it and is never mixed in. Where the model has no word (a
screenshot, an indoor scene, a place it does not know) the verdict is "can't tell", with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from graticule import atlas, sphere
from graticule.answer import Answer, Cell, Match, Model
from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.cells.places import cell_countries
from graticule.locate.claims import Claim
from graticule.locate.decode import Decoder, Looked, Options, scene_of
from graticule.locate.engine import BATCH, Engine
from graticule.locate.metadata_checks import Check, check_metadata
from graticule.photos.photo import Source
from graticule.systems.system import Prediction
from graticule.verdicts.evidence import Evidence, Scale
from graticule.verdicts.limits import Verdict, Verdicts

#: Likeliest cells that are listed beside the claim's.
LISTED = 5
#: Stated false-alarm rate of verdicts, in percent, unless another is asked for.
RATE = 5
#: Photos of an index that show what a place looks like, and how far from a claim they may be.
SHOWN, SHOWN_KM = 4, 50.0
#: Digits of likelihood ratios and shares: more would be of the model, not of the world.
_DIGITS = 3


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Claimed(_Frozen):
    """The claim as it was understood."""

    text: str
    name: str
    lat: float
    lon: float
    country: str
    whole_country: bool
    notes: tuple[str, ...]


class Verification(_Frozen):
    """What one photo says of one claim.

    Attributes:
        photo: its name.
        claim_text: the claim as it was given.
        claim: as understood; None where it could not be.
        verdict: of the picture alone; None where the photo or the claim could not be read.
        reason: why it can't tell, where that is not simply how the evidence lies.
        likelihood_ratio: p(photo | claim) / p(photo | anywhere else).
        as_good: share of places that fit the picture at least as well as the claim.
        rate: false alarms that the verdict's limits are fitted to, in percent.
        false_alarm: true claims wrongly contradicted, measured on held-out photos, share; None
            where it was not measured, or no limits were fitted for such a claim.
        false_agreement: false claims wrongly confirmed, likewise.
        cell: the claim's cell with its probability; None for a whole country.
        country_probability: of the claim's country.
        country_rank: its rank among all countries, 1 the likeliest; None where unknown.
        likeliest: the cells that the picture speaks for most.
        km_to_likeliest: from the claim to the first of those.
        checks: what the file's metadata says, apart from the picture.
        looks_claimed: photos of the user's index from the claimed place, the most alike first.
        looks_likeliest: likewise from the likeliest cell.
        model: which model spoke.
        error: why there is no verdict at all.
    """

    schema_version: Literal[1] = 1
    photo: str
    claim_text: str = ""
    claim: Claimed | None = None
    verdict: Verdict | None = None
    reason: str | None = None
    likelihood_ratio: float | None = None
    as_good: float | None = None
    rate: int | None = None
    false_alarm: float | None = None
    false_agreement: float | None = None
    cell: Cell | None = None
    country_probability: float | None = None
    country_rank: int | None = None
    likeliest: tuple[Cell, ...] = ()
    km_to_likeliest: float | None = None
    checks: tuple[Check, ...] = ()
    looks_claimed: tuple[Match, ...] = ()
    looks_likeliest: tuple[Match, ...] = ()
    model: Model | None = None
    error: str | None = None


@dataclass(frozen=True)
class Item:
    """A photo and what is claimed of it.

    Attributes:
        source: the photo.
        name: what the result calls it.
        claim: the claim, or the words that say why it is none.
        text: the claim as it was given.
    """

    source: Source
    name: str
    claim: Claim | str
    text: str = ""


class Verifier:
    """Weighs claims with one engine.

    Attributes:
        engine: the model, with the user's index if one was given.
        verdicts: reach and limits that the model was calibrated to.
        rate: false alarms, in percent.
    """

    def __init__(self, engine: Engine, rate: int = RATE) -> None:
        """Make ready.

        Raises:
            GraticuleError: the model has no fitted verdicts, or none at this rate.
        """
        fitted = engine.calibration
        self.engine, self.rate = engine, rate
        self.verdicts = Verdicts.of(fitted.verdicts, str(fitted.fitted_on.get("no_verdicts", "")))
        self._limits = self.verdicts.limits(rate)
        task = self.verdicts.task
        self._scale = Scale(
            engine.system.partitions[task], fitted.prior[task], self.verdicts.reach_km
        )
        self._decoder = Decoder(engine.system, fitted, Options())
        self._homes = cell_countries(self._scale.over)

    def verify(self, items: Iterable[Item], *, batch: int = BATCH) -> Iterator[Verification]:
        """Verifications in the order of ``items``, as they come.

        A photo or a claim that cannot be read gives a result with its ``error``; the rest goes on.
        """
        waiting: list[Item] = []

        def named() -> Iterator[tuple[Source, str | None]]:
            for item in items:
                waiting.append(item)
                # Nothing is read of a photo about which nothing is claimed.
                yield (item.source if isinstance(item.claim, Claim) else b""), item.name

        with closing(self.engine.look(named(), batch=batch)) as batches:
            for seen in batches:
                mine = waiting[: len(seen.photos)]
                del waiting[: len(seen.photos)]
                found = iter(self._judge(seen.prediction, mine, seen.photos))
                for item, photo in zip(mine, seen.photos, strict=True):
                    if isinstance(item.claim, str):
                        yield Verification(photo=item.name, claim_text=item.text, error=item.claim)
                    elif isinstance(photo, Answer):
                        yield Verification(
                            photo=item.name,
                            claim_text=item.claim.text,
                            claim=_claimed(item.claim),
                            error=photo.error,
                        )
                    else:
                        yield next(found)

    def _judge(
        self,
        prediction: Prediction | None,
        items: Sequence[Item],
        photos: Sequence[Looked | Answer],
    ) -> list[Verification]:
        if prediction is None:
            return []
        pairs = [
            (item.claim, photo)
            for item, photo in zip(items, photos, strict=True)
            if isinstance(item.claim, Claim) and isinstance(photo, Looked)
        ]
        fitted = self.engine.calibration
        tempered = {
            task: fitted.temper(task, belief) for task, belief in prediction.beliefs.items()
        }
        belief = tempered[self.verdicts.task]
        gains = self._decoder.gains(tempered)
        evidence = self._scale.weigh(
            belief,
            np.array([claim.latlon for claim, _ in pairs]),
            [claim.country if claim.whole_country else "" for claim, _ in pairs],
        )
        out = []
        for row, (claim, photo) in enumerate(pairs):
            scene = scene_of(prediction.scenes, row)
            silent = self._decoder.why_silent(photo, scene, float(gains[row]))
            said = self._said(belief, evidence, row, claim, silent)
            shown = self._shown(prediction.embedding[row], belief, row, claim)
            out.append(
                said.model_copy(
                    update={
                        "photo": photo.name,
                        "checks": check_metadata(photo.metadata, claim),
                        **shown,
                    }
                )
            )
        return out

    def _said(
        self,
        belief: Belief[Partition],
        evidence: Evidence,
        row: int,
        claim: Claim,
        silent: str | None,
    ) -> Verification:
        ratio, cell = float(evidence.log_ratio[row]), int(evidence.cell[row])
        known = bool(np.isfinite(ratio))
        limits = self.verdicts.countries.get(self.rate) if claim.whole_country else self._limits
        reason = silent
        if not known:
            reason = "this model knows no place near the claim"
        elif limits is None:
            reason = "this model's verdicts are not calibrated for whole countries"
        elif limits.contradicts is None and limits.agrees is None:
            reason = f"this model has no limits that keep {self.rate} % false alarms"
        verdict: Verdict = "can't tell"
        if reason is None and limits is not None:
            verdict = limits.judge(ratio)
        p = belief.p[row].astype(np.float64)
        cells, _ = belief[slice(row, row + 1)].top(LISTED)
        top = int(cells[0, 0])
        home = claim.country or (str(self._homes[cell]) if cell >= 0 else "")
        country, rank = self._country(p, home)
        return Verification(
            photo="",
            claim_text=claim.text,
            claim=_claimed(claim),
            verdict=verdict,
            reason=reason,
            likelihood_ratio=_significant(float(np.exp(ratio))) if known else None,
            as_good=round(float(evidence.as_good[row]), 4) if known else None,
            rate=self.rate,
            false_alarm=None if limits is None else limits.false_alarm,
            false_agreement=None if limits is None else limits.false_agreement,
            cell=self._cell(cell, p) if cell >= 0 else None,
            country_probability=country,
            country_rank=rank,
            likeliest=tuple(self._cell(int(one), p) for one in cells[0]),
            km_to_likeliest=round(
                float(sphere.haversine(claim.latlon, self._scale.over.centers[top])), 1
            ),
            model=self._decoder.model,
        )

    def _country(self, p: npt.NDArray[np.float64], code: str) -> tuple[float | None, int | None]:
        codes, index = np.unique(self._homes, return_inverse=True)
        shares = np.bincount(index, p)
        own = np.flatnonzero(codes == code)
        if not code or not len(own):
            return None, None
        share = float(shares[own[0]])
        return round(share, 4), 1 + int((shares > share * (1 + 1e-9)).sum())

    def _cell(self, cell: int, p: npt.NDArray[np.float64]) -> Cell:
        over = self._scale.over
        home = str(self._homes[cell])
        name = over.names[cell]
        country = atlas.country_name(home) if home else ""
        if over.ids[cell] == f"{home}:":
            name = f"{country} outside its known cities" if self._has_cities(home) else country
        elif country and country != name:
            name = f"{name}, {country}"
        return Cell(
            id=over.ids[cell],
            name=name,
            lat=round(float(over.centers[cell, 0]), 2),
            lon=round(float(over.centers[cell, 1]), 2),
            probability=round(float(p[cell]), 4),
        )

    def _has_cities(self, home: str) -> bool:
        return int((self._homes == home).sum()) > 1

    def _shown(
        self,
        embedding: npt.NDArray[np.float32],
        belief: Belief[Partition],
        row: int,
        claim: Claim,
    ) -> dict[str, tuple[Match, ...]]:
        album = self.engine.album
        if album is None:
            return {}
        top = int(belief[slice(row, row + 1)].top(1)[0][0, 0])
        places = album.index.rows.latlon
        if claim.whole_country:
            near = atlas.countries(places) == claim.country
        else:
            near = sphere.haversine(places, claim.latlon) <= SHOWN_KM
        return {
            "looks_claimed": album.alike(embedding, near, SHOWN),
            "looks_likeliest": album.alike(embedding, album.cells(self._scale.over) == top, SHOWN),
        }


def _claimed(claim: Claim) -> Claimed:
    return Claimed(
        text=claim.text,
        name=claim.name,
        lat=round(claim.lat, 6),
        lon=round(claim.lon, 6),
        country=claim.country,
        whole_country=claim.whole_country,
        notes=claim.notes,
    )


def _significant(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
