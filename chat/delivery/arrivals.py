"""Arrivals: the listener of the bus, which gives each payload to the object that serves its type.

    ChatMessage   a committed message: Router wakes the receivers
    Copy          the same, for the sender's other devices
    EventWake     a committed event of a group: Router wakes the receivers
    LiveMessage   a message in no table: LiveReceiver hands it over
    Notice        about the members of a group: the mode; about a user: ``on_notices``
    Announcement  a text of an operator, for all clients: Announcements
    GroupNotice   about a group, for clients: GroupNotices
    ConversationNotice  about a conversation, for clients: ConversationNotices

It blocks no longer than the queueing of calls takes, because it runs in the bus's thread.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from chat.announcement import Announcement
from chat.bus import Answer, BusListener, Count, Received
from chat.conversation_notice import ConversationNotice
from chat.delivery.announcements import Announcements
from chat.delivery.codec import Copy, EventWake, LiveMessage, Payload
from chat.delivery.conversation_notices import ConversationNotices
from chat.delivery.group_notices import GroupNotices
from chat.delivery.live_receiver import LiveReceiver
from chat.delivery.mode import DeliveryMode
from chat.delivery.router import Router
from chat.group_notice import GroupNotice
from chat.message import ChatMessage
from chat.notice import ENTERED, MEMBERS, Notice

OnNotices = Callable[[Sequence[Notice]], object]


class Arrivals(BusListener[Payload]):
    """The bus's thread."""

    def __init__(
        self,
        router: Router,
        receiver: LiveReceiver,
        mode: DeliveryMode,
        group_notices: GroupNotices,
        announcements: Announcements,
        conversation_notices: ConversationNotices,
        on_notices: OnNotices,
    ) -> None:
        """``on_notices`` gets the notices about users."""
        self._router = router
        self._group_notices = group_notices
        self._mode = mode
        self._on_notices = on_notices
        self._takers: dict[type, Callable[[list[Any]], object]] = {
            ChatMessage: router.wake,
            Copy: router.wake_copies,
            EventWake: router.wake_events,
            LiveMessage: receiver.take,
            Notice: self._take_notices,
            GroupNotice: group_notices.heard,
            Announcement: announcements.heard,
            ConversationNotice: conversation_notices.heard,
        }

    def on_received(self, received: Sequence[Received[Payload]]) -> None:
        # In runs of one type, not sorted by type. Example: A sends 1 to B live, then 2, which is
        # stored. Both arrive together. Sorted by type, the wake for 2 could be queued before 1.
        for kind, run in itertools.groupby(received, _type_of_payload):
            self._takers[kind](list(run))

    def on_counts(self, counts: Sequence[Count]) -> None:
        self._mode.on_counts(counts)

    def on_answers(self, answers: Sequence[Answer]) -> None:
        self._mode.on_answers(answers)

    def on_doubt(self) -> None:
        """Publications may have been lost: wakes, and notices about the members of groups."""
        self._mode.forget_all_members()
        self._router.on_doubt()

    def _take_notices(self, received: Sequence[Received[Notice]]) -> None:
        about_users: list[Notice] = []
        for notice, _, _ in received:
            if notice.word == MEMBERS:
                self._mode.forget_members(notice.target)
                self._group_notices.left(notice.target, notice.ids)
            elif notice.word == ENTERED:
                self._group_notices.entered(notice.target, notice.ids)
            else:
                about_users.append(notice)
        if about_users:
            self._on_notices(about_users)


def _type_of_payload(item: Received[Payload]) -> type:
    return type(item.payload)
