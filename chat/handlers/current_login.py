"""The check that a request comes from the current login of its user, in the transaction itself.

A new login replaces an earlier one, and the notice to the earlier one's server can be late:

    A is logged in at node 1 with a stolen token. The owner logs in at node 2 and replaces that
    login, while Redis is down. So node 1 does not know it yet, and the thief asks it to block all
    friends of A. The row of A has another generation by now; the request is refused.

Messages have the same check (chat/delivery/commit_transaction.py). So the thief can only read, and
only until node 1 compares its logins with the rows.
"""

from __future__ import annotations

from typing import Any

from chat.handlers.context import Request
from chat.mailbox_number import is_named
from chat.protocol import ErrNo, ProtocolError, errors
from chat.storage import Transaction
from chat.storage.tables import SessionModel, UserModel


def hold_login(tx: Transaction, request: Request[Any], *others: int) -> None:
    """Lock the row of the user, and those of ``others``; the login stays current until the commit.

    Call it before a group is locked: that is the order of locks on all servers. Worker thread.
    Raises ProtocolError(NOT_YOU) if a later login has replaced this one, StorageError.
    """
    login = request.login
    assert login is not None
    user_id = login.user_id
    generations = UserModel(tx).generations({user_id, *others}, lock=True)
    if is_named(login.mailbox):  # the lock of the user holds the sessions of all its devices
        if not SessionModel(tx).is_current(login.mailbox, login.generation):
            raise replaced()
    elif generations.get(user_id) != login.generation:
        raise replaced()


def replaced() -> ProtocolError:
    """The refusal of a request of a login that was replaced."""
    return ProtocolError(ErrNo.NOT_YOU, errors.REPLACED)
