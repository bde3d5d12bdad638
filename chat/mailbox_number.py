"""Mailbox numbers: each device of each user has a mailbox, and one number names it. Pure.

    user 7, unnamed device                7
    user 7, device 3            3 * 2**31 + 7

Each user has the unnamed device, or other devices, or both. The unnamed one is shared by classic
clients and by v2 clients that do not say ``"devices": true``. Servers of version 4 of the tables
know no other. So a mailbox number that they read or write is the id of a user.
"""

from __future__ import annotations

from chat.protocol import MAX_ID

_BITS = 31
assert MAX_ID == 2**_BITS - 1

MAX_DEVICE = 2**31 - 1
MAX_MAILBOX = MAX_DEVICE << _BITS | MAX_ID
"""The largest number: below 2^62."""


def mailbox_of(user_id: int, device: int) -> int:
    """The mailbox of a user's device; 0: of the unnamed device."""
    return device << _BITS | user_id


def owner(mailbox: int) -> int:
    """The user that a mailbox belongs to."""
    return mailbox & MAX_ID


def device_of(mailbox: int) -> int:
    """The number of the device; 0 is the unnamed one."""
    return mailbox >> _BITS


def is_named(mailbox: int) -> bool:
    """Is it the mailbox of a named device?"""
    return mailbox > MAX_ID
