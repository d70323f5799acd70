"""Verifications as one HTML file that opens offline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from graticule.answer import Match
from graticule.draw import page as shell
from graticule.draw.svg import world, worldmap
from graticule.locate.looks import looks
from graticule.locate.metadata_checks import Check
from graticule.locate.verify import Verification
from graticule.locate.verify_output import in_words, limits_in_words
from graticule.output.html import thumbnail
from graticule.output.summary import percent
from graticule.photos.photo import Source
from graticule.verdicts.limits import Verdicts

#: Photos that get a card; the rest are in the table only.
CARDS = 200
_MAP, _WORLD = 560, "world"
_PHOTO, _SMALL = 420, 132
#: What is shown first.
_ORDER = {"contradicts": 0, "can't tell": 2, "agrees": 3}
_CLASS = {"contradicts": "no", "can't tell": "open", "agrees": "yes"}

_STYLE = """
.verdict { display: inline-block; padding: .12em .65em; border-radius: 1em; font-weight: 650;
  border: 1.5px solid currentColor; white-space: nowrap; }
.verdict.no { color: var(--accent); } .verdict.yes { color: var(--sure); }
.verdict.open { color: var(--soft); }
.card { border-top: 1px solid var(--line); padding: 1.4rem 0 1rem; }
.card h2 { margin: 0 0 .5em; overflow-wrap: anywhere; }
.card .two { display: flex; flex-wrap: wrap; gap: 1.2rem 1.6rem; align-items: flex-start; }
.card .two > figure { flex: 1 1 15rem; max-width: 26rem; margin: 0; }
.card .two > div { flex: 2 1 22rem; min-width: 0; }
.card .two img { border-radius: 8px; width: 100%; }
.card svg { width: 100%; max-width: 35rem; }
.card table { width: 100%; max-width: 35rem; }
.card tr.claim td:first-child { font-weight: 650; }
.card ul { padding-left: 1.1rem; margin: .4em 0 1em; }
.key i { display: inline-block; width: .7em; height: .7em; margin: 0 .25em 0 .7em; }
.key .claim { background: var(--truth); transform: rotate(45deg); }
.key .top { background: var(--accent); border-radius: 50%; }
.looks { display: flex; flex-wrap: wrap; gap: .6rem; margin: .3em 0 1em; }
.looks figure { margin: 0; width: 8.2rem; font-size: .78rem; overflow-wrap: anywhere; }
.looks img { width: 100%; border-radius: 6px; }
"""


def page(
    found: Sequence[Verification],
    verdicts: Verdicts,
    sources: Sequence[Source],
    indexed: Callable[[str], Path | None] = lambda _: None,
) -> str:
    """The whole page: contradictions first.

    Args:
        found: the results, at least one.
        verdicts: what the model was calibrated to.
        sources: the photo of each result.
        indexed: from the name of a photo of the user's index to its file.
    """
    order = sorted(range(len(found)), key=lambda i: (_rank(found[i]), i))
    cards = [_card(found[i], sources[i], indexed) for i in order[:CARDS] if found[i].claim]
    title = found[0].photo if len(found) == 1 else f"{len(found):,} claims about photos"
    body = [
        f"<h1>Does the claimed place agree? {escape(title)}</h1>",
        _legend(found, verdicts),
        _table([found[i] for i in order]) if len(found) > 1 else "",
        world(_MAP, _WORLD) if cards else "",
        *cards,
        f'<p class="note">Cards of the first {CARDS} are shown; the rest are in the table.</p>'
        if len(found) > CARDS
        else "",
        "" if len(found) > 1 or cards else f"<p>{escape(found[0].error or '')}</p>",
    ]
    return shell.document(f"Claims: {title}", "\n".join(filter(None, body)), styles=[_STYLE])


def _rank(one: Verification) -> int:
    return 1 if one.verdict is None else _ORDER[one.verdict]


def _legend(found: Sequence[Verification], verdicts: Verdicts) -> str:
    rate = next((one.rate for one in found if one.rate is not None), None)
    said = [one.verdict or "could not be read" for one in found]
    counts = ", ".join(f"{said.count(word)} {word}" for word in dict.fromkeys(sorted(said)))
    words = f"<p>{escape(counts)}.</p>" if len(found) > 1 else ""
    if rate is not None:
        wide = any(one.claim is not None and one.claim.whole_country for one in found)
        words += f'<p class="note">{escape(limits_in_words(verdicts, rate, countries=wide))}</p>'
    return words + (
        '<p class="note">A verdict is about the picture alone, by a model that is often wrong; it '
        "is a reason to look closer, never proof. What the file's metadata says stands apart.</p>"
    )


def _badge(one: Verification) -> str:
    if one.verdict is None:
        return '<span class="verdict open">not read</span>'
    return f'<span class="verdict {_CLASS[one.verdict]}">{escape(one.verdict)}</span>'


def _table(found: Sequence[Verification]) -> str:
    rows = []
    for one in found:
        claim = one.claim.name if one.claim else one.claim_text
        ratio = "–" if one.likelihood_ratio is None else f"{one.likelihood_ratio:.3g}"
        share = "–" if one.as_good is None else percent(one.as_good)
        odd = [check.of for check in one.checks if check.says == "contradicts"]
        note = one.error or one.reason or ("; ".join(one.claim.notes) if one.claim else "")
        if odd:
            note = f"metadata contradicts: {', '.join(odd)}" + (f"; {note}" if note else "")
        rows.append(
            f"<tr><td>{escape(one.photo)}</td><td>{escape(claim)}</td><td>{_badge(one)}</td>"
            f'<td class="number">{ratio}</td><td class="number">{share}</td>'
            f"<td>{escape(note)}</td></tr>"
        )
    names = ("photo", "claim", "verdict", "ratio", "fit as well", "")
    return shell.table(names, rows, numeric=(3, 4))


def _card(one: Verification, source: Source, indexed: Callable[[str], Path | None]) -> str:
    assert one.claim is not None
    picture = thumbnail(source, _PHOTO) if one.error is None else None
    shown = f'<figure><img alt="The photo" src="{picture}"></figure>' if picture else ""
    claim = one.claim
    where = "" if claim.whole_country else f" ({claim.lat:.4g}, {claim.lon:.4g})"
    parts = [
        f"<p>{_badge(one)} &ensp; claimed: <b>{escape(claim.name)}</b>{where}</p>",
        f"<p>{escape(in_words(one))}</p>" if one.error is None else f"<p>{escape(one.error)}</p>",
        "".join(f'<p class="note">{escape(_sentence(note))}</p>' for note in claim.notes),
    ]
    if one.error is None:
        parts += [
            _map(one),
            _cells(one),
            _looks("In your index, from the claimed place", one.looks_claimed, indexed),
            _looks("In your index, from the likeliest place", one.looks_likeliest, indexed),
            _metadata(one.checks),
        ]
    body = "\n".join(filter(None, parts))
    return (
        f'<section class="card"><h2>{escape(one.photo)}</h2>'
        f'<div class="two">{shown}<div>{body}</div></div></section>'
    )


def _sentence(note: str) -> str:
    return note[:1].upper() + note[1:] + ("" if note.endswith(("?", ".")) else ".")


def _map(one: Verification) -> str:
    assert one.claim is not None
    picture = worldmap(
        points=[(cell.lat, cell.lon) for cell in one.likeliest[:1]],
        others=[] if one.claim.whole_country else [(one.claim.lat, one.claim.lon)],
        heat=[(cell.lat, cell.lon, cell.probability) for cell in one.likeliest],
        width=_MAP,
        title="Map of the claim and of the likeliest places",
        base=_WORLD,
    )
    return (
        f'{picture}<p class="note key"><i class="claim"></i>the claim '
        '<i class="top"></i>the likeliest place, and the next ones around it in orange</p>'
    )


def _cells(one: Verification) -> str:
    rows = []
    own = one.cell
    if own is not None:
        rows.append(_row("claim", own.name, own.probability))
    elif one.claim is not None and one.country_probability is not None:
        rows.append(_row("claim", one.claim.name, one.country_probability))
    rows += [
        _row("", cell.name, cell.probability)
        for cell in one.likeliest
        if own is None or cell.id != own.id
    ]
    rank = ""
    if one.country_rank is not None:
        rank = (
            f'<p class="note">The claim\'s country has {percent(one.country_probability or 0.0)} '
            f"and is number {one.country_rank} among the countries.</p>"
        )
    return shell.table(("place", "probability"), rows, numeric=(1,)) + rank


def _row(kind: str, name: str, probability: float) -> str:
    words = f"{name} (the claim)" if kind else name
    share = f"{100 * probability:.2f} %"
    return f'<tr class="{kind}"><td>{escape(words)}</td><td class="number">{share}</td></tr>'


def _metadata(checks: Sequence[Check]) -> str:
    if not checks:
        return '<p class="note">The file has no metadata that could be compared with the claim.</p>'
    lines = "".join(
        f"<li><b>{escape(check.of)}</b>: {escape(check.words)} (<b>{escape(check.says)}</b>)</li>"
        for check in checks
    )
    return f"<p>Metadata of the file, apart from the picture:</p><ul>{lines}</ul>"


def _looks(title: str, matches: Sequence[Match], indexed: Callable[[str], Path | None]) -> str:
    if not matches:
        return ""
    figures = looks(matches, indexed, _SMALL, lambda match: f"likeness {match.similarity:.2f}")
    return f"<p>{escape(title)}:</p>{figures}"
