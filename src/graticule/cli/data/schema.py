"""``graticule data schema``: the JSON Schema of a row."""

from __future__ import annotations


def schema() -> None:
    """Print the JSON Schema of one row of a manifest.

    Example: graticule data schema > manifest.schema.json
    """
    import json

    import typer

    from graticule.photos.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
