"""The little of XMP that sidecars need: which properties a file names, and cutting some out.

Files are parsed without following anything they refer to, and edited as bytes, so that all that is
not cut stays as its own program wrote it.
"""

from __future__ import annotations

import re
import xml.parsers.expat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from graticule.errors import GraticuleError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

#: A property's namespace and name.
Name = tuple[str, str]


@dataclass
class Property:
    """A property as it stands in a file: an element, or an attribute of a Description.

    Attributes:
        name: namespace and name.
        prefix: what the file calls the namespace.
        start: first byte of the element, or of the tag that has the attribute.
        end: byte after the element; 0 for an attribute.
        text: the value, of plain properties.
    """

    name: Name
    prefix: str
    start: int
    end: int = 0
    text: str = ""


@dataclass
class Packet:
    """What a sidecar holds.

    Attributes:
        end: where the closing tag of its RDF begins, −1 for none.
        properties: in the order of the file.
    """

    end: int = -1
    properties: list[Property] = field(default_factory=list)


def parse(data: bytes, path: Path) -> Packet:
    """Find the properties of a sidecar.

    Raises:
        GraticuleError: not XML, or one that declares entities or a document type.
    """
    found = Packet()
    open_elements: list[Property] = []
    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
    parser.namespace_prefixes = True
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise GraticuleError(f"{path}: declares a document type; left alone, it is no plain XMP")

    def start(name: str, attributes: dict[str, str]) -> None:
        at = parser.CurrentByteIndex
        element = Property(*_split(name), start=at)
        for attribute, value in attributes.items():
            found.properties.append(Property(*_split(attribute), start=at, text=value))
        found.properties.append(element)
        open_elements.append(element)

    def text(words: str) -> None:
        if open_elements:
            open_elements[-1].text += words

    def end(_: str) -> None:
        element, at = open_elements.pop(), parser.CurrentByteIndex
        closing = data.startswith(b"</", at)  # else <a/>, of which expat gives either end
        element.end = data.index(b">", at) + 1 if closing or at == element.start else at
        if element.name == (RDF, "RDF") and closing:
            found.end = at

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.CharacterDataHandler = text
    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)
    except xml.parsers.expat.ExpatError as error:
        raise GraticuleError(f"{path}: not valid XML ({error}); left alone") from None
    return found


def cut(data: bytes, packet: Packet, unwanted: Callable[[Property], bool]) -> bytes:
    """The file without the properties that are unwanted, elements and attributes."""
    for gone in sorted(filter(unwanted, packet.properties), key=lambda p: (-p.start, p.end)):
        if gone.end:
            data = data[: gone.start].rstrip(b" \t") + data[gone.end :].removeprefix(b"\n")
            continue
        named = re.escape(f"{gone.prefix}:{gone.name[1]}".encode())
        inside = re.compile(rb"\s+" + named + rb"\s*=\s*(\"[^\"]*\"|'[^']*')")
        data = data[: gone.start] + inside.sub(b"", data[gone.start :], count=1)
    return data


def _split(name: str) -> tuple[Name, str]:
    """Expat's "namespace name prefix", of which those without a namespace have only the name."""
    parts = name.split(" ")
    if len(parts) == 1:
        return ("", name), ""
    return (parts[0], parts[1]), parts[2] if len(parts) > 2 else ""
