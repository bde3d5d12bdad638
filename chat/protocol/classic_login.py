"""Shortens the answer to a login until it fits into one read of a classic client. Pure.

Entries are left out in this order: the waiting messages, which follow as frames of their own; then
members of groups, groups, and friends, each from the end of the list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chat.protocol.codec import Message

T = TypeVar("T")

Size = Callable[[Message], int]
"""Bytes of an answer, as the connection would send it."""


def fit_login(answer: Message, limit: int, size: Size) -> Message:
    """A copy of the answer, with as many entries as fit into ``limit`` bytes.

    It has either all messages or none.
    """
    if _fits(answer, limit, size):
        return answer
    answer = {**answer, "offlinemsg": []}
    if _fits(answer, limit, size):
        return answer
    groups = answer["groups"]
    answer["groups"] = []
    answer["friends"] = _most(
        answer["friends"], lambda friends: size({**answer, "friends": friends}) <= limit
    )
    bare = [{**group, "users": []} for group in groups]
    answer["groups"] = _most(bare, lambda some: size({**answer, "groups": some}) <= limit)
    members = [
        (number, user)
        for number, group in enumerate(groups[: len(answer["groups"])])
        for user in group["users"]
    ]
    kept = _most(
        members, lambda some: size({**answer, "groups": _with(answer["groups"], some)}) <= limit
    )
    answer["groups"] = _with(answer["groups"], kept)
    return answer


def left_out(answer: Message, fitted: Message) -> str:
    """A text for the log, such as "2 of 5 groups, 7 of 9 members"; "" if only messages are left
    out."""
    parts = []
    for name, count in (("friends", _count), ("groups", _count), ("members", _members)):
        key = "groups" if name == "members" else name
        all_of_them, kept = count(answer[key]), count(fitted[key])
        if kept < all_of_them:
            parts.append(f"{all_of_them - kept} of {all_of_them} {name}")
    return ", ".join(parts)


def _count(items: list[Any]) -> int:
    return len(items)


def _members(groups: list[Message]) -> int:
    return sum([len(group["users"]) for group in groups])


def _fits(answer: Message, limit: int, size: Size) -> bool:
    # Each entry takes more than one byte, so a long list need not be encoded.
    entries = len(answer["friends"]) + len(answer["offlinemsg"]) + _members(answer["groups"])
    return entries + len(answer["groups"]) <= limit and size(answer) <= limit


def _with(groups: list[Message], members: list[tuple[int, Message]]) -> list[Message]:
    users: list[list[Message]] = [[] for _ in groups]
    for number, user in members:
        users[number].append(user)
    return [{**group, "users": users[number]} for number, group in enumerate(groups)]


def _most(items: list[T], fits: Callable[[list[T]], bool]) -> list[T]:
    """The longest prefix of the list that fits.

    It tries short prefixes first, so the cost grows with the result and not with the list.
    """
    high = 1
    while high < len(items) and fits(items[:high]):
        high *= 2
    low, high = high // 2, min(high, len(items))
    while low < high:
        middle = (low + high + 1) // 2
        if fits(items[:middle]):
            low = middle
        else:
            high = middle - 1
    return items[:low]
