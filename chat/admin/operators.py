"""Operators: the accounts of the operating system that may operate the server."""

from __future__ import annotations

import pwd
from collections.abc import Iterable

from chat.config import ConfigError
from muduopy import PeerCredentials

ROOT = 0


class Operators:
    """Root, the account of the server, and the accounts that the settings name.

    Immutable; any thread.
    """

    def __init__(self, own_uid: int, names: Iterable[str] = ()) -> None:
        """``names``: further accounts. Raises ConfigError for an unknown one."""
        self._uids = frozenset({ROOT, own_uid, *map(_uid, names)})

    def allow(self, credentials: PeerCredentials) -> bool:
        """May this process send commands?"""
        return credentials.uid in self._uids


def account_name(uid: int) -> str:
    """The name of an account, or its number. Blocks: it may be asked from a network service."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OSError):
        return str(uid)


def _uid(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except (KeyError, OSError) as exc:
        raise ConfigError(f"server.admin_users: this machine has no account {name!r}") from exc
