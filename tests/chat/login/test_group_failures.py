"""GroupFailures: guesses of one user, from one place, and at one group."""

from __future__ import annotations

from chat.limits.networks import Exempt
from chat.login.group_failures import GroupFailures, GroupRates

HOST, OTHER = "203.0.113.1", "203.0.113.2"
TEA, BOOKS = 1, 2
ANN, BOB = 1, 2


def failures(**rates: int) -> GroupFailures:
    numbers = {"failures": 3, "window": 60, "of_network": 1000, "of_group": 1000} | rates
    return GroupFailures(GroupRates(**numbers), Exempt(["192.0.2.0/24"]))


def test_one_user_and_one_group() -> None:
    found = failures()
    for _ in range(3):
        assert not found.retry_after(HOST, ANN, TEA, 0.0)
        found.failed(HOST, ANN, TEA, 0.0)
    assert 0 < found.retry_after(OTHER, ANN, TEA, 0.0) <= 20
    assert not found.retry_after(HOST, ANN, BOOKS, 0.0)
    assert not found.retry_after(HOST, BOB, TEA, 0.0)
    found.succeeded(ANN, TEA)
    assert not found.retry_after(HOST, ANN, TEA, 0.0)


def test_many_users_of_one_network() -> None:
    found = failures(of_network=5)
    for user in range(5):
        assert not found.retry_after(HOST, user, TEA, 0.0)
        found.failed(HOST, user, TEA, 0.0)
    assert found.retry_after(HOST, 99, BOOKS, 0.0) == 720
    assert not found.retry_after(OTHER, 99, BOOKS, 0.0)


def test_an_exempt_network() -> None:
    found = failures(of_network=1)
    for user in range(5):
        found.failed("192.0.2.7", user, TEA, 0.0)
    assert not found.retry_after("192.0.2.7", 99, TEA, 0.0)


def test_many_users_from_many_places_at_one_group() -> None:
    found = failures(of_group=5)
    for user in range(5):
        found.failed(f"198.51.100.{user}", user, TEA, 0.0)
    assert found.retry_after(HOST, 3, TEA, 0.0) == 720
    assert not found.retry_after(HOST, 99, TEA, 0.0), "each user has a guess"
    found.failed(HOST, 99, TEA, 0.0)
    assert found.retry_after(HOST, 99, TEA, 0.0) > 0
    assert not found.retry_after(HOST, 3, BOOKS, 0.0)


def test_other_limits() -> None:
    found = failures(of_group=2)
    for _ in range(2):
        found.failed(HOST, ANN, TEA, 0.0)
    assert found.retry_after(HOST, ANN, TEA, 0.0) > 0
    found.change(GroupRates(9, 60, 9, 9), 0.0)
    assert not found.retry_after(HOST, ANN, TEA, 0.0)
