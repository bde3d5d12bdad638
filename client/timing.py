"""Timing: the time-outs and intervals of the client, all in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """The time-outs of a client. Immutable.

    Attributes:
        connect: the time-out of one TCP connect.
        send: the time-out of one send. A server that has not read a frame by then counts as lost.
        answer: the time-out of a request. It is long, because a login may wait in the queue for
            password hashes.
        login: the time-out of a login that the client repeats by itself. It is shorter than
            ``answer``. Example: behind a balancer, a frozen server accepts connections and answers
            nothing; the next attempt reaches another server.
        patience: the time-out of ``ChatClient.login`` with all its attempts.
        chat_acks: the time-out for the acknowledgements of sent messages, before a logout or the
            end.
        goodbye: the time-out of each other step at the end: a running callback, the end of a
            thread, and LOGINOUT_MSG in the line mode.
        heartbeat: the interval of PING_MSG, until the login answer names another one.
        shortest_heartbeat: the lower limit of the interval that a server can name.
        lost_after_beats: the number of intervals after which a silent server counts as lost.
        first_backoff: the upper limit of the pause before the first attempt to connect again.
        longest_backoff: the upper limit of the pause before any attempt.
        stable: the age at which a connection ends a series of failures.
        retry: the pause before a message is sent again after a temporary refusal. The server can
            name another pause.
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
