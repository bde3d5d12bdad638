"""What logins draw is paid by the account and the network, and locks no owner out."""

from __future__ import annotations

import pytest

from chat.login.login_costs import (
    ACCOUNT_SHARE,
    BURST_SECONDS,
    SPARE_LOGINS,
    SPARE_SECONDS,
    LoginCosts,
)
from chat.protocol import ErrNo, Limits, ProtocolError

LIMITS = Limits(answer_kib=1)
NETWORK = 1024 * BURST_SECONDS
ACCOUNT = int(NETWORK * ACCOUNT_SHARE)
ANN, BOB = 1, 2
HOME, OFFICE, EXEMPT = "192.0.2.1", "198.51.100.7", "127.0.0.1"


@pytest.fixture
def costs() -> LoginCosts:
    return LoginCosts(LIMITS, lambda host: None if host == EXEMPT else host)


def wait(
    costs: LoginCosts, user: int, host: str = HOME, now: float = 0, by_password: bool = False
) -> int:
    """The seconds until a login is allowed; 0: now."""
    try:
        costs.check(user, host, now, by_password=by_password)
    except ProtocolError as exc:
        assert exc.errno is ErrNo.TOO_MANY
        seconds = exc.extra["retry_after"]
        assert isinstance(seconds, int)
        return seconds
    return 0


def draw(
    costs: LoginCosts, user: int, size: int, host: str = HOME, by_password: bool = False
) -> None:
    costs.charge(user, host, size, 0.0, by_password=by_password)


def test_an_account_that_has_drawn_too_much_waits(costs: LoginCosts) -> None:
    draw(costs, ANN, ACCOUNT - 100, EXEMPT)
    assert not wait(costs, ANN)
    draw(costs, ANN, 1000, EXEMPT)
    assert wait(costs, ANN) == 2
    assert wait(costs, ANN, OFFICE), "its address does not matter"
    assert not wait(costs, ANN, now=2)
    assert not wait(costs, BOB)


def test_a_thief_with_a_token_does_not_keep_the_owner_out(costs: LoginCosts) -> None:
    draw(costs, ANN, 10 * ACCOUNT, OFFICE)
    assert wait(costs, ANN)
    assert not wait(costs, ANN, by_password=True)
    draw(costs, ANN, 10 * ACCOUNT, OFFICE, by_password=True)
    assert wait(costs, ANN, by_password=True)


def test_no_debt_lasts_long(costs: LoginCosts) -> None:
    for _ in range(10):
        draw(costs, ANN, 1 << 20)
    assert wait(costs, ANN) <= BURST_SECONDS + 1


def test_a_network_pays_for_all_its_accounts(costs: LoginCosts) -> None:
    for user in range(10, 20):
        draw(costs, user, NETWORK // 8)
    for user in range(10, 20):
        for _ in range(SPARE_LOGINS):
            assert not wait(costs, user), "a few logins in spite of the debts"
        assert wait(costs, user)
        assert not wait(costs, user, OFFICE)
    assert not wait(costs, 10, now=BURST_SECONDS)


def test_an_attacker_behind_the_same_nat_keeps_no_user_out(costs: LoginCosts) -> None:
    for second in range(0, 600, 60):
        for user in range(10, 30):
            costs.charge(user, HOME, NETWORK, second, by_password=False)
        assert not wait(costs, ANN, now=second + SPARE_SECONDS / 60)


def test_exempt_hosts_have_no_network(costs: LoginCosts) -> None:
    for user in range(10, 100):
        draw(costs, user, ACCOUNT // 2, EXEMPT)
    for _ in range(SPARE_LOGINS + 5):
        assert not wait(costs, ANN, EXEMPT)


def test_other_limits_hold_at_once(costs: LoginCosts) -> None:
    draw(costs, ANN, ACCOUNT + 1000)
    assert wait(costs, ANN)
    costs.change(Limits(answer_kib=1024), 0.0)
    assert not wait(costs, ANN)
    draw(costs, BOB, ACCOUNT + 1000)
    assert not wait(costs, BOB)
