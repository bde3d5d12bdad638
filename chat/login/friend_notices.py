"""FriendNotices: tells the clients of a user about friends, and requests to be one.

A request and its acceptance come from another user, and go to all clients. A change by the user
goes to the user's other named devices, so that the lists of all devices agree.

A notice is a hint. It is not stored, and it may get lost: the requests stand in the table. The node
of the receiver reads the row before it shows a request. So it shows no request of a blocked user,
and none that was taken back meanwhile. Of a change it shows the list as it is now.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

from chat.bus import Bus
from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.login.visibility import Visibility
from chat.mailbox_number import device_of, is_named, mailbox_of
from chat.notice import ACCEPTED, ASKED, DECLINED, LISTED, Notice
from chat.process.clock import Clock, utc_text
from chat.protocol import Message, MsgType, encode
from chat.storage import Database, StorageError, Transaction
from chat.storage.base import Work
from chat.storage.tables import FriendModel, FriendRequestModel, UserModel
from muduopy import ThreadPool

log = logging.getLogger(__name__)

LOCKS = 16
"""For the order of notices. Two users with the same lock wait for each other's read."""


class FriendNotices:
    """See the module's text. Any thread, unless a method says otherwise."""

    def __init__(
        self,
        database: Database,
        bus: Bus[Any],
        logins: LoginRegistry,
        workers: ThreadPool,
        clock: Clock,
        visibility: Visibility | None = None,
    ) -> None:
        """``visibility``: by default all users see all others."""
        self._database = database
        self._bus = bus
        self._logins = logins
        self._workers = workers
        self._clock = clock
        self._visibility = visibility or Visibility()
        # Each guards the order of the notices to some users, from the read until it is queued.
        # Example: A adds B, and removes B at once. Worker 1 reads that B is in the list; the
        # removal commits; worker 2 queues "removed"; then worker 1 queues "added".
        self._order = tuple(threading.Lock() for _ in range(LOCKS))

    def tell(self, user_id: int, word: str, by: int) -> None:
        """The user ``by`` has asked ``user_id`` (ASKED), or has accepted it (ACCEPTED).

        The change is committed. The receiver's row is read later, in another task. So the time of
        the answer does not show whether the receiver exists.
        """
        notice = Notice(user_id, word, (by,))
        if self._bus.alone or not self._bus.healthy:
            self.heard(notice)
        if not self._bus.alone:
            # It comes to all nodes with a device of the user, this one included.
            self._bus.tell([notice])

    def list_changed(self, login: Login, friend_id: int) -> None:
        """The user has added or removed a friend with this login. The change is committed."""
        self._tell_others(login, LISTED, friend_id)

    def request_declined(self, login: Login, asker: int) -> None:
        """The user has declined a request with this login. The change is committed."""
        self._tell_others(login, DECLINED, asker)

    def _tell_others(self, login: Login, word: str, other: int) -> None:
        number = device_of(login.mailbox)
        notice = Notice(login.user_id, word, (other, number) if number else (other,))
        if self._bus.alone or not self._bus.healthy:
            self.heard_change(notice)
        if not self._bus.alone:
            self._bus.tell([notice])

    def heard(self, notice: Notice) -> None:
        """Show a notice to its user, if the user is here. If the workers are busy, it is lost."""
        self._workers.try_run(partial(self._show, notice))

    def heard_change(self, notice: Notice) -> None:
        """Show a change by a user to its other named devices here. Else as ``heard``."""
        self._workers.try_run(partial(self._show_change, notice))

    def _show(self, notice: Notice) -> None:
        """Worker thread."""
        user_id, word, ids = notice
        logins = self._logins.of_user(user_id)
        if not logins:
            return
        for by in ids:
            self._read_and_send(logins, partial(self._message, user_id, word, by))

    def _show_change(self, notice: Notice) -> None:
        """Worker thread."""
        user_id, word, (other, *device) = notice
        own = mailbox_of(user_id, device[0] if device else 0)
        told = [
            login
            for login in self._logins.of_user(user_id)
            if is_named(login.mailbox) and login.mailbox != own
        ]
        if told:
            self._read_and_send(told, partial(self._change, user_id, word, other))

    def _read_and_send(self, told: Sequence[Login], read: Work[Message | None]) -> None:
        """Send these logins of one user the message that ``read`` makes, if any."""
        user_id = told[0].user_id
        with self._order[user_id % LOCKS]:
            try:
                message = self._database.read(read)
            except StorageError as exc:
                log.warning("user %d was not told of a friend: %s", user_id, exc)
                return
            if message is not None:
                frame = encode(message)
                for login in told:
                    login.loop.queue_in_loop(partial(login.send_notices, frame))

    def _change(self, user_id: int, word: str, other: int, tx: Transaction) -> Message | None:
        """FRIEND_NOTICE_MSG for a change by the user; None if it is not true any more."""
        head: Message = {"msgid": int(MsgType.FRIEND_NOTICE_MSG), "id": other}
        contact = UserModel(tx).contact(other)
        name = "" if contact is None else contact.name
        if word == DECLINED:
            now = self._clock.unix()
            waits = FriendRequestModel(tx).shown(other, user_id, now) is not None
            return None if waits else {**head, "event": "declined", "name": name}
        if contact is None or not FriendModel(tx).is_one(user_id, other):
            return {**head, "event": "removed", "name": name}
        (seen,) = self._visibility.contacts(tx, user_id, [contact])
        return {**head, "event": "added", "name": seen.name, "state": seen.state}

    def _message(self, user_id: int, word: str, by: int, tx: Transaction) -> Message | None:
        """FRIEND_NOTICE_MSG; None if it is not true any more."""
        head: Message = {"msgid": int(MsgType.FRIEND_NOTICE_MSG), "event": word, "id": by}
        if word == ASKED:
            row = FriendRequestModel(tx).shown(by, user_id, self._clock.unix())
            return None if row is None else {**head, "name": row.name, "time": utc_text(row.time)}
        contact = UserModel(tx).contact(by)
        if word != ACCEPTED or contact is None or not FriendModel(tx).is_one(user_id, by):
            return None
        (seen,) = self._visibility.contacts(tx, user_id, [contact])
        return {**head, "name": seen.name, "state": seen.state}
