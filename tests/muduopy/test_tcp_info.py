"""TcpInfo: parsing the kernel's structure, and asking the kernel."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from muduopy import TcpInfo, UnixAddress
from tests.muduopy.netkit import ServerMaker


def test_the_structure() -> None:
    """Each 32-bit field has its own number, so that a swapped field shows."""
    info = TcpInfo.parse(bytes([1, 0, 3, 0, 0, 0, 0, 0]) + struct.pack("=40I", *range(40)))
    assert info == TcpInfo(
        state=1,
        retransmits=3,
        rto=0 / 1e6,
        send_mss=2,
        receive_mss=3,
        unacknowledged=4,
        lost=6,
        since_data_received=11 / 1e3,
        path_mtu=13,
        rtt=15 / 1e6,
        rtt_variation=16 / 1e6,
        slow_start_threshold=17,
        congestion_window=18,
        total_retransmits=23,
    )


def test_an_old_kernels_structure() -> None:
    assert TcpInfo.parse(b"\1").state == 1


def test_of_a_connection(run_server: ServerMaker) -> None:
    _, connection = run_server().accept()
    info = connection.tcp_info
    assert info.state == 1  # established
    assert 0 <= info.rtt < 60
    with pytest.raises(OSError, match="not supported"):
        connection.peer_credentials  # noqa: B018 - the property raises


def test_a_unix_socket_has_none(run_server: ServerMaker, tmp_path: Path) -> None:
    running = run_server(address=UnixAddress(str(tmp_path / "s")))
    _, connection = running.accept()
    with pytest.raises(OSError, match="not supported"):
        connection.tcp_info  # noqa: B018 - the property raises
