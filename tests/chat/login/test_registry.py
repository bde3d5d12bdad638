"""LoginRegistry against a simple model, and under racing threads."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.mailbox_number import device_of, mailbox_of, owner
from tests.chat.loopkit import WAIT
from tests.tiers import examples

BOXES = (1, 2, 3, mailbox_of(1, 5), mailbox_of(1, 6), mailbox_of(2, 7))
USERS = st.sampled_from(BOXES)
"""Mailboxes: of three users, two of which have named devices, too."""
GROUPS = st.frozensets(st.integers(1, 4), max_size=3)
PICK = st.integers(0, 1000)


@dataclass(eq=False)
class Stub:
    """The attributes of a Login that the registry uses."""

    mailbox: int
    groups: frozenset[int] = frozenset()

    @property
    def user_id(self) -> int:
        return owner(self.mailbox)


def stub(mailbox: int) -> Login:
    return cast(Login, Stub(mailbox))


def key(mailbox: int) -> tuple[int, str | None]:
    """The user and the device of a reservation."""
    return owner(mailbox), str(device_of(mailbox)) if device_of(mailbox) else None


class RegistryMachine(RuleBasedStateMachine):
    """Logins, logouts, joins and take-overs in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = LoginRegistry()
        self.reserved: set[int] = set()
        self.here: dict[int, tuple[Login, frozenset[int]]] = {}
        self.gone: list[tuple[int, Login]] = []

    @rule(user=USERS)
    def reserve(self, user: int) -> None:
        assert self.registry.reserve(*key(user)) == (user not in self.reserved)
        self.reserved.add(user)

    @rule(user=USERS)
    def cancel(self, user: int) -> None:
        self.registry.cancel(*key(user))
        self.reserved.discard(user)

    @rule(user=USERS, groups=GROUPS)
    def add(self, user: int, groups: frozenset[int]) -> None:
        login = stub(user)
        replaced = self.registry.add(login, groups, key(user)[1])
        assert replaced == self.here.get(user)
        if replaced is not None:
            assert replaced.login.groups == frozenset()
            self.gone.append((user, replaced.login))
        self.reserved.discard(user)
        self.here[user] = (login, groups)

    @precondition(lambda self: self.here)
    @rule(pick=PICK)
    def remove(self, pick: int) -> None:
        user = sorted(self.here)[pick % len(self.here)]
        login, groups = self.here.pop(user)
        assert self.registry.remove(login) == groups
        assert login.groups == frozenset()
        self.gone.append((user, login))

    @precondition(lambda self: self.gone)
    @rule(pick=PICK)
    def remove_again(self, pick: int) -> None:
        _, login = self.gone[pick % len(self.gone)]
        assert self.registry.remove(login) is None

    @precondition(lambda self: self.gone)
    @rule(pick=PICK, groups=GROUPS)
    def restore(self, pick: int, groups: frozenset[int]) -> None:
        user, login = self.gone[pick % len(self.gone)]
        possible = user not in self.here and user not in self.reserved
        assert self.registry.restore(login, groups, key(user)[1]) == possible
        if possible:
            self.gone.remove((user, login))
            self.here[user] = (login, groups)

    @precondition(lambda self: self.here)
    @rule(pick=PICK, group=st.integers(1, 4))
    def join(self, pick: int, group: int) -> None:
        user = sorted(self.here)[pick % len(self.here)]
        login, groups = self.here[user]
        assert self.registry.join(login, group) == (group not in groups)
        self.here[user] = (login, groups | {group})

    @precondition(lambda self: self.here)
    @rule(pick=PICK, group=st.integers(1, 4))
    def leave(self, pick: int, group: int) -> None:
        user = sorted(self.here)[pick % len(self.here)]
        login, groups = self.here[user]
        assert self.registry.leave(login, group) == (group in groups)
        self.here[user] = (login, groups - {group})

    @precondition(lambda self: self.gone)
    @rule(pick=PICK, group=st.integers(1, 4))
    def leave_too_late(self, pick: int, group: int) -> None:
        _, login = self.gone[pick % len(self.gone)]
        assert not self.registry.leave(login, group)

    @precondition(lambda self: self.gone)
    @rule(pick=PICK, group=st.integers(1, 4))
    def join_too_late(self, pick: int, group: int) -> None:
        _, login = self.gone[pick % len(self.gone)]
        self.registry.join(login, group)
        assert login.groups == frozenset()

    @invariant()
    def everybody_is_found(self) -> None:
        assert len(self.registry) == len(self.here)
        reserved = {owner(mailbox) for mailbox in self.reserved}
        assert self.registry.owned() == reserved | self.here.keys()
        assert self.registry.reserved() == reserved
        logins = {login for login, _ in self.here.values()}
        assert set(self.registry.all()) == logins
        assert len(self.registry.all()) == len(logins)
        for mailbox in BOXES:
            assert self.registry.find(mailbox) is self.here.get(mailbox, (None, None))[0]
        found = self.registry.find_many([*reversed(BOXES), 99])
        here = [self.here[mailbox][0] for mailbox in reversed(BOXES) if mailbox in self.here]
        assert found == here
        for user in (1, 2, 3, 99):
            expected = {login for login in logins if login.user_id == user}
            assert set(self.registry.of_user(user)) == expected
            assert len(self.registry.of_user(user)) == len(expected)
        assert set(self.registry.of_users([1, 3])) == {
            login for login in logins if login.user_id in (1, 3)
        }

    @invariant()
    def groups_know_their_members(self) -> None:
        for group in range(1, 5):
            expected = {login for login, groups in self.here.values() if group in groups}
            assert set(self.registry.in_group(group)) == expected
        for login, groups in self.here.values():
            assert login.groups == groups

    @invariant()
    def nothing_is_kept_of_those_who_left(self) -> None:
        assert all(self.registry._by_group.values()), "an empty group"


TestRegistry: Any = RegistryMachine.TestCase
TestRegistry.settings = settings(
    max_examples=examples(100), stateful_step_count=40, deadline=None, database=None
)


def test_reserving_again_after_add() -> None:
    registry = LoginRegistry()
    assert registry.reserve(1)
    assert not registry.reserve(1)
    registry.add(stub(1), frozenset())
    assert registry.reserve(1), "a second login may try"


@pytest.fixture
def quick_switching() -> Any:
    """Threads lose the GIL nearly everywhere."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("quick_switching")
def test_racing_threads() -> None:
    """Of those who begin at once one gets through; and what one added only it can remove."""
    registry = LoginRegistry()
    rounds, users, threads = 150, (1, 2, 3), 4
    held: dict[int, int] = dict.fromkeys(users, 0)
    begun = [0] * threads
    wrong: list[str] = []

    def act(number: int) -> None:
        for turn in range(rounds):
            user = users[turn % len(users)]
            if registry.reserve(user):
                begun[number] += 1
                held[user] += 1
                if held[user] != 1:
                    wrong.append("two logins of one user at once")
                held[user] -= 1
                login = stub(user)
                registry.add(login, frozenset({user, 9}))
                registry.join(login, 10)
                registry.find_many(users)
                registry.in_group(9)
                registry.remove(login)
                if login.groups:
                    wrong.append("removed, and still in groups")

    workers = [threading.Thread(target=act, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(WAIT)
    assert not wrong
    assert all(begun)
    for user in users:
        left = registry.find(user)
        if left is not None:
            registry.remove(left)
    assert (len(registry), registry.owned(), registry.all()) == (0, set(), [])
    assert not registry._by_group
