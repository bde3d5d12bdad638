"""How the tests themselves are run: in the background, and past a test that hangs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
INTERRUPTED = """
import signal, subprocess, sys

def test_a_child_that_is_interrupted():
    code = "import signal, sys; print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1) as child:
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in child.communicate(timeout=20)[1]
"""
HANGING = """
import threading, pytest

@pytest.mark.timeout(1)
def test_that_hangs():
    threading.Event().wait()

def test_after_it():
    pass
"""


def run_tests(folder: Path, code: str, *shell: str) -> subprocess.CompletedProcess[str]:
    """pytest with our settings on one file of tests."""
    shutil.copy(TESTS.parent / "pyproject.toml", folder)
    shutil.copy(TESTS / "conftest.py", folder)
    (folder / "test_it.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"]
    return subprocess.run(
        [*shell, *command],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_script_in_the_background(tmp_path: Path) -> None:
    """It has SIGINT ignored, and so would everything that it starts."""
    in_background = ("sh", "-c", '"$@" & wait $!', "sh")
    done = run_tests(tmp_path, INTERRUPTED, *in_background)
    assert done.returncode == 0, done.stdout


def test_a_test_that_hangs_fails_alone(tmp_path: Path) -> None:
    done = run_tests(tmp_path, HANGING)
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "Timeout" in done.stdout
    assert "threading.Event().wait()" in done.stdout  # where it hung
