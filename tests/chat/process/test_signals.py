"""SIGTERM and SIGINT in a process of its own: the first stops, the second ends at once."""

from __future__ import annotations

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
watch_signals(stopped.set)
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
