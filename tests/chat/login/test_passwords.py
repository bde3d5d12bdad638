from __future__ import annotations

import builtins
import time
from typing import Any

import pytest

import chat.login.passwords
from chat.config import HashCost
from chat.login.passwords import Passwords
from tests.chat.nodekit import CHEAP

PASSWORD = "correct horse"
OTHERS = ["", "correct hors", "correct horse ", "Correct horse", "x" * 200, "密码"]

MALFORMED = [
    "",
    "$argon2",
    "$argon2id$",
    "$argon2id$v=19$m=8,t=1,p=1$é$é",
    "$argon2id$v=19$m=8,t=1,p=1$$",
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ",
    "$argon2id$v=99$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
    "$scrypt$",
    "$scrypt$abc",
    "$scrypt$abc$def",
    "$scrypt$é$é",
    "$scrypt$AAAAAAAAAAAAAAAAAAAAAA==$AAAA",
    "\0",
]


@pytest.fixture
def argon2() -> Passwords:
    return Passwords(CHEAP)


@pytest.fixture
def scrypt(monkeypatch: pytest.MonkeyPatch) -> Passwords:
    """As on a machine without argon2-cffi."""
    real_import = builtins.__import__

    def without_argon2(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "argon2":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_argon2)
    monkeypatch.setattr(chat.login.passwords, "SCRYPT_N", 2**4)  # quick
    return Passwords(CHEAP)


@pytest.fixture(params=["argon2", "scrypt"])
def passwords(request: pytest.FixtureRequest) -> Passwords:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def test_the_right_password(passwords: Passwords) -> None:
    for password in (PASSWORD, "", "密码 😀", "\0", "x" * 128):
        assert passwords.verify(passwords.hash(password), password)


@pytest.mark.parametrize("other", OTHERS)
def test_a_wrong_password(passwords: Passwords, other: str) -> None:
    assert not passwords.verify(passwords.hash(PASSWORD), other)


def test_hashes_are_salted_and_say_what_they_are(argon2: Passwords, scrypt: Passwords) -> None:
    for passwords, kind in ((argon2, "$argon2id$"), (scrypt, "$scrypt$")):
        one, other = passwords.hash(PASSWORD), passwords.hash(PASSWORD)
        assert one != other
        assert one.startswith(kind)
        assert PASSWORD not in one
        assert len(one) <= 255, "the column's width"


def test_the_password_of_no_user(passwords: Passwords) -> None:
    """A user that does not exist: refused, even for the very text that the dummy is made of."""
    for password in (PASSWORD, "no user's password", ""):
        assert passwords.verify(None, password) is False


def test_an_unknown_user_takes_as_long_as_a_known_one(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same work is done: a hash of the same cost is computed in both cases."""
    stored = passwords.hash(PASSWORD)
    checked: list[str] = []
    matches = passwords._matches

    def watched(hashed: str, password: str) -> bool:
        checked.append(hashed)
        return matches(hashed, password)

    monkeypatch.setattr(passwords, "_matches", watched)
    passwords.verify(stored, "wrong")
    passwords.verify(None, "wrong")
    known, unknown = checked
    assert known.split("$")[1:-2] == unknown.split("$")[1:-2], "the same method and cost"
    assert not passwords.needs_rehash(unknown)


def test_hashing_is_slow_on_purpose() -> None:
    """With the default cost; the border is far below what any machine needs."""
    begun = time.process_time()
    Passwords(HashCost())
    assert time.process_time() - begun > 0.001


@pytest.mark.parametrize("stored", MALFORMED)
@pytest.mark.parametrize("password", [PASSWORD, "", "密码"])
def test_a_malformed_hash_fits_no_password(
    passwords: Passwords, stored: str, password: str
) -> None:
    assert passwords.verify(stored, password) is False


def test_scrypt_hashes_work_with_argon2_too(argon2: Passwords, scrypt: Passwords) -> None:
    stored = scrypt.hash(PASSWORD)
    assert argon2.verify(stored, PASSWORD)
    assert not argon2.verify(stored, "wrong")
    assert argon2.needs_rehash(stored), "argon2 is better, now that it is there"


def test_argon2_hashes_fit_nothing_without_argon2(argon2: Passwords, scrypt: Passwords) -> None:
    assert scrypt.verify(argon2.hash(PASSWORD), PASSWORD) is False


@pytest.mark.parametrize(
    "cost",
    [
        HashCost(time_cost=2, memory_kib=8, parallelism=1),
        HashCost(time_cost=1, memory_kib=16, parallelism=1),
        HashCost(time_cost=1, memory_kib=16, parallelism=2),
    ],
)
def test_a_changed_cost_needs_a_rehash(argon2: Passwords, cost: HashCost) -> None:
    changed = Passwords(cost)
    stored = argon2.hash(PASSWORD)
    assert not argon2.needs_rehash(stored)
    assert changed.needs_rehash(stored)
    assert changed.verify(stored, PASSWORD)
    assert not changed.needs_rehash(changed.hash(PASSWORD))


@pytest.mark.parametrize("cost", [HashCost(2, 1, 1), HashCost(2, 8, 4), HashCost(2**40, 8, 1)])
def test_an_impossible_cost(cost: HashCost) -> None:
    with pytest.raises(ValueError, match="impossible cost"):
        Passwords(cost)


def test_without_argon2_nothing_needs_a_rehash(scrypt: Passwords) -> None:
    assert not scrypt.needs_rehash(scrypt.hash(PASSWORD))


def test_what_is_no_hash_is_a_password_of_the_original_system(passwords: Passwords) -> None:
    for stored in ("plain text", "密码"):
        assert passwords.verify(stored, stored)
        assert not passwords.verify(stored, stored + "x")
        assert passwords.needs_rehash(stored)
        assert not passwords.needs_rehash(passwords.hash(stored))
    assert not passwords.verify("", "")
