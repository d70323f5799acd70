"""Verifications as lines for people, JSON and CSV, written as they come."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from typing import IO

from graticule.answer import Match
from graticule.locate.metadata_checks import Check
from graticule.locate.verify import Verification
from graticule.output.summary import one_line, percent
from graticule.verdicts.limits import ALIKE, Limits, Verdicts

Write = Callable[[Verification], None]


def limits_in_words(verdicts: Verdicts, rate: int, *, countries: bool = False) -> str:
    """What the verdicts at a rate promise, and what they did on held-out photos.

    Args:
        verdicts: of the model.
        rate: in percent.
        countries: whether whole countries were claimed: they have limits of their own.
    """
    words = (
        f"Limits are set for {rate} % false alarms, on {verdicts.claims:,} held-out photos at "
        f"{verdicts.places:,} places, and measured with limits from other photos than the judged "
        "ones. "
        + _promise(verdicts.limits(rate), rate, verdicts.places)
        + " A false claim is another photo's place, 200 km away and more."
    )
    if not countries:
        return words
    limits = verdicts.countries.get(rate)
    if limits is None:
        return f"{words} Verdicts are not calibrated for whole countries."
    return (
        f"{words} Whole countries, against those of other photos, on "
        f"{verdicts.country_places:,} places: " + _promise(limits, rate, verdicts.country_places)
    )


def _promise(limits: Limits, rate: int, places: int) -> str:
    """What became of held-out claims by such limits, each kind of verdict in a sentence."""
    parts = [
        (limits.contradicts, limits.false_alarm, limits.found, "contradicted", "true", "false"),
        (limits.agrees, limits.false_agreement, limits.confirmed, "said to agree", "false", "true"),
    ]
    words = []
    for limit, wrong, right, verdict, wrongly, rightly in parts:
        if limit is None:
            least = round(100 / rate) - 1
            why = (
                f"{least} places are needed for a limit"
                if places < least
                else "no limit kept the rate on photos it was not fitted on"
            )
            words.append(f"No claim is {verdict}: {why}.")
        elif wrong is None or right is None:
            words.append(
                f"How often claims are {verdict} could not be measured: too few places were left "
                "to fit other limits on."
            )
        else:
            words.append(
                f"{percent(wrong)} of {wrongly} claims and {percent(right)} of {rightly} ones were "
                f"{verdict}."
            )
    return " ".join([*words, "For the rest it can't tell."])


def in_words(one: Verification) -> str:
    """What the picture says of the claim, in two sentences."""
    words = "" if one.reason is None else f"No verdict: {one.reason}. "
    if one.likelihood_ratio is not None and one.as_good is not None:
        words += (
            f"This picture is {_likely(one.likelihood_ratio)} anywhere else; "
            f"{percent(one.as_good)} of all places fit it at least as well."
        )
    return words.strip()


def _likely(times: float) -> str:
    """How likely a picture is at the claim, up to the words for everywhere else."""
    if 1 / ALIKE < times < ALIKE:
        return "about as likely at the claim as"
    if times > 1:
        return f"{times:.3g} times as likely at the claim as"
    return f"{1 / max(times, 1e-12):.3g} times less likely at the claim than"


def table(out: IO[str]) -> Write:
    """A few lines a photo."""

    def write(one: Verification) -> None:
        out.write(one_line_each(one) + "\n")
        out.flush()

    return write


def json_lines(out: IO[str]) -> Write:
    """One JSON object a line."""

    def write(one: Verification) -> None:
        out.write(one.model_dump_json() + "\n")
        out.flush()

    return write


def csv_rows(out: IO[str]) -> Write:
    """A CSV table, one row a photo: the same columns for every one."""
    writer = csv.writer(out, lineterminator="\n")
    header: list[str] = []

    def write(one: Verification) -> None:
        row = flat(one)
        if not header:
            header.extend(row)
            writer.writerow(header)
        writer.writerow(["" if value is None else value for value in row.values()])
        out.flush()

    return write


WRITERS: dict[str, Callable[[IO[str]], Write]] = {
    "table": table,
    "json": json_lines,
    "csv": csv_rows,
}


def flat(one: Verification) -> dict[str, str | float | bool | None]:
    """One row: the same columns in the same order for every photo."""
    claim, cell = one.claim, one.cell
    best = one.likeliest[0] if one.likeliest else None
    checks: dict[str, Check] = {check.of: check for check in one.checks}
    checked = {
        f"{of.replace(' ', '_')}{end}": getattr(checks[of], field) if of in checks else None
        for of in ("gps", "sun", "time zone", "metadata")
        for field, end in (("says", ""), ("words", "_words"))
    }
    notes = "; ".join(claim.notes) if claim else ""
    return {
        "photo": one.photo,
        "claim": one.claim_text or None,
        "claim_name": claim.name if claim else None,
        "claim_lat": claim.lat if claim else None,
        "claim_lon": claim.lon if claim else None,
        "claim_country": (claim.country or None) if claim else None,
        "claim_whole_country": claim.whole_country if claim else None,
        "verdict": one.verdict,
        "reason": one.reason,
        "likelihood_ratio": one.likelihood_ratio,
        "as_good": one.as_good,
        "rate_percent": one.rate,
        "false_alarm": one.false_alarm,
        "false_agreement": one.false_agreement,
        "cell": cell.name if cell else None,
        "cell_probability": cell.probability if cell else None,
        "country_probability": one.country_probability,
        "country_rank": one.country_rank,
        "likeliest": best.name if best else None,
        "likeliest_probability": best.probability if best else None,
        "km_to_likeliest": one.km_to_likeliest,
        **checked,
        "looks_claimed": _alike(one.looks_claimed) or None,
        "looks_likeliest": _alike(one.looks_likeliest) or None,
        "notes": notes or None,
        "model": one.model.name if one.model else None,
        "error": one.error,
    }


def _alike(matches: Sequence[Match]) -> str:
    return "; ".join(f"{match.photo} ({match.similarity:.2f})" for match in matches)


def one_line_each(one: Verification) -> str:
    """The lines for people."""
    name = one_line(one.photo)
    if one.error is not None:
        claimed = f"\n  claimed: {one_line(one.claim_text)}" if one.claim_text else ""
        return f"{name}: not read{claimed}\n  {one_line(one.error)}"
    assert one.claim is not None
    claim = one.claim
    at = "" if claim.whole_country else f" ({claim.lat:.4g}, {claim.lon:.4g})"
    lines = [f"{name}: {one.verdict}", f"  claimed: {one_line(claim.name)}{at}"]
    lines += [f"  note: {one_line(note)}" for note in claim.notes]
    lines.append(f"  {in_words(one)}")
    best = "; ".join(f"{cell.name} {percent(cell.probability)}" for cell in one.likeliest[:3])
    if one.cell is not None:
        own = f"{one.cell.name} {percent(one.cell.probability)}"
    else:
        share = one.country_probability
        own = "–" if share is None else f"{one_line(claim.name)} {percent(share)}"
    lines.append(f"  the claim: {own}; the likeliest: {best}")
    if one.looks_claimed:
        some = one_line(_alike(one.looks_claimed))
        lines.append(f"  most alike in your index, from the claimed place: {some}")
    lines += [
        f"  metadata, apart from the picture: {one_line(check.words)} [{check.says}]"
        for check in one.checks
    ]
    return "\n".join(lines)
