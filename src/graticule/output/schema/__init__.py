"""The JSON Schema of one line of ``--format json``; ``scripts/answer_schema.py`` writes it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

#: The file that ships, next to this module.
NAME = "answer.schema.json"


def schema_of_answer() -> dict[str, Any]:
    """The schema as the class :class:`graticule.answer.Answer` has it now."""
    from graticule.answer import SCHEMA_VERSION, Answer

    schema = Answer.model_json_schema(mode="serialization")
    # Older pydantic says beside "const" the same once more; the file is one for all versions.
    schema["properties"]["schema_version"].pop("enum", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:graticule:answer:{SCHEMA_VERSION}",
        **schema,
    }


def shipped_schema() -> dict[str, Any]:
    """The schema as it was shipped."""
    import json

    found: dict[str, Any] = json.loads(files(__package__).joinpath(NAME).read_text("utf-8"))
    return found
