"""The limit of file descriptors, and the number of connections that it allows.

Each test runs in a child process, because a process cannot raise its hard limit again.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.chat.loopkit import PROJECT, WAIT

FIT = """
import resource, sys
from chat.process.file_limit import fit_file_limit
soft, hard, connections, workers = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(fit_file_limit(connections, workers), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def fit(soft: int, hard: int, connections: int) -> tuple[int, int, str]:
    """The number of connections, the limit of descriptors, and the log."""
    arguments = [str(number) for number in (soft, hard, connections, 4)]
    done = subprocess.run(
        [sys.executable, "-c", FIT, *arguments],
        capture_output=True,
        text=True,
        timeout=WAIT,
        cwd=PROJECT,
        check=True,
    )
    most, allowed = map(int, done.stdout.split())
    return most, allowed, done.stderr


@pytest.mark.parametrize(
    ("soft", "hard", "most", "allowed"),
    [
        (150, 1000, 200, 368),  # raised to what 200 connections need
        (500, 1000, 200, 500),  # not lowered
        (150, 368, 200, 368),
        (150, 367, 199, 367),  # connections leave 168 for the rest
        (150, 340, 172, 340),
        (50, 100, 50, 100),  # or half of them
    ],
)
def test_limits(soft: int, hard: int, most: int, allowed: int) -> None:
    found = fit(soft, hard, 200)
    assert found[:2] == (most, allowed)
    assert ("raise the limit" in found[2]) == (most < 200)
