"""The server of the version before, for tests of upgrades.

``version-4.tar.xz`` has the folders chat, muduopy, db and conf of commit f5f71fa, the last one with
tables of version 4. It is a file and not taken from the history, which a shallow clone lacks.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

VERSION_4 = Path(__file__).with_name("version-4.tar.xz")

RUN = (
    "import sys; sys.path.insert(0, {path!r}); from chat import app; "
    "assert app.__file__.startswith({path!r}); sys.exit(app.main())"
)


def unpack(archive: Path, folder: Path) -> tuple[str, ...]:
    """Write the code of a version into ``folder``; returns Python's arguments for its server."""
    with tarfile.open(archive) as code:
        code.extractall(folder, filter="data")
    return ("-c", RUN.format(path=str(folder)))
