"""Admission: the limits on connections, by a clock and with hosts that the test sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.connection.admission import MANY, MAX_LEAVING, Admission, Ticket
from chat.limits.networks import Exempt
from chat.protocol import Limits

HOST = "192.0.2.1"


def new(most: int = 1000, exempt: tuple[str, ...] = (), **limits: Any) -> Admission:
    return Admission(most, dataclasses.replace(Limits(), **limits), Exempt(exempt))


def ignore() -> None:
    pass


def enter(
    admission: Admission, host: str = HOST, end: Callable[[], object] = ignore, now: float = 0.0
) -> Ticket:
    assert admission.admit(host, now) is None
    return admission.come_up(host, end)


def go(admission: Admission, ticket: Ticket, host: str = HOST) -> None:
    ticket.leave()
    admission.departed(host, was_up=True)


# ---------------------------------------------------------------------- by address


def test_guests_of_one_address() -> None:
    admission = new(guests_per_address=3)
    tickets = [enter(admission) for _ in range(3)]
    refusal = admission.admit(HOST, 0.0)
    assert refusal is not None
    assert refusal.retry_after > 0
    assert admission.refused.counts["address"] == 1
    enter(admission, "192.0.2.2")
    go(admission, tickets[0])
    enter(admission)


def test_users_are_no_guests() -> None:
    admission = new(guests_per_address=3, users_per_address=5)
    users = []
    for _ in range(5):
        users.append(enter(admission))
        assert users[-1].refuse_login() is None
        users[-1].log_in()
    guest = enter(admission)
    refusal = guest.refuse_login()
    assert refusal is not None
    assert refusal.retry_after > 0
    users[0].log_out()
    assert guest.refuse_login() is None


def test_handshakes_count() -> None:
    admission = new(guests_per_address=3)
    for _ in range(3):
        assert admission.admit(HOST, 0.0) is None
    assert admission.admit(HOST, 0.0) is not None
    admission.departed(HOST, was_up=False)
    assert admission.admit(HOST, 0.0) is None
    assert admission.total == 3


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "198.51.100.9", "2001:db8::7"])
def test_exempt_hosts_have_no_limit_by_address(host: str) -> None:
    admission = new(
        exempt=("198.51.100.0/24", "2001:db8::/32"), guests_per_address=1, users_per_address=1
    )
    for _ in range(200):
        ticket = enter(admission, host)
        assert ticket.refuse_login() is None
        ticket.log_in()


def test_a_network_of_ipv6_is_one_address() -> None:
    admission = new(guests_per_address=3)
    for number in range(3):
        enter(admission, f"2001:db8::{number}")
    assert admission.admit("2001:db8::ffff", 0.0) is not None
    assert admission.admit("2001:db8:0:1::1", 0.0) is None


def test_new_connections_have_a_rate() -> None:
    admission = new(connect_rate=2, connect_burst=5)
    for _ in range(5):
        go(admission, enter(admission))
    refusal = admission.admit(HOST, 0.0)
    assert refusal is not None
    assert refusal.retry_after == 1
    assert admission.refused.counts["rate"] == 1
    go(admission, enter(admission, now=0.5))
    enter(admission, "192.0.2.2")


# ---------------------------------------------------------------------- in all


def test_the_oldest_guest_makes_room() -> None:
    ended: list[int] = []
    admission = new(3)
    tickets = [
        enter(admission, f"192.0.2.{number}", partial(ended.append, number)) for number in range(3)
    ]
    tickets[0].log_in()
    enter(admission, "192.0.2.9")
    assert ended == [1]
    go(admission, tickets[1], "192.0.2.1")
    enter(admission, "192.0.2.10")
    assert ended == [1, 2]


def test_the_address_with_most_guests_makes_room_first() -> None:
    ended: list[str] = []

    def come(host: str) -> Ticket:
        return enter(admission, host, partial(ended.append, host))

    balancer = "198.51.100.1"  # it brings guests of many users
    admission = new(7, exempt=(balancer,))
    for _ in range(3):
        come(balancer)
    come("192.0.2.1")
    for _ in range(3):
        come("203.0.113.5")
    for number in range(2):
        come(f"192.0.2.{10 + number}")
    assert ended == ["203.0.113.5"] * 2


def test_users_make_no_room() -> None:
    admission = new(2)
    for number in range(2):
        enter(admission, f"192.0.2.{number}").log_in()
    refusal = admission.admit("192.0.2.9", 0.0)
    assert refusal is not None
    assert refusal.full
    assert admission.total == 2
    assert not admission.holders(10)[2:]


def test_only_so_many_are_closed_at_the_same_time() -> None:
    """Each still uses a descriptor."""
    admission = new(100)
    for number in range(100):
        enter(admission, f"192.0.2.{number}")
    for number in range(MAX_LEAVING):
        enter(admission, f"198.51.100.{number}")
    assert admission.admit("203.0.113.1", 0.0) is not None
    assert admission.total == 100 + MAX_LEAVING


def test_a_guest_that_logs_in_while_it_is_to_make_room_stays() -> None:
    admission = new(1)
    ticket = enter(admission)
    enter(admission, "192.0.2.2")
    assert ticket.leaving
    ticket.log_in()
    assert admission.total == 2
    assert admission.admit("192.0.2.3", 0.0) is None  # in place of the second
    assert admission.admit("192.0.2.4", 0.0) is not None
    ticket.log_out()
    go(admission, ticket)
    assert admission._leaving == 1


def test_a_login_may_end_after_the_connection() -> None:
    """A worker finishes a logout when the connection is down: it must not count again."""
    admission = new()
    ticket = enter(admission)
    ticket.log_in()
    go(admission, ticket)
    ticket.log_out()
    assert admission.holders(10) == []
    assert admission.total == 0


# ---------------------------------------------------------------------- balancers


def test_the_announced_address_counts() -> None:
    admission = new(guests_per_address=2)
    tickets = []
    for _ in range(5):
        assert admission.admit(None, 0.0) is None
        tickets.append(admission.come_up(None, ignore))
    assert tickets[0].announce(HOST, 0.0) is None
    assert tickets[1].announce(HOST, 0.0) is None
    assert tickets[2].announce(HOST, 0.0) is not None
    assert tickets[3].announce("192.0.2.2", 0.0) is None
    for ticket in tickets:
        ticket.leave()
        admission.departed(None, was_up=True)
    assert admission.total == 0
    assert admission.holders(10) == []


# ---------------------------------------------------------------------- operators


def test_an_address_that_holds_most_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    admission = new(users_per_address=1000, connect_burst=1000)
    for _ in range(MANY + 10):
        enter(admission).log_in()
    lines = [line for line in caplog.messages if "connections" in line]
    assert lines == [
        f"{HOST} holds {MANY} of {MANY} connections; if it is a balancer, see server.proxy_protocol"
    ]


def test_limits_can_change() -> None:
    admission = new(guests_per_address=1)
    enter(admission)
    assert admission.admit(HOST, 0.0) is not None
    admission.change_limits(dataclasses.replace(Limits(), guests_per_address=2), 0.0)
    enter(admission)
    assert admission.admit(HOST, 0.0) is not None
    admission.change_limits(dataclasses.replace(Limits(), exempt=(f"{HOST}/32",)), 0.0)
    for _ in range(100):
        enter(admission)


def test_holders_are_the_addresses_with_most_connections() -> None:
    admission = new()
    for host, count in (("192.0.2.1", 2), ("192.0.2.2", 5), ("192.0.2.3", 1)):
        for _ in range(count):
            enter(admission, host)
    enter(admission, "192.0.2.1").log_in()
    assert admission.holders(2) == [("192.0.2.2", 5, 0), ("192.0.2.1", 2, 1)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), max_size=200))
def test_the_counts_are_those_of_the_connections(steps: list[tuple[int, int]]) -> None:
    """Whatever happens in whatever order: in the end nothing is left over."""
    admission = new(10, guests_per_address=4, users_per_address=4, connect_burst=10_000)
    alive: list[tuple[Ticket, str]] = []
    for action, number in steps:
        if action < 2:
            host = f"192.0.2.{number % 4}"
            if admission.admit(host, 0.0) is None:
                if number % 7 == 0:
                    admission.departed(host, was_up=False)
                else:
                    alive.append((admission.come_up(host, ignore), host))
        elif alive:
            ticket, host = alive[number % len(alive)]
            if action == 2:
                ticket.log_in()
            elif action == 3:
                ticket.log_out()
            else:
                alive.remove((ticket, host))
                go(admission, ticket, host)
        assert admission.total == len(alive)
        assert sum(guests + users for _, guests, users in admission.holders(9)) == len(alive)
    for ticket, host in alive:
        go(admission, ticket, host)
    assert admission.total == admission._leaving == 0
    assert not admission._guests
    assert not admission._guests_of
    assert not admission._users_of
