"""Users for the benchmarks, inserted through the models, which is faster than registering them."""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from chat.storage import Database
from chat.storage.tables import CREATOR, NORMAL, FriendModel, GroupModel, TokenModel, UserModel

TRANSACTION = 500
"""Users in one transaction: small enough for the server's time-outs."""

NO_PASSWORD = "x"
"""This is no hash, so the users can log in by their tokens only."""


@dataclass(frozen=True)
class Crowd:
    """The users that were inserted, by id and token."""

    ids: list[int]
    tokens: list[str]

    def write_accounts(self, path: Path, count: int | None = None) -> None:
        """Write a file for the load generator, with an id and a token on each line."""
        pairs = list(zip(self.ids, self.tokens, strict=True))[:count]
        path.write_text("".join(f"{user_id} {token}\n" for user_id, token in pairs))


def put_users(database: Database, count: int, prefix: str) -> Crowd:
    """Insert ``count`` users that can log in by a token."""
    crowd = Crowd([], [])
    now = int(time.time())
    for start in range(0, count, TRANSACTION):
        numbers = range(start, min(start + TRANSACTION, count))
        tokens = [secrets.token_urlsafe(16) for _ in numbers]

        def insert(tx, numbers=numbers, tokens=tokens):  # type: ignore[no-untyped-def]
            found = []
            for number, token in zip(numbers, tokens, strict=True):
                user_id = UserModel(tx).insert(f"{prefix}{number}", NO_PASSWORD)
                TokenModel(tx).insert(token, user_id, now)
                found.append(user_id)
            return found

        crowd.ids.extend(database.write(insert))
        crowd.tokens.extend(tokens)
    return crowd


def befriend(database: Database, ids: list[int], friends: int) -> None:
    """Give each user the next ``friends`` users as friends, in a circle."""
    for start in range(0, len(ids), TRANSACTION):
        part = range(start, min(start + TRANSACTION, len(ids)))

        def insert(tx, part=part):  # type: ignore[no-untyped-def]
            for number in part:
                for step in range(1, friends + 1):
                    FriendModel(tx).insert(ids[number], ids[(number + step) % len(ids)])

        database.write(insert)


def make_groups(database: Database, ids: list[int], size: int, prefix: str) -> list[int]:
    """Make groups of ``size`` users each, in the order of the ids; returns the groups' ids."""
    groups: list[int] = []
    for start in range(0, len(ids), size):
        members = ids[start : start + size]

        def insert(tx, members=members, start=start):  # type: ignore[no-untyped-def]
            group = GroupModel(tx).insert(f"{prefix}{start}", "")
            for user_id in members:
                GroupModel(tx).add_member(
                    group, user_id, CREATOR if user_id == members[0] else NORMAL
                )
            return group

        groups.append(database.write(insert))
    return groups
