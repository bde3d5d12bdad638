"""Operators: root, the server's account, and accounts by name."""

from __future__ import annotations

import os
import pwd

import pytest

from chat.admin.operators import Operators, account_name
from chat.config import ConfigError
from muduopy import PeerCredentials

OWN, OTHER = 4711, 4712


def process_of(uid: int) -> PeerCredentials:
    return PeerCredentials(os.getpid(), uid, uid)


def test_root_and_the_own_account() -> None:
    operators = Operators(OWN)
    assert operators.allow(process_of(0))
    assert operators.allow(process_of(OWN))
    assert not operators.allow(process_of(OTHER))


def test_a_group_counts_for_nothing() -> None:
    assert not Operators(OWN).allow(PeerCredentials(1, OTHER, 0))


def test_accounts_by_name() -> None:
    entry = pwd.getpwall()[-1]
    assert Operators(OWN, [entry.pw_name]).allow(process_of(entry.pw_uid))
    assert account_name(entry.pw_uid) == entry.pw_name
    assert account_name(2**31 - 5) == str(2**31 - 5)


def test_an_unknown_name() -> None:
    with pytest.raises(ConfigError, match=r"server\.admin_users: this machine has no account"):
        Operators(OWN, ["no such account"])
