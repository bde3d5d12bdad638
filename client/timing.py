"""How long the client waits for what. All in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Every time-out of the client in one place.

    Attributes:
        connect: until a TCP connection stands.
        send: until the kernel has taken one frame. Longer means that the server reads nothing.
        answer: until a request is answered. A login may wait for a password hash in a queue.
        chat_acks: until the last chat messages are acked, before leaving.
        goodbye: until LOGINOUT_MSG is answered when the program ends anyway.
        heartbeat: between two PING_MSG until a login ack names another interval.
        shortest_heartbeat: what the server asks for is not taken below this.
        lost_after_beats: a server silent for so many intervals counts as lost.
    """

    connect: float = 10.0
    send: float = 10.0
    answer: float = 10.0
    chat_acks: float = 5.0
    goodbye: float = 2.0
    heartbeat: float = 30.0
    shortest_heartbeat: float = 1.0
    lost_after_beats: int = 3
