"""LocalAccount: one user's outbox, inbox, roster, login and files.

It outlives connections, and ends when the user logs out or the client is closed. It uses no sockets
and no threads, and its owner guards it with a lock.

A method that decides the result of a Sending returns a call that completes the Sending. The owner
makes that call after it has released the lock, because the completion of a future runs code of the
application.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from chat.protocol import MAX_FRAME, Message, MsgType, encode
from client.account.device_options import DeviceOptions
from client.account.inbox import Inbox, Seen, make_mark
from client.account.names import Names
from client.account.outbox import MessageState, Outbox, OutboxMessage, Withdrawal
from client.account.records import Credentials, new_device
from client.account.roster import Roster
from client.account.saved_accounts import account_named
from client.account.sending import Receipt, Sending
from client.account.service_files import settle
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
from client.protocol.events import ChatAnswer, LoggedIn
from client.values import Account, ChatMessage

log = logging.getLogger(__name__)

Completion = Callable[[], None]


class LocalAccount:
    """The state that the client keeps for one user. Not thread-safe.

    Attributes:
        user_id: the number of the user; 0 before the first login by name.
        login_name: the name to log in with; None: the number.
        outbox: the sent messages that the server has not confirmed.
        inbox: the received messages that the application has not handled.
        roster: friends and groups; None until the first login has succeeded.
        names: of users in messages and answers.
        store: the files; None if nothing is kept.
        password: None as soon as there is a token.
        replaces: a login with the password ends another login of the user.
        ends_device: the number of a device that the next login with the password ends, or None.
        device: how this device is presented.
        credentials: name, device and token.
    """

    def __init__(
        self,
        user_id: int,
        password: str | None,
        device: DeviceOptions,
        store: Store | None,
        retry: float,
        replaces: bool = False,
        *,
        ends_device: int | None = None,
        where: tuple[Path, str, int] | None = None,
        login_name: str | None = None,
    ) -> None:
        """``where``: folder, host and port of the files; None keeps nothing."""
        self.user_id = user_id
        self.login_name = login_name
        self._where = where
        self._retry = retry
        self._epoch = None if store is None else store.epoch
        self.password = password
        self.replaces = replaces
        self.ends_device = ends_device
        self.device = device
        self.store = store
        self.roster: Roster | None = None
        self.names = Names()
        self.outbox = Outbox(retry, () if store is None else store.unsent)
        self.inbox = Inbox(() if store is None else store.seen)
        self._sendings = {message.mid: _sending(message) for message in self.outbox.messages}
        self._restored = frozenset(self._sendings)  # written by an earlier run
        saved = None if store is None else store.credentials
        self.credentials = Credentials(
            name="" if saved is None else saved.name,
            device=device.name or (new_device() if saved is None else saved.device),
            token=None if saved is None else saved.token,
        )

    def __repr__(self) -> str:
        return f"<LocalAccount of {self.user_id}: {self.outbox!r}, {self.inbox!r}>"

    @property
    def sendings(self) -> tuple[Sending, ...]:
        """The messages that the server has not confirmed, in order."""
        return tuple(self._sendings[message.mid] for message in self.outbox.messages)

    # ------------------------------------------------------------------ logging in

    @property
    def secret(self) -> dict[str, Any]:
        """The field of the login that proves the identity: the password if known, else the token.

        Empty if there is neither. With a password it may contain ``replace`` and ``end_device``.
        """
        if self.password is not None:
            extra: dict[str, Any] = {"replace": True} if self.replaces else {}
            if self.ends_device is not None:
                extra["end_device"] = self.ends_device
            return {"password": self.password, **extra}
        return {} if self.credentials.token is None else {"token": self.credentials.token}

    @property
    def identity(self) -> dict[str, Any]:
        """The field of the login that names the account. A token belongs to a number."""
        if self.login_name is not None and self.password is not None:
            return {"name": self.login_name}
        return {"id": self.user_id}

    @property
    def device_fields(self) -> dict[str, Any]:
        """The fields of the login that present the device."""
        name = {"device": self.credentials.device}
        if not self.device.has_mailbox:
            return name
        label = {"label": self.device.label} if self.device.label else {}
        return {**name, "devices": True, **label}

    def logged_in(self, login: LoggedIn) -> list[Completion]:
        """Note a successful login: keep its token, and forget the password.

        Opens the files of a login by name, and moves them to the name of the service. Raises
        StoreError if that is not possible, for instance because another program uses them.

        A different name after a login with the password can show that the server has a new
        database. Example: user 5 was ann; the database is replaced; then eve registers and becomes
        user 5. The messages that an earlier run has left are ann's, so they are dropped. After a
        login with the token, the user has changed the name in another program. Returns the calls
        that complete the Sendings.
        """
        self.ends_device = None
        dropped = self._find_files(login.account)
        self._begin_epoch(login.account.epoch)
        name, self.credentials.name = self.credentials.name, login.account.name
        is_new = self.password is not None and name not in ("", login.account.name)
        if is_new and not dropped:
            dropped = self._drop_restored()
        self.roster = Roster(login.account)
        if login.token is not None:
            self.credentials.token = login.token
            self.password = None
        self._save_credentials()
        return dropped

    def _find_files(self, user: Account) -> list[Completion]:
        """Open the files of this user at this service, and use them from now on."""
        store, self.user_id = self.store, user.id
        if self._where is None:
            return []
        if store is None or store.user_id != user.id:
            store = Store(*self._where, user.id).open()
        store = settle(store, user.service)
        return [] if store is self.store else self._adopt(store)

    def _adopt(self, store: Store) -> list[Completion]:
        """Take over the messages of these files. Those of this run move to them.

        Returns the calls that complete the Sendings of messages that stay in the former files.
        """
        former, kept = self.store, {message.mid for message in store.unsent}
        others = [message for message in self.outbox.messages if message.mid not in kept]
        own = [message for message in others if message.mid not in self._restored]
        self.outbox = Outbox(self._retry, store.unsent)
        self.inbox = Inbox(store.seen)
        self.store, self._epoch = store, store.epoch
        for message in own:
            store.add(message)
            self.outbox.add(message)
            if former is not None:
                former.remove(message.mid)
        if former is not None:
            former.close()
        sendings = self._sendings
        self._restored = frozenset(kept - {mid for mid in sendings if mid not in self._restored})
        self._sendings = {
            message.mid: sendings.pop(message.mid) if message.mid in sendings else _sending(message)
            for message in self.outbox.messages
        }
        error = NotConfirmedError(kept=True)
        return [partial(sending.set_exception, error) for sending in sendings.values()]

    def _begin_epoch(self, epoch: str) -> None:
        """Forget the numbers of shown messages if the server's history is another one."""
        if not epoch or epoch == self._epoch:
            return
        forget, self._epoch = self._epoch is not None, epoch
        if forget:
            log.warning("the server has restored a backup: the numbers of messages begin anew")
            self.inbox.begin_epoch()
        if self.store is not None:
            try:
                self.store.begin_epoch(epoch, forget=forget)
            except StoreError as exc:
                log.warning("the epoch of the messages is not kept: %s", exc)

    def _drop_restored(self) -> list[Completion]:
        log.warning("messages of another user with the same number are not sent")
        error = NotConfirmedError(kept=False)
        completions: list[Completion] = []
        for message in self.outbox.messages:
            if message.mid in self._restored:
                self.outbox.remove(message.mid)
                self._forget(message)
                sending = self._sendings.pop(message.mid)
                completions.append(partial(sending.set_exception, error))
        return completions

    def renamed(self, name: str) -> None:
        """The user has another name."""
        self.credentials.name = name
        if self.roster is not None:
            self.roster.rename(name)
        self._save_credentials()

    def forget_token(self) -> None:
        """Delete the token, because it is no longer valid."""
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
        message = OutboxMessage(uuid.uuid4().hex, target, to_group, text, time.time())
        size = len(encode(self.frame(message)))
        if size > MAX_FRAME:
            raise TooLargeError(size, MAX_FRAME)
        if self.store is not None:
            self.store.add(message)
        self.outbox.add(message)
        self._sendings[message.mid] = sending = _sending(message)
        return sending

    def frame(self, message: OutboxMessage) -> Message:
        """A message of the outbox as a message of the protocol."""
        msgid = MsgType.GROUP_CHAT_MSG if message.to_group else MsgType.ONE_CHAT_MSG
        return {
            "msgid": int(msgid),
            "id": self.user_id,
            "groupid" if message.to_group else "toid": message.target,
            "msg": message.text,
            "mid": message.mid,
        }

    def answered(self, answer: ChatAnswer, now: float) -> list[Completion]:
        """Take a CHAT_ACK. Returns the call that completes the Sending; none after "try again"."""
        message = self.outbox.answered(answer, now)
        if message is None or message.state not in (MessageState.ACKED, MessageState.FAILED):
            return []
        self._forget(message)
        sending = self._sendings.pop(message.mid)
        if message.state is MessageState.ACKED:
            self._note_sent(message, answer)
            receipt = Receipt(answer.mid, answer.seq, answer.time)
            return [partial(sending.set_result, receipt)]
        return [partial(sending.set_exception, RefusedError(answer.errno, answer.errmsg))]

    def withdraw(self, mid: str) -> tuple[Withdrawal, list[Completion]]:
        """Take a message out of the outbox.

        Returns the outcome, and the call that completes its Sending.
        """
        message = next((one for one in self.outbox.messages if one.mid == mid), None)
        result = self.outbox.withdraw(mid)
        if message is None or result is Withdrawal.TOO_LATE:
            return result, []
        self._forget(message)
        sending = self._sendings.pop(mid)
        error = WithdrawnError(unsure=result is Withdrawal.UNSURE)
        return result, [partial(sending.set_exception, error)]

    def give_up(self) -> list[Completion]:
        """Stop waiting for answers. Returns the calls that complete all Sendings."""
        error: ClientError = NotConfirmedError(kept=self.store is not None)
        left = list(self._sendings.values())
        self._sendings.clear()
        return [partial(sending.set_exception, error) for sending in left]

    def _forget(self, message: OutboxMessage) -> None:
        if self.store is not None:
            try:
                self.store.remove(message.mid)
            except StoreError as exc:
                # After a restart it is sent once more, and the server recognises its mid.
                log.warning("a message stays in the outbox's file: %s", exc)

    # ------------------------------------------------------------------ receiving

    def received(self, message: ChatMessage) -> bool:
        """Take a message that has arrived. Returns whether the application gets it now."""
        self.names.note(message.sender_id, message.sender_name)
        return self.inbox.put(message, hold=self._may_be_sent_here(message))

    def received_event(self, message: ChatMessage) -> bool:
        """Take an event of a group; returns whether it is new."""
        event = message.event
        assert event is not None
        for user_id, name in ((event.by_id, event.by_name), (event.user_id, event.name)):
            if name:
                self.names.note(user_id, name)
        if not self.inbox.put_event(message):
            return False
        if self.roster is not None:
            self.roster.take_group_event(message)
        return True

    def release_held(self) -> int:
        """Queue the held messages that were not sent here after all. Returns their number."""
        return self.inbox.release(self._may_be_sent_here)

    def _may_be_sent_here(self, message: ChatMessage) -> bool:
        """Whether a message may be a copy of one in the outbox. See ``inbox``."""
        if not message.mine or message.other_id == self.user_id:
            return False  # a message to oneself comes to the sending device, too
        target, to_group = message.group_id or message.to_id, message.group_id is not None
        return any(
            one.may_be_stored
            and (one.text, one.target, one.to_group) == (message.text, target, to_group)
            for one in self.outbox.messages
        )

    def _note_sent(self, message: OutboxMessage, answer: ChatAnswer) -> None:
        """If a message was sent more than once, note its ``seq``: a copy of it may come."""
        to_myself = not message.to_group and message.target == self.user_id
        if answer.seq is None or not message.unanswered or to_myself:
            return
        mark = make_mark(answer.seq, self.user_id, answer.time, message.text)
        self.inbox.sent_here(mark)
        self._keep_mark(mark)

    def done(self, message: ChatMessage) -> None:
        """Note that the application has handled a message, in memory and in the file."""
        mark = self.inbox.done(message)
        if mark is not None:
            self._keep_mark(mark)

    def _keep_mark(self, mark: Seen) -> None:
        if self.store is not None:
            try:
                self.store.saw(mark)
            except StoreError as exc:
                log.warning("message %d may be shown again after a restart: %s", mark.seq, exc)

    def close(self) -> None:
        """Close and unlock the files. Idempotent."""
        if self.store is not None:
            self.store.close()


def open_local_account(
    who: int | str,
    password: str | None,
    device: DeviceOptions,
    where: tuple[Path, str, int] | None,
    retry: float,
    replaces: bool = False,
    ends_device: int | None = None,
) -> LocalAccount:
    """Open the files of an account, and make its LocalAccount. Raises StoreError.

    ``who``: the number or the name. The files of a name that has never logged in here are opened
    after the login. ``where``: folder, host and port of the files; None for no files. ``retry``: as
    in Outbox. ``replaces``, ``ends_device``: as in LocalAccount.
    """
    name = who if isinstance(who, str) else None
    user_id = who if isinstance(who, int) else 0
    if name is not None and where is not None:
        user_id = account_named(*where, name) or 0
    store = None if where is None or not user_id else Store(*where, user_id).open()
    return LocalAccount(
        user_id,
        password,
        device,
        store,
        retry,
        replaces,
        ends_device=ends_device,
        where=where,
        login_name=name,
    )


def _sending(message: OutboxMessage) -> Sending:
    return Sending(message.mid, message.target, message.to_group, message.text, message.created)
