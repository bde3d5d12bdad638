"""The version of the tables, and the scripts that upgrade older tables to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

SCHEMA_VERSION = 5
"""The version in db/schema.sql and db/schema.sqlite.sql. Version 0 is the five tables of the
original project."""


def upgrade_scripts(folder: Path, version: int) -> Iterator[Path]:
    """The scripts from ``version`` to SCHEMA_VERSION, in order.

    The step to version N is the one file ``N-name.sql`` in ``folder``, where N has four digits.
    """
    for step in range(version + 1, SCHEMA_VERSION + 1):
        (script,) = folder.glob(f"{step:04d}-*.sql")
        yield script
