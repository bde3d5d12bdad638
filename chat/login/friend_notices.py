"""FriendNotices: tells the client of a user about requests to be a friend, and their acceptance.

A notice is a hint. It is not stored, and it may get lost: the requests stand in the table. The node
of the receiver reads the row before it shows a request. So it shows no request of a blocked user,
and none that was taken back meanwhile.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from chat.bus import Bus
from chat.login.registry import LoginRegistry
from chat.login.visibility import Visibility
from chat.notice import ACCEPTED, ASKED, Notice
from chat.process.clock import Clock, utc_text
from chat.protocol import Message, MsgType, encode
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import FriendModel, FriendRequestModel, UserModel
from muduopy import ThreadPool

log = logging.getLogger(__name__)


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

    def heard(self, notice: Notice) -> None:
        """Show a notice to its user, if the user is here. If the workers are busy, it is lost."""
        self._workers.try_run(partial(self._show, notice))

    def _show(self, notice: Notice) -> None:
        """Worker thread."""
        user_id, word, ids = notice
        logins = self._logins.of_user(user_id)
        if not logins:
            return
        for by in ids:
            try:
                message = self._database.read(partial(self._message, user_id, word, by))
            except StorageError as exc:
                log.warning("user %d was not told of a request to be a friend: %s", user_id, exc)
                return
            if message is not None:
                frame = encode(message)
                for login in logins:
                    login.loop.queue_in_loop(partial(login.send_notices, frame))

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
