"""GuestInput: bounds on the input of a connection before its login, in bytes and in time. Pure.

A login or registration is the purpose of a guest. So each such request gives the guest new time and
new bytes, and a script may register many users on one connection. A guest that sends other things,
or one byte every few seconds, is closed.
"""

from __future__ import annotations

from chat.protocol import LF, NUL


class GuestInput:
    """The input of one guest. The connection's loop. The clock comes as an argument.

    Attributes:
        announced: the bytes so far of the balancer's line; None once it is complete, or not
            expected.
        first: the bytes so far of the first line, until they show what the peer speaks; None from
            then on, and where only the chat protocol is spoken.
        spent: bytes since the last login or registration.
        since: the time of the last login or registration; at first, of the connection.
        begun_at: the time of the first byte of an unfinished frame; None: there is none.
    """

    __slots__ = ("announced", "begun_at", "first", "since", "spent")

    def __init__(self, now: float) -> None:
        self.announced: bytes | None = None
        self.first: bytes | None = None
        self.spent = 0
        self.since = now
        self.begun_at: float | None = None

    def renew(self, now: float) -> None:
        """Give new time and new bytes: the peer tries to log in or register, or has logged out."""
        self.spent = 0
        self.since = now

    def note(self, data: bytes, held: int, now: float) -> None:
        """``data`` was received, and ``held`` bytes wait for the rest of their frame."""
        if not held:
            self.begun_at = None
        elif self.begun_at is None or LF in data or NUL in data:
            self.begun_at = now

    def is_slow(self, now: float, seconds: float) -> bool:
        """Has a frame been unfinished for more than ``seconds``?"""
        return self.begun_at is not None and now - self.begun_at > seconds
