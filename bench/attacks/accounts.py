"""The accounts, the group and the messages that the attacks need, put into a database.

The rows are inserted without the server, because a thousand registrations would take minutes.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from bench import common

PASSWORD = "Kx7-witness-and-attack"
WITNESSES = range(1, 4)
"""The two users that chat, and the one that logs in every second."""
FLOODERS = range(4, 14)
GROUP_SENDERS = range(14, 24)
HISTORY_READERS = range(14, 24)
MEMBERS = range(14, 514)
"""Of the group; the senders are among them."""
VICTIMS = range(1000, 2000)
"""The accounts whose passwords the attack on logins guesses."""

GROUP = 1
LONG_MESSAGES = 300
LONG_TEXT = 16_000  # bytes; the default limit of a text is 16,384


def device_of(user: int) -> str:
    """The device with which the user always logs in: a second login replaces a lost one."""
    return f"device-{user}"


def password_hash() -> str:
    """The hash of PASSWORD with the default cost, so that a login has its usual cost."""
    try:
        import argon2
    except ImportError as exc:
        raise common.BenchError("argon2-cffi is needed to seed the users") from exc
    from chat.config import Config

    cost = Config().password
    hasher = argon2.PasswordHasher(cost.time_cost, cost.memory_kib, cost.parallelism)
    return hasher.hash(PASSWORD)


def insert_users(database: Path, users: Iterable[int]) -> None:
    """Insert users with these ids, all with PASSWORD."""
    hashed = password_hash()
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            "INSERT INTO user (id, name, password) VALUES (?, ?, ?)",
            [(user, f"user {user:04d}", hashed) for user in users],
        )


def seed(database: Path) -> None:
    """Fill the tables of an empty chat database."""
    insert_users(database, [*range(1, MEMBERS.stop), *VICTIMS])
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO allgroup (id, groupname) VALUES (?, 'members')", (GROUP,))
        connection.executemany(
            "INSERT INTO groupuser (groupid, userid, joinorder) VALUES (?, ?, ?)",
            [(GROUP, user, user) for user in MEMBERS],
        )
        connection.executemany(
            "INSERT INTO message (sender, mid, kind, target, text, time) "
            "VALUES (?, ?, 10, ?, ?, '2026-01-01 00:00:00')",
            [
                (MEMBERS[0], f"seed-{number}", GROUP, "x" * LONG_TEXT)
                for number in range(LONG_MESSAGES)
            ],
        )
