"""Authentication: passwords and tokens, right and wrong, and the number of failures."""

from __future__ import annotations

import pytest

from chat.config import HashCost
from chat.limits.networks import Exempt
from chat.login.authentication import Authentication
from chat.login.login_limits import LoginLimits, LoginRates
from chat.login.passwords import Passwords
from chat.protocol import ErrNo, ProtocolError
from chat.storage import Database
from chat.storage.tables import KnownDeviceModel, TokenModel, User, UserModel
from tests.chat.nodekit import CHEAP, PASSWORD, TOKEN_SECONDS, TestClock
from tests.chat.plankit import Planner

PEER = "192.0.2.7"


class Gate:
    """An Authentication with one registered user."""

    def __init__(self, database: Database, cost: HashCost = CHEAP) -> None:
        self.database = database
        self.clock = TestClock()
        self.limits = LoginLimits(LoginRates(failures=3), Exempt())
        self.authentication = Authentication(
            database, Passwords(cost), self.limits, self.clock, TOKEN_SECONDS
        )
        hashed = Passwords(CHEAP).hash(PASSWORD)
        self.user_id = database.write(lambda tx: UserModel(tx).insert("ann", hashed))

    @property
    def user(self) -> User:
        user = self.authentication.find_user(self.user_id)
        assert user is not None
        return user

    def refused(self, user: User | None, password: str | None, peer: str = PEER) -> ProtocolError:
        with pytest.raises(ProtocolError) as caught:
            self.authentication.check_password(user, self.user_id, password, peer)
        return caught.value


@pytest.fixture
def gate(database: Database) -> Gate:
    return Gate(database)


def test_the_right_password(gate: Gate) -> None:
    verified = gate.authentication.check_password(gate.user, gate.user_id, PASSWORD, PEER)
    assert verified == (gate.user, None)


def test_wrong_and_missing_passwords(gate: Gate) -> None:
    assert gate.refused(gate.user, "wrong").errno is ErrNo.REFUSED
    assert gate.refused(None, PASSWORD).errno is ErrNo.REFUSED
    assert gate.refused(gate.user, None).errmsg == "password: is missing"
    assert gate.authentication.find_user(999) is None


def test_after_too_many_failures_the_right_password_is_refused_for_this_peer(gate: Gate) -> None:
    for _ in range(3):
        gate.refused(gate.user, "wrong")
    error = gate.refused(gate.user, PASSWORD)
    assert (error.errno, error.extra) == (ErrNo.TOO_MANY, {"retry_after": 21})
    gate.authentication.check_password(gate.user, gate.user_id, PASSWORD, "192.0.2.8")
    gate.clock.now += 61
    gate.authentication.check_password(gate.user, gate.user_id, PASSWORD, PEER)


def test_an_outdated_hash_is_replaced(database: Database) -> None:
    gate = Gate(database, HashCost(time_cost=2, memory_kib=8, parallelism=1))
    _, new_hash = gate.authentication.check_password(gate.user, gate.user_id, PASSWORD, PEER)
    assert new_hash is not None
    assert Passwords(CHEAP).verify(new_hash, PASSWORD)


def test_tokens(gate: Gate) -> None:
    now = gate.clock.unix()
    gate.database.write(lambda tx: TokenModel(tx).insert("right", gate.user_id, now))
    assert gate.authentication.check_token(gate.user, gate.user_id, "right", PEER) == (
        gate.user,
        None,
    )
    for user, token in ((gate.user, "wrong"), (None, "right")):
        for _ in range(5):  # failures are not counted
            with pytest.raises(ProtocolError) as caught:
                gate.authentication.check_token(user, gate.user_id, token, PEER)
            assert caught.value.errno is ErrNo.REFUSED
    assert gate.limits.retry_after(PEER, gate.user_id, gate.clock.monotonic()) == 0


def test_a_known_device_is_not_locked_out(gate: Gate) -> None:
    """Neither by failures from the same address, nor by failures as this account."""
    gate.database.write(lambda tx: KnownDeviceModel(tx).note(gate.user_id, "laptop", 1))
    for _ in range(3):
        gate.refused(gate.user, "wrong")
    check = gate.authentication.check_password
    for device in (None, "phone"):
        with pytest.raises(ProtocolError) as caught:
            check(gate.user, gate.user_id, PASSWORD, PEER, device)
        assert caught.value.errno is ErrNo.TOO_MANY
    assert check(gate.user, gate.user_id, PASSWORD, PEER, "laptop").user == gate.user


def test_a_known_device_has_a_limit_of_its_own(gate: Gate) -> None:
    gate.database.write(lambda tx: KnownDeviceModel(tx).note(gate.user_id, "laptop", 1))
    check = gate.authentication.check_password
    for errno in [ErrNo.REFUSED] * 6 + [ErrNo.TOO_MANY]:  # three of the device, three of the place
        with pytest.raises(ProtocolError) as caught:
            check(gate.user, gate.user_id, "wrong", PEER, "laptop")
        assert caught.value.errno is errno
    check(gate.user, gate.user_id, PASSWORD, "192.0.2.99", "laptop")


def test_wrong_tokens_and_unknown_users_run_the_same_statements(gate: Gate) -> None:
    counted = Planner(gate.database)
    gate.authentication._database = counted
    statements = []
    for user in (gate.user, None):
        counted.methods.clear()
        with pytest.raises(ProtocolError):
            gate.authentication.check_token(user, gate.user_id, "wrong", PEER)
        statements.append(set(counted.methods))
    assert statements == [{"TokenModel.exists"}] * 2
