"""Desk: what one user has to do with the server: outbox, inbox, roster, and the files of it.

It outlives connections; it ends when the user logs out or the client is closed. It does not
know of sockets or threads: whoever has it guards it with a lock, and completes the futures
that it hands back outside of that lock.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from chat.protocol import MAX_FRAME, Message, MsgType, encode
from client.account.inbox import Inbox
from client.account.outbox import Outbox, Outgoing, OutState, Withdrawal
from client.account.records import Credentials, new_device
from client.account.roster import Roster
from client.account.sending import Receipt, Sending
from client.account.store import Store
from client.errors import (
    ClientError,
    NotConfirmedError,
    RefusedError,
    StoreError,
    TooLargeError,
    WithdrawnError,
)
from client.limits import check_text
from client.values import ChatAnswer, ChatMessage, LoggedIn

log = logging.getLogger(__name__)

Completion = Callable[[], None]


class Desk:
    """One user's side. Not thread-safe.

    Attributes:
        user_id: whose.
        outbox: messages on their way out.
        inbox: messages on their way in.
        roster: None until the first login has succeeded.
        store: the files; None if nothing is to be kept.
        password: only until a token is there.
    """

    def __init__(
        self,
        user_id: int,
        password: str | None,
        device: str | None,
        store: Store | None,
        retry: float,
    ) -> None:
        self.user_id = user_id
        self.password = password
        self.store = store
        self.roster: Roster | None = None
        self.outbox = Outbox(retry, () if store is None else store.unsent)
        self.inbox = Inbox(() if store is None else store.seen)
        self._sendings = {message.mid: _sending(message) for message in self.outbox.messages}
        self._restored = frozenset(self._sendings)  # written by an earlier run
        saved = None if store is None else store.credentials
        self.credentials = Credentials(
            name="" if saved is None else saved.name,
            device=device or (new_device() if saved is None else saved.device),
            token=None if saved is None else saved.token,
        )

    def __repr__(self) -> str:
        return f"<Desk of {self.user_id}: {self.outbox!r}, {self.inbox!r}>"

    @property
    def sendings(self) -> tuple[Sending, ...]:
        """The messages that the server has not confirmed, in order."""
        return tuple(self._sendings[message.mid] for message in self.outbox.messages)

    # ------------------------------------------------------------------ logging in

    @property
    def secret(self) -> dict[str, str]:
        """What proves to be the user: the password if one was given, else the token."""
        if self.password is not None:
            return {"password": self.password}
        return {} if self.credentials.token is None else {"token": self.credentials.token}

    def logged_in(self, signal: LoggedIn) -> list[Completion]:
        """A login has succeeded. From here on the token counts, and the password is forgotten.

        Names do not change. If the saved one was another, this is another server at the same
        address, and what an earlier run has left was not written by this user. Returns
        what completes those Sendings.
        """
        name, self.credentials.name = self.credentials.name, signal.account.name
        dropped = self._drop_restored() if name not in ("", signal.account.name) else []
        self.roster = Roster(signal.account)
        if signal.token is not None:
            self.credentials.token = signal.token
            self.password = None
        self._save_credentials()
        return dropped

    def _drop_restored(self) -> list[Completion]:
        log.warning("messages of another user with the same number are not sent")
        error = NotConfirmedError(kept=False)
        completions: list[Completion] = []
        for message in self.outbox.messages:
            if message.mid in self._restored:
                self.outbox.remove(message.mid)
                self._forget(message)
                sending = self._sendings.pop(message.mid)
                completions.append(lambda sending=sending: sending.set_exception(error))  # type: ignore[misc]
        return completions

    def forget_token(self) -> None:
        """It is not worth anything any more."""
        self.credentials.token = None
        self._save_credentials()

    def _save_credentials(self) -> None:
        if self.store is not None:
            try:
                self.store.save_credentials(self.credentials)
            except StoreError as exc:
                log.warning("the login is not kept: %s", exc)

    # ------------------------------------------------------------------ sending

    def write(self, target: int, text: str, *, to_group: bool) -> Sending:
        """Put a message into the outbox and its file. Raises TooLargeError or StoreError."""
        check_text(text)
        message = Outgoing(uuid.uuid4().hex, target, to_group, text, time.time())
        size = len(encode(self.frame(message)))
        if size > MAX_FRAME:
            raise TooLargeError(size, MAX_FRAME)
        if self.store is not None:
            self.store.add(message)
        self.outbox.add(message)
        self._sendings[message.mid] = sending = _sending(message)
        return sending

    def frame(self, message: Outgoing) -> Message:
        """The protocol's message for one in the outbox."""
        msgid = MsgType.GROUP_CHAT_MSG if message.to_group else MsgType.ONE_CHAT_MSG
        return {
            "msgid": int(msgid),
            "id": self.user_id,
            "groupid" if message.to_group else "toid": message.target,
            "msg": message.text,
            "mid": message.mid,
        }

    def answered(self, answer: ChatAnswer, now: float) -> list[Completion]:
        """Take a CHAT_ACK. Returns what completes its Sending, if this was the last word."""
        message = self.outbox.answered(answer, now)
        if message is None or message.state not in (OutState.ACKED, OutState.FAILED):
            return []
        self._forget(message)
        sending = self._sendings.pop(message.mid)
        if message.state is OutState.ACKED:
            receipt = Receipt(answer.mid, answer.seq, answer.time)
            return [lambda: sending.set_result(receipt)]
        error = RefusedError(answer.errno, answer.errmsg)
        return [lambda: sending.set_exception(error)]

    def withdraw(self, mid: str) -> tuple[Withdrawal, list[Completion]]:
        """Take a message out of the outbox.

        Returns what came of it, and what completes its Sending.
        """
        message = next((one for one in self.outbox.messages if one.mid == mid), None)
        result = self.outbox.withdraw(mid)
        if message is None or result is Withdrawal.TOO_LATE:
            return result, []
        self._forget(message)
        sending = self._sendings.pop(mid)
        error = WithdrawnError(unsure=result is Withdrawal.UNSURE)
        return result, [lambda: sending.set_exception(error)]

    def give_up(self) -> list[Completion]:
        """Nobody will wait for answers any more. Returns what completes all Sendings."""
        error: ClientError = NotConfirmedError(kept=self.store is not None)
        left = list(self._sendings.values())
        self._sendings.clear()
        return [lambda sending=sending: sending.set_exception(error) for sending in left]  # type: ignore[misc]

    def _forget(self, message: Outgoing) -> None:
        if self.store is not None:
            try:
                self.store.remove(message.mid)
            except StoreError as exc:
                # After a restart it is sent once more, and the server knows its mid.
                log.warning("a message stays in the outbox's file: %s", exc)

    # ------------------------------------------------------------------ receiving

    def done(self, message: ChatMessage) -> None:
        """The application has taken care of a message."""
        mark = self.inbox.done(message)
        if mark is not None and self.store is not None:
            try:
                self.store.saw(mark)
            except StoreError as exc:
                log.warning("message %d may be shown again after a restart: %s", mark.seq, exc)

    def close(self) -> None:
        """Let the files go. Idempotent."""
        if self.store is not None:
            self.store.close()


def open_desk(
    user_id: int,
    password: str | None,
    device: str | None,
    where: tuple[Path, str, int] | None,
    retry: float,
) -> Desk:
    """A desk; ``where``: folder, host and port of its files. Raises StoreError."""
    store = None if where is None else Store(*where, user_id)
    return Desk(user_id, password, device, store, retry)


def _sending(message: Outgoing) -> Sending:
    return Sending(message.mid, message.target, message.to_group, message.text, message.created)
