"""Devices: how many devices a user may have, and the news about them for the other devices."""

from __future__ import annotations

from collections.abc import Callable

from chat.login.device_notices import DeviceNotices
from chat.login.device_rows import Opened
from chat.login.device_switch import DeviceSwitch


class Devices:
    """Any thread.

    Attributes:
        switch: whether users may have named devices now.
        most: devices of one user.
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
