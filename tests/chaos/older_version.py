"""The code of the version before, from the history of Git, for tests of upgrades."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

VERSION_4 = "f5f71faf95978a7b379636c3fe845354bb1d341d"
"""The last commit whose tables have version 4."""

RUN = (
    "import sys; sys.path.insert(0, {path!r}); from chat import app; "
    "assert app.__file__.startswith({path!r}); sys.exit(app.main())"
)


def unpack(commit: str, folder: Path) -> tuple[str, ...]:
    """Write the code of a commit into ``folder``; returns Python's arguments for its server.

    Raises RuntimeError, with the next step, if the history is not here.
    """
    paths = ("chat", "muduopy", "db", "conf")
    command = ["git", "-C", str(PROJECT), "archive", "--format=tar", commit, *paths]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            f"the code of {commit[:7]} is not here: run this test in a clone with the whole "
            f"history (git fetch --unshallow): {done.stderr.decode().strip()}"
        )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return ("-c", RUN.format(path=str(folder)))
