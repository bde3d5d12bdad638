"""``chatclient HOST PORT --send WHO TEXT``: one message from a script, by a saved login."""

from __future__ import annotations

import ssl
from concurrent.futures import CancelledError
from pathlib import Path

from client.account.outbox import Withdrawal
from client.account.saved_accounts import SavedAccount, saved_accounts
from client.account.sending import Sending
from client.chat_client import ChatClient
from client.errors import NotConfirmedError, RefusedError, StoreError
from client.ids import parse_id

CONFIRM_SECONDS = 30.0
"""The time for the server's acknowledgement, with all attempts to connect again."""

GROUP = "group:"


def parse_receiver(text: str) -> tuple[int | str, bool] | None:
    """``5``, ``li si`` or ``group:5`` as (number or name, whether it is a group).

    None for another text.
    """
    if text.startswith(GROUP):
        number = parse_id(text.removeprefix(GROUP))
        return None if number is None else (number, True)
    return (parse_id(text) or text.strip(), False) if text.strip() else None


def send_once(
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    folder: Path,
    user: int | str | None,
    receiver: tuple[int | str, bool],
    text: str,
) -> None:
    """Log in, send, and wait until the server has confirmed the message. Any thread; blocks.

    Messages that arrive meanwhile stay at the server for the next program. Raises ClientError, or
    ValueError for a text that cannot be sent. After an error the message is not sent later, unless
    the text of the error says that it will be.
    """
    account = _saved_account(folder, host, port, user)
    with ChatClient(host, port, tls=tls, folder=folder, share_folder=True) as client:
        client.login(account.user_id)
        target, to_group = receiver
        if isinstance(target, str):
            sending = client.send_to(target, text)
        else:
            sending = client.send_group(target, text) if to_group else client.send(target, text)
        _wait(client, sending)


def _saved_account(folder: Path, host: str, port: int, user: int | str | None) -> SavedAccount:
    """The last used login, or that of the given user."""
    for account in saved_accounts(folder, host, port):
        if user in (None, account.user_id, account.name):
            return account
    who = "" if user is None else f" of {user}"
    raise StoreError(folder, f"no saved login{who}; sign in once: bin/chatclient {host} {port}")


def _wait(client: ChatClient, sending: Sending) -> None:
    try:
        sending.result(CONFIRM_SECONDS)
    except (TimeoutError, CancelledError) as exc:
        if client.withdraw(sending.mid) is Withdrawal.WITHDRAWN:
            raise RefusedError(0, "the server did not take the message; it is not sent") from exc
        raise NotConfirmedError(kept=True) from exc
