"""The protocol's error numbers, and the one exception that carries them."""

from __future__ import annotations

from enum import IntEnum


class ErrNo(IntEnum):
    """The ``errno`` of an answer. Numbers 0 to 2 are the original system's."""

    OK = 0
    REFUSED = 1
    ALREADY_ONLINE = 2
    NOT_YOU = 3
    BAD_REQUEST = 4
    NOT_FOUND = 5
    TOO_MANY = 6
    TOO_LARGE = 7
    UNAVAILABLE = 8
    NOT_A_MEMBER = 9
    EXISTS = 10
    BLOCKED = 11
    MAILBOX_FULL = 12
    TOO_MANY_DEVICES = 13


# The original's clients show these two texts to users, so they stay as they are.
WRONG_PASSWORD = "id or password is invalid!"
ALREADY_ONLINE = "this account is using, input another!"

REGISTRATION_CLOSED = "registration is closed"
PASSWORD_IS_WRONG = "the password is wrong"
CODE_NEEDED = "registration needs an invitation code: ask the operator of the server"
CODE_INVALID = "this invitation code is not valid"
COMMON_PASSWORD = "password: is easy to guess; choose another"

DISABLED = "this account is disabled: ask the operator of the server"

TOO_MANY_LOGINS = "too many failed logins: wait, or use a device that has logged in before"
TOO_MUCH_DRAWN = "your logins draw too much data: wait, and log in again"
TOO_MANY_REGISTRATIONS = "too many registrations from your network: try again later"
BUSY = "the server is busy"
REPLACED = "this session has been replaced"

TOO_MANY_NEW_DEVICES = "too many new devices: wait, or use one that has logged in before"
TOO_MANY_DEVICES = "you have too many devices: end one of them"

BLOCKED = "does not take messages from you"

NAME_TAKEN = "this name is taken"
NAME_LOOKALIKE = "this name looks like an existing one: choose another"
GROUP_EXISTS = "a group of this name exists"
GROUP_LOOKALIKE = "this name looks like an existing group's: choose another"

# One text for a group that does not exist and for one that is closed to the user. Ids of groups are
# consecutive, so a second text would show which closed groups exist.
NO_GROUP = "no such group"
CANNOT_JOIN = "no such group, or it needs an invitation or a password"

NOT_A_MEMBER = "not a member of that group"


class ProtocolError(Exception):
    """A request that is answered with a failure instead of being served.

    Attributes:
        errno: the number to answer with.
        errmsg: one line for the user.
        extra: further fields of the answer, such as ``retry_after`` (seconds).
    """

    def __init__(self, errno: ErrNo, errmsg: str, **extra: object) -> None:
        super().__init__(errmsg)
        self.errno = errno
        self.errmsg = errmsg
        self.extra = extra

    def __str__(self) -> str:
        return f"errno {int(self.errno)}: {self.errmsg}"
