"""Write the JSON Schema of answers that ships with the package, from the class itself.

Run: python scripts/answer_schema.py
"""

from __future__ import annotations

from pathlib import Path

from graticule.files import write_json
from graticule.output.schema import schema_of_answer

TARGET = Path(__file__).parents[1] / "src" / "graticule" / "output" / "schema"

if __name__ == "__main__":
    write_json(TARGET / "answer.schema.json", schema_of_answer())
