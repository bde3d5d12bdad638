"""UserNotices: passes the notices of other servers about users to the parts that they are for."""

from __future__ import annotations

from collections.abc import Sequence

from chat.login.device_notices import DeviceNotices
from chat.login.friend_notices import FriendNotices
from chat.login.presence_feed import PresenceFeed
from chat.login.reconciliation import Reconciliation
from chat.login.registry import LoginRegistry
from chat.notice import (
    ACCEPTED,
    ASKED,
    BLOCKED,
    DECLINED,
    DEVICE,
    LISTED,
    PRESENCE,
    TAKEN,
    Notice,
)


class UserNotices:
    """Owns nothing. ``heard``: the bus's thread."""

    def __init__(
        self,
        logins: LoginRegistry,
        reconciliation: Reconciliation,
        feed: PresenceFeed,
        friend_notices: FriendNotices,
        device_notices: DeviceNotices,
    ) -> None:
        self._logins = logins
        self._reconciliation = reconciliation
        self._feed = feed
        self._friend_notices = friend_notices
        self._device_notices = device_notices

    def heard(self, notices: Sequence[Notice]) -> None:
        """Other servers have sent these notices. An unknown word is ignored."""
        taken = [notice.target for notice in notices if notice.word == TAKEN]
        if taken:
            self._reconciliation.check_soon(taken)
        for notice in notices:
            if notice.word == PRESENCE:
                self._feed.heard(notice.target, notice.ids)
            elif notice.word in (ASKED, ACCEPTED):
                self._friend_notices.heard(notice)
            elif notice.word in (LISTED, DECLINED) and notice.ids:
                self._friend_notices.heard_change(notice)
            elif notice.word == DEVICE:
                self._device_notices.heard(notice)
            elif notice.word == BLOCKED:
                for login in self._logins.of_user(notice.target):
                    self._logins.add_blocks(login, (), notice.ids)
