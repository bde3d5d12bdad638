"""Timing: the time-outs of the client, all in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Every time-out of the client in one place.

    Attributes:
        connect: until a TCP connection stands.
        send: until the kernel has taken one frame. After that the server counts as lost: it
            does not read.
        answer: until a request is answered. A login may wait for a password hash in a queue.
        login: until a login is answered that the client tries again by itself. Shorter than
            ``answer``: a frozen server behind a balancer accepts connections and answers
            nothing, and the next attempt reaches another one.
        patience: until ``login`` gives up, with all its attempts.
        chat_acks: until the last chat messages are acked, before leaving.
        goodbye: until LOGINOUT_MSG is answered when the program ends anyway.
        heartbeat: between two PING_MSG until a login ack names another interval.
        shortest_heartbeat: the lower limit of the interval that a server may name.
        lost_after_beats: a server that is silent for so many intervals counts as lost.
        first_backoff: upper limit of the pause before the first attempt to connect again.
        longest_backoff: upper limit of the pause before any attempt.
        stable: a connection that lasted this long ends a series of failures.
        retry: until a message is sent again that the server refused for the moment; the server
            may name another pause.
    """

    connect: float = 10.0
    send: float = 10.0
    answer: float = 10.0
    login: float = 5.0
    patience: float = 20.0
    chat_acks: float = 5.0
    goodbye: float = 2.0
    heartbeat: float = 30.0
    shortest_heartbeat: float = 1.0
    lost_after_beats: int = 3
    first_backoff: float = 0.5
    longest_backoff: float = 30.0
    stable: float = 10.0
    retry: float = 1.0
