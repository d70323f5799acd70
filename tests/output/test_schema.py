"""The schema that ships is the class's, and answers pass it."""

from __future__ import annotations

import json

import pytest

from graticule.answer import SCHEMA_VERSION, Answer
from graticule.output.schema import schema_of_answer, shipped_schema


def test_the_shipped_schema_is_current() -> None:
    assert shipped_schema() == schema_of_answer(), "run python scripts/answer_schema.py"
    assert shipped_schema()["$id"].endswith(f":{SCHEMA_VERSION}")


def test_answers_pass_and_others_do_not(answers: list[Answer], torn: Answer) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(shipped_schema())
    for answer in [*answers, torn]:
        validator.validate(json.loads(answer.model_dump_json()))
    wrong = json.loads(answers[0].model_dump_json()) | {"point": {"lat": 91, "lon": 0}}
    assert not validator.is_valid(wrong)
    assert not validator.is_valid({"photo": "a", "unknown": 1})
