"""LoginLimits: guesses slow down, and their victims do not."""

from __future__ import annotations

from chat.limits.networks import Exempt
from chat.login.login_limits import HOUR, LONGEST_PAUSE, LoginLimits, LoginRates

EVIL, HOME = "192.0.2.66", "192.0.2.1"
ANN, BOB = 1, 2


def limits(**rates: int) -> LoginLimits:
    return LoginLimits(LoginRates(**rates), Exempt())


def guess(found: LoginLimits, host: str, user_id: int, now: float, times: int) -> int:
    """Guess passwords; returns how many guesses were allowed."""
    served = 0
    for _ in range(times):
        if not found.retry_after(host, user_id, now):
            found.failed(host, user_id, now)
            served += 1
    return served


def test_guesses_at_one_account() -> None:
    found = limits()
    assert guess(found, EVIL, ANN, 0.0, 100) == 10
    assert found.retry_after(EVIL, BOB, 0.0) == 0


def test_the_pauses_grow() -> None:
    found, now, pauses = limits(), 0.0, []
    guess(found, EVIL, ANN, now, 10)
    for _ in range(12):
        pauses.append(found.retry_after(EVIL, ANN, now))
        now += pauses[-1] + 0.001
        assert guess(found, EVIL, ANN, now, 5) == 1
    assert pauses[0] < 7
    assert pauses[:7] == sorted(pauses[:7])
    assert LONGEST_PAUSE / 3 < max(pauses) <= LONGEST_PAUSE


def test_guesses_over_many_accounts() -> None:
    """250 guesses over 50 accounts from one address."""
    found = limits()
    served = sum(guess(found, EVIL, user_id, 0.0, 5) for user_id in range(50))
    assert served == 50
    assert found.retry_after(HOME, ANN, 0.0) == 0


def test_a_64_is_one_network() -> None:
    found = limits()
    served = sum(guess(found, f"2001:db8::{n:x}", n, 0.0, 1) for n in range(1, 200))
    assert served == 50
    assert found.retry_after("2001:db8:0:1::1", ANN, 0.0) == 0


def test_guesses_from_many_networks() -> None:
    found = limits()
    served = sum(guess(found, f"198.51.100.{n}", ANN, 0.0, 5) for n in range(100))
    assert served == 100
    assert found.retry_after("203.0.113.1", ANN, 0.0) > 0
    assert found.retry_after("203.0.113.1", BOB, 0.0) == 0
    assert found.retry_after("203.0.113.1", ANN, HOUR / 100 + 0.1) == 0


def test_the_owner_is_not_locked_out_at_home() -> None:
    """By guesses from other networks, and by guesses at others from behind the same NAT."""
    found = limits()
    found.succeeded(HOME, ANN, 0.0)
    for number in range(100):
        guess(found, f"198.51.100.{number}", ANN, 1.0, 5)
    for user_id in range(10, 100):
        guess(found, HOME, user_id, 1.0, 5)
    assert found.retry_after(HOME, BOB, 1.0) > 0
    assert found.retry_after(HOME, ANN, 1.0) == 0
    assert guess(found, HOME, ANN, 1.0, 100) == 10, "a limit of its own"


def test_a_known_device_has_its_own_limit() -> None:
    found = limits()
    for number in range(100):
        guess(found, f"198.51.100.{number}", ANN, 0.0, 5)
    assert found.retry_after(EVIL, ANN, 0.0, "laptop") == 0
    for _ in range(10):
        found.failed(EVIL, ANN, 0.0, "laptop")
    assert found.retry_after(EVIL, ANN, 0.0, "laptop") > 0
    found.note_login(HOME, ANN, 0.0)
    assert found.retry_after(HOME, ANN, 0.0, "laptop") == 0, "an attacker may know its name"
    assert guess(found, HOME, ANN, 0.0, 100) == 10
    assert found.retry_after(HOME, ANN, 0.0, "laptop") == 0, "it was used up elsewhere only"
    assert found.retry_after(EVIL, ANN, 0.0, "phone") == 0
    found.succeeded(EVIL, ANN, 0.0, "laptop")
    assert found.retry_after(EVIL, ANN, 0.0, "laptop") == 0


def test_guesses_with_a_known_device_slow_down() -> None:
    found, now, served = limits(), 0.0, 0
    while now < 24 * HOUR:
        wait = found.retry_after(EVIL, ANN, now, "laptop")
        if not wait:
            found.failed(EVIL, ANN, now, "laptop")
            served += 1
            assert found.retry_after(HOME, ANN, now, "laptop") == 0, "the owner, elsewhere"
        now += max(wait, 0.001)
    # So many with the device, and as many without it. The pauses get shorter again after an hour.
    assert served < 2 * 24 * 12


def test_many_networks_with_a_known_device() -> None:
    found, served = limits(), 0
    for number in range(1000):
        host = f"10.0.{number // 250}.{number % 250}"
        for _ in range(3):
            if not found.retry_after(host, ANN, 0.0, "laptop"):
                found.failed(host, ANN, 0.0, "laptop")
                served += 1
    assert served == 200, "100 with the device, and 100 without it"


def test_success_forgets_the_failures() -> None:
    found = limits()
    guess(found, HOME, ANN, 0.0, 9)
    found.succeeded(HOME, ANN, 0.0)
    assert guess(found, HOME, ANN, 0.0, 100) == 10


def test_exempt_hosts() -> None:
    found = LoginLimits(LoginRates(), Exempt(["192.0.2.0/24"]))
    served = sum(guess(found, EVIL, user_id, 0.0, 5) for user_id in range(50))
    assert served == 250
    assert guess(found, EVIL, ANN + 100, 0.0, 100) == 10, "accounts are limited"
    assert not any(found.register(EVIL, 0.0) for _ in range(500))
    assert found.share_key(EVIL) is None
    assert found.share_key("2001:db8::1") == "2001:db8::/64"


def test_registrations() -> None:
    found = limits(registrations=3)
    waits = [found.register("2001:db8::1", 0.0) for _ in range(4)]
    assert waits == [0, 0, 0, HOUR / 3]
    assert found.register("2001:db8::2", 0.0) > 0
    assert found.register(HOME, 0.0) == 0
    assert found.register("2001:db8::2", HOUR / 3 + 1) == 0


def test_other_limits_from_now_on() -> None:
    found = limits()
    guess(found, EVIL, ANN, 0.0, 10)
    found.change(LoginRates(failures=20, of_network=12, registrations=1), ["203.0.113.0/24"], 0.0)
    assert guess(found, EVIL, ANN, 0.0, 100) == 2, "ten were counted before"
    assert found.register("203.0.113.1", 0.0) == found.register("203.0.113.1", 0.0) == 0
    assert found.register(HOME, 0.0) == 0
    assert found.register(HOME, 0.0) > 0
