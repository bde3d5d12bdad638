"""LocalAccount: one user's outbox, inbox, roster, login and files.

It outlives connections, and ends when the user logs out or the client is closed. It uses no sockets
and no threads, and its owner guards it with a lock.

A method that decides the result of a Sending returns a call that completes the Sending. The owner
makes that call after it has released the lock, because the completion of a future runs code of the
application.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from client.account.device_options import DeviceOptions
from client.account.inbox import Inbox
from client.account.names import Names
from client.account.outbox import Outbox
from client.account.receiving_methods import ReceivingMethods
from client.account.records import Credentials, new_device
from client.account.roster import Roster
from client.account.sending_methods import Completion, SendingMethods, new_sending
from client.account.service_files import settle
from client.account.slots import Place, open_slot
from client.account.store import Store
from client.errors import NotConfirmedError, StoreError
from client.protocol.events import LoggedIn
from client.values import Account

log = logging.getLogger(__name__)


class LocalAccount(ReceivingMethods, SendingMethods):
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
        changes_device: the last login has presented another device than the files have: log in
            again.
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
        place: Place | None = None,
        login_name: str | None = None,
        known_device: str | None = None,
    ) -> None:
        """``place``: of the files; None keeps nothing. ``known_device``: the name of the device
        if the files have none.
        """
        self.user_id = user_id
        self.login_name = login_name
        self._place = place
        self._retry = retry
        self._epoch = None if store is None else store.epoch
        self.password = password
        self.replaces = replaces
        self.ends_device = ends_device
        self.device = device
        self.changes_device = False
        self.store = store
        self.roster: Roster | None = None
        self.names = Names()
        self.outbox = Outbox(retry, () if store is None else store.unsent)
        self.inbox = Inbox(() if store is None else store.seen)
        self._sendings = {message.mid: new_sending(message) for message in self.outbox.messages}
        self._restored = frozenset(self._sendings)  # written by an earlier run
        saved = None if store is None else store.credentials
        self.credentials = Credentials(
            name="" if saved is None else saved.name,
            device=device.name or (known_device or new_device() if saved is None else saved.device),
            token=None if saved is None else saved.token,
        )

    def __repr__(self) -> str:
        return f"<LocalAccount of {self.user_id}: {self.outbox!r}, {self.inbox!r}>"

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
        self.changes_device = self._finds_its_device(login.account)
        if self.changes_device:
            return dropped
        if login.token is not None:
            self.credentials.token = login.token
            self.password = None
        self._save_credentials()
        return dropped

    def _find_files(self, user: Account) -> list[Completion]:
        """Open the files of this user at this service, and use them from now on."""
        store, self.user_id = self.store, user.id
        if self._place is None:
            return []
        shared, device = self._place.shared, self.credentials.device
        if store is None or store.user_id != user.id:
            first = self._place.store(user.id)
            store = open_slot(first, shared=shared, has_password=True, device=device)
        store = settle(store, user.service, shared=shared, device=device)
        return [] if store is self.store else self._adopt(store)

    def _finds_its_device(self, user: Account) -> bool:
        """Whether the files have another device than this login has presented.

        Example: the first login at a second address of a service presents a new device, because
        the name of the service comes with the answer. The next login presents the device of the
        files, and ends the new one.
        """
        saved = None if self.store is None else self.store.credentials
        if saved is None or self.password is None or self.device.name is not None:
            return False
        if not user.device_id or saved.device == self.credentials.device:
            return False
        self.credentials.device = saved.device
        self.ends_device = user.device_id
        return True

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
            message.mid: (
                sendings.pop(message.mid) if message.mid in sendings else new_sending(message)
            )
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

    def close(self) -> None:
        """Close and unlock the files. Idempotent."""
        if self.store is not None:
            self.store.close()
