"""Verifications as lines for people, JSON and CSV, written as they come."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import IO

from graticule.locate.verify import Verification
from graticule.output.summary import one_line, percent
from graticule.verdicts.limits import Verdicts

#: Ratios nearer to one than this are said in words: "1.01 times" would sound like a finding.
_ALIKE = 1.05

Write = Callable[[Verification], None]


def limits_in_words(verdicts: Verdicts, rate: int) -> str:
    """What the verdicts at a rate promise, and what they did on held-out photos."""
    limits = verdicts.limits(rate)
    return (
        f"Limits are set for {rate} % false alarms, on {verdicts.claims:,} held-out photos at "
        f"{verdicts.places:,} places. There, with limits from other photos than the judged ones, "
        f"{percent(limits.false_alarm)} of true claims were contradicted and "
        f"{percent(limits.false_agreement)} of false ones (another photo's place, 200 km away and "
        f"more) were said to agree; {percent(limits.found)} of false claims were contradicted and "
        f"{percent(limits.confirmed)} of true ones said to agree. For the rest it can't tell."
    )


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
    if 1 / _ALIKE < times < _ALIKE:
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


def flat(one: Verification) -> dict[str, str | float | None]:
    """One row: the same columns in the same order for every photo."""
    claim, cell = one.claim, one.cell
    best = one.likeliest[0] if one.likeliest else None
    says = {check.of: check.says for check in one.checks}
    notes = "; ".join(claim.notes) if claim else ""
    return {
        "photo": one.photo,
        "claim": claim.text if claim else None,
        "claim_name": claim.name if claim else None,
        "claim_lat": claim.lat if claim else None,
        "claim_lon": claim.lon if claim else None,
        "verdict": one.verdict,
        "reason": one.reason,
        "likelihood_ratio": one.likelihood_ratio,
        "as_good": one.as_good,
        "rate_percent": one.rate,
        "cell": cell.name if cell else None,
        "cell_probability": cell.probability if cell else None,
        "country_probability": one.country_probability,
        "country_rank": one.country_rank,
        "likeliest": best.name if best else None,
        "likeliest_probability": best.probability if best else None,
        "km_to_likeliest": one.km_to_likeliest,
        "gps": says.get("gps"),
        "sun": says.get("sun"),
        "time_zone": says.get("time zone"),
        "notes": notes or None,
        "model": one.model.name if one.model else None,
        "error": one.error,
    }


def one_line_each(one: Verification) -> str:
    """The lines for people."""
    name = one_line(one.photo)
    if one.error is not None:
        return f"{name}: not read\n  {one_line(one.error)}"
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
        some = ", ".join(f"{m.photo} ({m.similarity:.2f})" for m in one.looks_claimed)
        lines.append(f"  most alike in your index, from the claimed place: {one_line(some)}")
    lines += [
        f"  metadata, apart from the picture: {one_line(check.words)} [{check.says}]"
        for check in one.checks
    ]
    return "\n".join(lines)
