"""TcpInfo: the kernel's view of a TCP connection."""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass

from muduopy.connect_attempt import os_error

_FORM = struct.Struct("=8B24I")
"""The beginning of Linux' ``struct tcp_info``, unchanged since 2.6.18. Newer fields follow it."""

_TCP_INFO = getattr(socket, "TCP_INFO", None)


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """Linux only. Times in seconds, windows in segments. Immutable; any thread.

    Attributes:
        state: the kernel's number, 1 for an established connection.
        retransmits: retransmissions of the oldest segment that is not acknowledged.
        rto: the time after which an unacknowledged segment is sent again.
        rtt: the smoothed round-trip time.
        rtt_variation: the smoothed variation of the round-trip time.
        send_mss: the most bytes in a sent segment.
        receive_mss: the most bytes in a received segment.
        unacknowledged: the number of segments that are not acknowledged.
        lost: the number of segments that count as lost.
        congestion_window: the limit of congestion control for segments on their way.
        slow_start_threshold: the congestion window at which the slow start ends.
        total_retransmits: all retransmissions since the beginning.
        since_data_received: the time since data last arrived.
        path_mtu: bytes in a packet.
    """

    state: int
    retransmits: int
    rto: float
    rtt: float
    rtt_variation: float
    send_mss: int
    receive_mss: int
    unacknowledged: int
    lost: int
    congestion_window: int
    slow_start_threshold: int
    total_retransmits: int
    since_data_received: float
    path_mtu: int

    @classmethod
    def of(cls, sock: socket.socket) -> TcpInfo:
        """Ask the kernel. Raises OSError for another kind of socket or system."""
        if _TCP_INFO is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
            raise os_error(errno.EOPNOTSUPP)
        return cls.parse(sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _FORM.size))

    @classmethod
    def parse(cls, data: bytes) -> TcpInfo:
        """Parse the kernel's structure. One that is too short is padded with zeros."""
        fields = _FORM.unpack(data[: _FORM.size].ljust(_FORM.size, b"\0"))
        state, _, retransmits = fields[:3]
        numbers = fields[8:]
        return cls(
            state=state,
            retransmits=retransmits,
            rto=numbers[0] / 1e6,
            rtt=numbers[15] / 1e6,
            rtt_variation=numbers[16] / 1e6,
            send_mss=numbers[2],
            receive_mss=numbers[3],
            unacknowledged=numbers[4],
            lost=numbers[6],
            congestion_window=numbers[18],
            slow_start_threshold=numbers[17],
            total_retransmits=numbers[23],
            since_data_received=numbers[11] / 1e3,
            path_mtu=numbers[13],
        )
