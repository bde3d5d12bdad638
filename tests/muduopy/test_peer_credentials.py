"""PeerCredentials: the process at the other end of a Unix socket."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from muduopy import PeerCredentials, UnixAddress
from tests.muduopy.netkit import WAIT, ServerMaker

CONNECT = """
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.recv(1)
"""


def test_of_this_process(run_server: ServerMaker, tmp_path: Path) -> None:
    running = run_server(address=UnixAddress(str(tmp_path / "s")))
    _, connection = running.accept()
    found = connection.peer_credentials
    assert found == PeerCredentials(os.getpid(), os.geteuid(), os.getegid())


def test_of_another_process(run_server: ServerMaker, tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "s"))
    running = run_server(address=address)
    with subprocess.Popen([sys.executable, "-c", CONNECT, address.path]) as process:
        connection = running.ups.get(timeout=WAIT)
        assert connection.peer_credentials.pid == process.pid
        connection.force_close()
