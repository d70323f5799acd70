"""XMP sidecars: an estimate written beside a photo, never over what is known of it.

The estimate is one block of its own before the end of the sidecar's RDF. Taking it out again leaves
the file as it was, byte for byte; a sidecar that held nothing else is removed. GPS fields are never
written, so no program takes the estimate for a measured position.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from graticule.errors import GraticuleError
from graticule.files import atomic
from graticule.output.summary import country, km, sure_city, sure_place, xml_text
from graticule.output.xmp import RDF, Name, Property, cut, parse

if TYPE_CHECKING:
    from graticule.answer import Answer

#: graticule's own namespace: a name, not an address anything is fetched from.
NAMESPACE = "urn:graticule:estimate:1"
_SPACES = {
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
}
#: Fields that photo programs show → graticule's own field with the same value.
_MIRROR = {
    "Country": "Country",
    "CountryCode": "CountryCode",
    "State": "Region",
    "City": "City",
    "Location": "Statement",
}
#: A sidecar is text of some kilobytes; what is larger is something else.
MAX_BYTES = 16_000_000

_BEGIN, _END = b"<!-- graticule: estimate begins -->", b"<!-- graticule: estimate ends -->"
_BLOCK = re.compile(re.escape(_BEGIN) + rb".*?" + re.escape(_END) + rb"\n", re.DOTALL)
_NEW = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    b"</rdf:RDF>\n</x:xmpmeta>\n"
)


def sidecar_of(photo: str | os.PathLike[str]) -> Path:
    """``photo.jpg`` → ``photo.jpg.xmp``, the name that darktable, digiKam and ExifTool read."""
    path = Path(photo)
    return path.with_name(path.name + ".xmp")


def write_sidecar(photo: str | os.PathLike[str], answer: Answer) -> Path | None:
    """Put an answer into the sidecar of its photo; an earlier estimate is replaced.

    Args:
        photo: the file it stands beside.
        answer: what was found; nothing is written for one with an error.

    Returns:
        The sidecar, or None where there was nothing to write.

    Raises:
        GraticuleError: the sidecar that is there cannot be read safely, or cannot be written.
    """
    if answer.error is not None:
        return None
    path = sidecar_of(photo)
    before = _without_estimate(_read(path), path) if path.exists() else _NEW
    end, taken = _room(before, path)
    _write(path, before[:end] + _block(answer, taken) + before[end:])
    return path


def remove_sidecar(photo: str | os.PathLike[str]) -> bool:
    """Take the estimate out of a photo's sidecar; the sidecar goes if it held nothing else.

    Returns:
        Whether there was an estimate.

    Raises:
        GraticuleError: the sidecar cannot be read or written.
    """
    path = sidecar_of(photo)
    if not path.exists():
        return False
    before = _read(path)
    after = _without_estimate(before, path)
    if after == before:
        return False
    if after == _NEW:
        path.unlink()
    else:
        _write(path, after)
    return True


def _room(data: bytes, path: Path) -> tuple[int, set[Name]]:
    """Where an estimate can be put, and which properties are there."""
    packet = parse(data, path)
    if packet.end < 0:
        raise GraticuleError(f"{path}: no rdf:RDF to write into; left alone, it is no plain XMP")
    return packet.end, {known.name for known in packet.properties}


def _without_estimate(data: bytes, path: Path) -> bytes:
    rest = _BLOCK.sub(b"", data)
    return _cut_rewritten(rest, path) if NAMESPACE.encode() in rest else rest


def _cut_rewritten(data: bytes, path: Path) -> bytes:
    """Cut the estimate out of a file that another program wrote anew, in its own order.

    Fields for people go only if this program put them there and nobody has changed them since.
    """
    packet = parse(data, path)
    own = {p.name[1]: p.text for p in packet.properties if p.name[0] == NAMESPACE}
    wrote = own.get("Wrote", "").split()
    mirrored = {
        (_SPACES[prefix], name): own.get(_MIRROR[name])
        for prefix, _, name in (wanted.partition(":") for wanted in wrote)
        if prefix in _SPACES and name in _MIRROR
    }

    def unwanted(known: Property) -> bool:
        if known.name[0] == NAMESPACE:
            return True
        return known.name in mirrored and known.text == mirrored[known.name]

    return cut(data, packet, unwanted)


def _block(answer: Answer, taken: set[Name]) -> bytes:
    shown = [
        (prefix, name, text)
        for prefix, name, text in _location(answer)
        if (_SPACES[prefix], name) not in taken
    ]
    own = _own(answer)
    if shown:
        own.append(("Wrote", " ".join(f"{prefix}:{name}" for prefix, name, _ in shown)))
    fields = [("graticule", name, text) for name, text in own] + shown
    body = "\n".join(f"<{p}:{name}>{xml_text(text)}</{p}:{name}>" for p, name, text in fields)
    spaces = {"graticule": NAMESPACE, **_SPACES}
    declared = "".join(f'\n xmlns:{prefix}="{uri}"' for prefix, uri in spaces.items())
    return (
        _BEGIN
        + f'\n<rdf:Description xmlns:rdf="{RDF}" rdf:about=""'
        f"{declared}>\n{body}\n</rdf:Description>\n".encode()
        + _END
        + b"\n"
    )


def _own(answer: Answer) -> list[tuple[str, str]]:
    """The estimate under graticule's namespace: names and values."""
    model, best, city = answer.model, country(answer), sure_city(answer)
    region = sure_place(answer.regions)
    fields = [("Kind", "estimate"), ("Statement", _statement(answer))]
    if model:
        fields += [("Model", f"{model.name} {model.version}"), ("ModelSha256", model.sha256)]
    if answer.point is None:
        return fields
    fields += [("Latitude", str(answer.point.lat)), ("Longitude", str(answer.point.lon))]
    fields += [(f"RadiusKm{level}", f"{radius:g}") for level, radius in answer.radius_km.items()]
    if best:
        fields += [("Country", best.name), ("CountryCode", best.code)]
        fields += [("CountryProbability", f"{best.probability:.4f}")]
    if region:
        fields += [("Region", region.name), ("RegionProbability", f"{region.probability:.4f}")]
    if city:
        fields += [("City", city.name), ("CityProbability", f"{city.probability:.4f}")]
    return fields


