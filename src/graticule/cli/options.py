"""Options that several commands take, with the same words."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

ModelName: TypeAlias = Annotated[
    str, typer.Option("--model", "-m", help="A name from graticule models, or a bundle folder.")
]
