"""Presence: who owns a user's row, also after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chat.protocol import ErrNo, ProtocolError
from chat.storage import Database
from chat.storage.tables import OFFLINE, ONLINE, Session
from tests.chat.login.presencekit import Office, new_lease, offices


@pytest.fixture
def make_office(database: Database) -> Iterator[Callable[..., Office]]:
    with offices(database) as make:
        yield make


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    return make_office()


# ---------------------------------------------------------------------- taking


def test_take_and_release(office: Office) -> None:
    ann = office.user()
    generation = office.take(ann, "laptop")
    row = office.row(ann)
    assert (row.state, row.node, row.device) == (ONLINE, "n1", "laptop")
    office.presence.release(ann, generation)
    office.wait()
    assert office.row(ann).state == OFFLINE


def test_a_live_session_keeps_its_user(office: Office) -> None:
    ann = office.user()
    office.log_in(ann, "laptop")
    office.refused(ann)
    office.refused(ann, "phone")
    assert office.row(ann).generation == 1


def test_the_same_device_takes_over(office: Office) -> None:
    ann = office.user()
    office.log_in(ann, "laptop")
    assert office.take(ann, "laptop") == 2


def test_two_without_a_device_are_not_the_same(office: Office) -> None:
    ann = office.user()
    office.log_in(ann)
    office.refused(ann)


def test_everybody_takes_over_if_set_so(make_office: Callable[..., Office]) -> None:
    office = make_office(replace=True)
    ann = office.user()
    office.log_in(ann, "laptop")
    assert office.take(ann) == 2


@pytest.mark.parametrize("replace", [False, True])
def test_who_has_gone_already_does_not_take_over(
    make_office: Callable[..., Office], replace: bool
) -> None:
    """A login after its client has gone must not end a live session."""
    office = make_office(replace=replace)
    ann = office.user()
    office.log_in(ann, "laptop")
    office.refused(ann, "laptop", may_replace=False)
    assert office.row(ann).generation == 1
    bob = office.user("bob")
    assert office.take(bob, "laptop", may_replace=False) == 1, "there is nothing to replace"


def test_a_row_without_a_session_is_free(office: Office) -> None:
    """As it stays behind after a crash, or a release that failed."""
    ann = office.user()
    office.take(ann, "laptop")
    assert office.take(ann, "phone") == 2


def test_a_row_that_changed_meanwhile_is_refused(office: Office) -> None:
    ann = office.user()
    seen = office.row(ann)
    session = Session(ann, seen.node, seen.generation)
    office.take(ann)
    with pytest.raises(ProtocolError) as caught:
        office.database.write(lambda tx: office.presence.take(tx, session, None, same_device=False))
    assert caught.value.errno is ErrNo.ALREADY_ONLINE


@pytest.mark.parametrize("exclusive", [True, False])
def test_another_nodes_row(office: Office, exclusive: bool) -> None:
    """It is live, unless no other node can be using this database."""
    ann = office.user()
    office.taken_elsewhere(ann, "n2")
    office.database.exclusive = exclusive
    if exclusive:
        assert office.take(ann) == 2
    else:
        office.refused(ann)


def test_our_own_row_on_a_shared_database(office: Office) -> None:
    ann = office.user()
    office.database.exclusive = False
    office.take(ann)
    assert office.take(ann) == 2, "no session of ours has it"


# ---------------------------------------------------------------------- releasing


def test_an_old_session_does_not_release_the_new_one(office: Office) -> None:
    ann = office.user()
    first = office.take(ann)
    second = office.take(ann)
    office.presence.release(ann, first)
    office.wait()
    row = office.row(ann)
    assert (row.state, row.generation) == (ONLINE, second)


def test_a_release_that_fails_is_put_right_later(office: Office) -> None:
    ann = office.user()
    generation = office.log_in(ann)
    office.logins.remove(office.logins.all()[0])
    office.database.broken = True
    office.presence.release(ann, generation)
    office.wait()
    office.presence.release(ann, generation)  # no worker any more: not even tried
    office.database.broken = False
    assert office.row(ann).state == ONLINE
    office.reconcile()
    assert office.row(ann).state == OFFLINE


# ---------------------------------------------------------------------- after a crash


@pytest.mark.parametrize(("exclusive", "left"), [(True, []), (False, ["bob"])])
def test_reclaim(make_office: Callable[..., Office], exclusive: bool, left: list[str]) -> None:
    office = make_office(leased=True)
    ann, bob, eve = (office.user(name) for name in ("ann", "bob", "eve"))
    office.taken_elsewhere(ann, "n1")
    office.taken_elsewhere(bob, "n2")
    office.database.exclusive = exclusive
    office.presence.reclaim()
    rows = [office.row(user) for user in (ann, bob, eve)]
    assert [row.name for row in rows if row.state == ONLINE] == left
    assert office.row(ann).generation == 2, "what the crashed server still tries is refused"


def test_a_stranger_s_name(make_office: Callable[..., Office], database: Database) -> None:
    """Who has lost its name, or never got it, leaves the users of that name alone."""
    office = make_office(leased=True)
    office.database.exclusive = False
    ann = office.user()
    new_lease(database, "n1")  # another server begins under this name
    office.taken_elsewhere(ann, "n1")
    office.presence.reclaim()
    office.presence.release_all()
    assert office.row(ann).state == ONLINE
    assert office.changed == []


def test_the_end(make_office: Callable[..., Office]) -> None:
    office = make_office(leased=True)
    office.database.exclusive = False
    ann, bob = office.user(), office.user("bob")
    office.log_in(ann)
    office.taken_elsewhere(bob, "n2")
    office.presence.release_all()
    assert [office.row(user).state for user in (ann, bob)] == [OFFLINE, ONLINE]
    assert office.changed == [ann]
