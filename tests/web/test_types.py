"""The types of the page, which stand in JSDoc comments, by TypeScript's compiler."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
COMPILER = PROJECT / "tests" / "node" / "node_modules" / "typescript" / "bin" / "tsc"


def test_the_types_of_the_page() -> None:
    assert COMPILER.exists(), "run: scripts/autobuild.sh test, which installs tests/node"
    command = ["node", str(COMPILER), "--project", "web/jsconfig.json"]
    run = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=100, check=False
    )
    assert run.returncode == 0, run.stdout
