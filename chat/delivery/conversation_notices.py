"""ConversationNotices: tells clients of read marks, typing and muting in their conversations.

Only logins that have said ``"devices": true`` are told. The node of a change tells its own logins
at once, and publishes the notice once for all other nodes. Notices are not stored, and one may get
lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from chat.bus import Received
from chat.conversation_notice import ConversationNotice
from chat.delivery.codec import MessageBus
from chat.login.login import Login, Told, send_notices
from chat.login.registry import LoginRegistry
from chat.process.loops import queue_in_loops
from chat.protocol import encode
from muduopy import EventLoop


class ConversationNotices:
    """See the module's text. Any thread, unless a method says otherwise."""

    def __init__(self, bus: MessageBus, logins: LoginRegistry) -> None:
        self._bus = bus
        self._logins = logins

    def tell(
        self,
        event: str,
        by: Login,
        *,
        user_id: int = 0,
        with_id: int = 0,
        group_id: int = 0,
        number: int = 0,
    ) -> None:
        """Tell all devices of a user, or the members of a group, but not the login ``by``.

        See ConversationNotice. A change is committed.
        """
        notice = ConversationNotice(
            self._bus.name, event, user_id, by.user_id, with_id, group_id, number
        )
        self._show([notice], by)
        if not self._bus.alone:
            self._bus.tell([notice])

    def heard(self, received: Sequence[Received[ConversationNotice]]) -> None:
        """Notices on the topics of this node. The bus's thread."""
        self._show([item.payload for item in received if item.payload.node != self._bus.name])

    def _show(self, notices: Sequence[ConversationNotice], source: Login | None = None) -> None:
        by_loop: defaultdict[EventLoop, list[Told]] = defaultdict(list)
        for notice in notices:
            frame = encode(notice.message)
            for login in self._receivers(notice):
                if login.knows_devices and login is not source:
                    by_loop[login.loop].append((login, frame))
        queue_in_loops(send_notices, by_loop)

    def _receivers(self, notice: ConversationNotice) -> Sequence[Login]:
        if notice.user_id:
            return self._logins.of_user(notice.user_id)
        members = self._logins.in_group(notice.group_id)
        return [login for login in members if login.user_id != notice.by]
