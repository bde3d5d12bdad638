"""The example http_files, as a user runs it."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_a_folder_is_served(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello")
    command = [sys.executable, "-u", "-m", "examples.http_files", str(tmp_path), "0"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
                assert answer.read() == b"hello"
                assert answer.headers["ETag"]
        finally:
            process.terminate()
