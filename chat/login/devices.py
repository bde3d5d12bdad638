"""Devices: how many devices a user may have, and the news about them for the other devices."""

from __future__ import annotations

import logging
from collections.abc import Callable

from chat.login.device_notices import DeviceNotices
from chat.login.device_rows import Opened
from chat.login.device_switch import DeviceSwitch
from chat.storage import Database, StorageError
from chat.storage.tables import DeviceModel

log = logging.getLogger(__name__)


class Devices:
    """Any thread.

    Attributes:
        switch: whether users may have named devices now.
        most: devices of one user. A login reads it once.
    """

    def __init__(
        self,
        switch: DeviceSwitch,
        notices: DeviceNotices,
        sessions_ended: Callable[[list[int]], object],
        most: int,
    ) -> None:
        """``sessions_ended``: ``Reconciliation.rows_changed``."""
        self.switch = switch
        self.most = most
        self._notices = notices
        self._sessions_ended = sessions_ended

    def change(self, most: int) -> None:
        """Use another number from the next login on. Main loop. From or to 1 needs a restart."""
        self.most = most

    def report(self, database: Database) -> None:
        """Log how many users have more devices than they may have now. A worker: blocks."""
        most = self.most
        try:
            users = database.read(lambda tx: DeviceModel(tx).users_with_more(most))
        except StorageError as exc:
            log.warning("the devices of users were not counted: %s", exc)
            return
        if users and most == 1:
            log.warning(
                "chat.devices is 1: the named devices of %d users end at their next logins", users
            )
        elif users:
            log.warning(
                "chat.devices is %d: %d users have more devices; they keep these, and open no "
                "further ones",
                most,
                users,
            )

    def opened(self, user_id: int, opened: Opened) -> None:
        """A login of the user has committed and is registered."""
        if opened.ends_logins:
            self._sessions_ended([user_id])
        for mailbox in opened.ended:
            self._notices.tell(user_id, mailbox)
        if opened.is_new:
            self._notices.tell(user_id, opened.mailbox)

    def ended(self, user_id: int, mailbox: int) -> None:
        """A device of the user has ended: so do its logins, and the other devices are told."""
        self._sessions_ended([user_id])
        self._notices.tell(user_id, mailbox)
