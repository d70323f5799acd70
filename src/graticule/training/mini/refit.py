"""The calibration of a bundle like the bundled one, fitted again without training its heads anew.

Held-out heads are learned again, since what they say of sources they did not see is kept nowhere;
the comparison of variants, the heads on all photos and the export are not.
"""

from __future__ import annotations

from pathlib import Path

from graticule import files
from graticule.errors import GraticuleError
from graticule.photos.manifest import Manifest
from graticule.systems.bundle import Bundle
from graticule.training.mini import build, card
from graticule.training.mini.trunk import Trunk


def refit(bundle: Bundle, manifest: Manifest, weights: Path, cache: Path, say: build.Say) -> Bundle:
    """Write ``calibration.json``, and what the card and the report say of it, and seal the bundle.

    Args:
        bundle: made by :func:`graticule.training.mini.build.build`; its own recipe is followed.
        manifest: the photos it was made from.
        weights: where its trunk started.
        cache: the folder of feature caches.
        say: told what is being done.

    Raises:
        GraticuleError: photos or weights are not those that the bundle was made from.
    """
    system = bundle.manifest
    for what, path in (("manifest", manifest.path), ("starting_weights", weights)):
        _same(bundle, f"{what}_sha256", files.sha256(path), path)
    learned = build.prepare(system.recipe, manifest, Trunk(weights), cache, say)
    _same(bundle, "rows_sha256", build.rows_digest(learned.rows), manifest.path)
    say("held-out sources")
    _, held = build.held_out(learned)
    fitted, said = build.calibrated(learned, held, build.held_scenes(learned))
    report = files.read_json(bundle.file("report.json")) | {"calibration": said}
    say(f"writing {bundle.path}")
    fitted.save(bundle.path / "calibration.json")
    with files.atomic(bundle.path / "MODEL_CARD.md") as out:
        out.write(card.card(system, report, learned.cities))
    files.write_json(bundle.path / "report.json", report)
    return Bundle.seal(bundle.path, system)


def _same(bundle: Bundle, what: str, found: str, path: Path) -> None:
    expected = bundle.manifest.provenance.get(what)
    if found != expected:
        raise GraticuleError(
            f"{path}: its {what} is {found[:12]}…, not the {str(expected)[:12]}… that "
            f"{bundle.path} was made from; graticule train makes a new bundle"
        )
