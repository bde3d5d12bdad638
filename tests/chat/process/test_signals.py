"""SIGTERM and SIGINT in a process of its own: the first stops, the second ends at once."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys

import pytest

from tests.chat.loopkit import PROJECT, WAIT

PROGRAM = """
import sys, threading
from chat.process.signals import block_signals, watch_signals
block_signals()
stopped = threading.Event()
watch_signals(stopped.set, lambda: print("reloaded", flush=True))
print("ready", flush=True)
stopped.wait()
print("stopped", flush=True)
if sys.argv[1] == "hangs":
    threading.Event().wait()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("hangs", [False, True])
def test_signals(number: signal.Signals, hangs: bool) -> None:
    command = [sys.executable, "-c", PROGRAM, "hangs" if hangs else "ends"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == "stopped\n"
        if hangs:
            process.send_signal(number)
        assert process.wait(WAIT) == (128 + number if hangs else 0)


def test_sighup_reloads_and_ends_nothing() -> None:
    command = [sys.executable, "-c", PROGRAM, "ends"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=PROJECT, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
            assert process.stdout.readline() == "reloaded\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "stopped\n"
        assert process.wait(WAIT) == 0


def test_a_terminal_that_closes_ends_the_server() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(PROJECT)
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, "ends"])
    with open(terminal, "rb", buffering=0) as shown:
        assert shown.readline() == b"ready\r\n"
    _, status = os.waitpid(pid, 0)
    assert os.WIFEXITED(status), status  # not by the signal
