"""Announcements: shows the texts of operators to the users that are online, here and elsewhere.

A v2 client gets ANNOUNCE_MSG. A client of the original knows no such message, and gets a chat
message from "server", with the id 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from chat.announcement import SENDER, TOPIC, Announcement
from chat.bus import Received
from chat.delivery.codec import MessageBus
from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.message import ChatMessage
from chat.process.loops import queue_in_loops
from chat.protocol import ONE_CHAT, MsgType
from muduopy import EventLoop

Told = tuple[Login, Announcement]


class Announcements:
    """See the module's text. Any thread, unless a method says otherwise."""

    def __init__(self, bus: MessageBus, logins: LoginRegistry) -> None:
        self._bus = bus
        self._logins = logins

    def listen(self) -> None:
        """Hear the announcements of other nodes. Worker thread: blocks."""
        self._bus.subscribe([TOPIC])

    def tell(self, text: str, time: str) -> int:
        """Show a text to all users online; returns their number at this node."""
        announcement = Announcement(self._bus.name, text, time)
        count = self._show(announcement)
        if not self._bus.alone:
            self._bus.tell([announcement])
        return count

    def heard(self, received: Sequence[Received[Announcement]]) -> None:
        """Announcements on the bus. The bus's thread."""
        for item in received:
            if item.payload.node != self._bus.name:
                self._show(item.payload)

    def _show(self, announcement: Announcement) -> int:
        by_loop: defaultdict[EventLoop, list[Told]] = defaultdict(list)
        logins = self._logins.all()
        for login in logins:
            by_loop[login.loop].append((login, announcement))
        queue_in_loops(_send, by_loop)
        return len(logins)


def _send(told: Sequence[Told]) -> None:
    """The logins' loop. A client that does not read its output gets nothing."""
    for login, (_, text, time) in told:
        connection = login.connection
        if not login.alive or connection.flow.output_full:
            continue
        if connection.v2:
            message = {"msgid": int(MsgType.ANNOUNCE_MSG), "msg": text, "time": time}
            connection.send_message(message)
            continue
        chat = ChatMessage(0, ONE_CHAT, 0, SENDER, login.user_id, text, time)
        writer = connection.classic_output.writer
        if writer is None:
            connection.send_chat(chat)
        elif writer.takes_live:
            writer.hand_over(chat, lambda written: None, live=True)