def _location(answer: Answer) -> list[tuple[str, str, str]]:
    """The fields that photo programs show, only where the answer is sure of them."""
    best = sure_place(answer.countries)
    if answer.point is None or best is None:
        return []
    fields = [("photoshop", "Country", best.name), ("Iptc4xmpCore", "CountryCode", best.code)]
    region, city = sure_place(answer.regions), sure_city(answer)
    if region:
        fields.append(("photoshop", "State", region.name))
    if city and city.country == best.code:
        fields.append(("photoshop", "City", city.name))
    # The field for a place inside the city says, wherever it is shown, what the others are.
    return [*fields, ("Iptc4xmpCore", "Location", _statement(answer))]


def _statement(answer: Answer) -> str:
    if answer.point is None:
        return f"No place estimated: {answer.reason}"
    radius = answer.radius_km.get("80")
    within = f", ±{km(radius)} (80 %)" if radius is not None else ""
    return f"Estimated by graticule from the picture{within}"


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise GraticuleError(f"{path}: more than {MAX_BYTES:,} bytes; left alone, no sidecar")
        data = path.read_bytes()
    except OSError as error:
        raise GraticuleError(f"{path}: cannot be read ({error.strerror or error})") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        raise GraticuleError(f"{path}: not UTF-8; left alone, save it as UTF-8 first")
    return data


def _write(path: Path, data: bytes) -> None:
    with atomic(path, "wb") as handle:
        handle.write(data)
