"""The state of the page, by Node's own test runner: tests/web/core."""

from __future__ import annotations

import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def test_the_state_of_the_page() -> None:
    files = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*.test.js"))
    assert files
    command = ["node", "--test", *files]
    run = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, timeout=100, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
