"""The names that ``import muduopy`` defines, and the modules that it imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import muduopy

PROJECT = Path(muduopy.__file__).parent.parent

IMPORTED = """
import sys
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import muduopy
roots = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(roots - set(sys.stdlib_module_names)))
"""


def test_names() -> None:
    assert muduopy.__all__ == [
        "Acceptor",
        "Address",
        "Buffer",
        "Channel",
        "Connector",
        "EventLoop",
        "EventLoopThread",
        "EventLoopThreadPool",
        "HostAddress",
        "InetAddress",
        "LoopError",
        "MuduoError",
        "PeerCredentials",
        "State",
        "StateError",
        "TcpClient",
        "TcpConnection",
        "TcpInfo",
        "TcpServer",
        "ThreadPool",
        "Timer",
        "TimingWheel",
        "UnixAddress",
        "WrongThreadError",
        "current_loop",
    ]
    for name in muduopy.__all__:
        if name != "Address":  # a union of two
            assert getattr(muduopy, name).__module__.startswith("muduopy.")


def test_the_standard_library_is_enough() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, str(PROJECT)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["muduopy"]


def test_importing_has_no_side_effects() -> None:
    code = (
        "import sys, threading, os; sys.path.insert(0, sys.argv[1]);"
        "before = os.listdir('/proc/self/fd'); import muduopy, logging;"
        "assert os.listdir('/proc/self/fd') == before; assert threading.active_count() == 1;"
        "assert not logging.getLogger().handlers; assert not logging.getLogger('muduopy').handlers"
    )
    subprocess.run([sys.executable, "-c", code, str(PROJECT)], check=True, timeout=60)


def test_the_package_is_marked_as_typed() -> None:
    assert (PROJECT / "muduopy" / "py.typed").exists()
