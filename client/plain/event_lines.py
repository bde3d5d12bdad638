"""EventLines: a queue of lines about failed messages, errors and notices, printed later."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from client.account.sending import Sending
from client.plain.plain_text import PlainText
from client.values import (
    Account,
    Announcement,
    ChatMessage,
    DeviceNotice,
    FriendNotice,
    GroupNotice,
)


class EventLine(NamedTuple):
    """A line. ``failed``: it is about a failure, so a script's exit code becomes 1."""

    text: str
    failed: bool


class EventLines:
    """A queue from the client's threads to the console's thread, which ``wake`` wakes."""

    def __init__(
        self,
        text: PlainText,
        wake: Callable[[], None],
        name_of: Callable[[int], str] = lambda user_id: "",
    ) -> None:
        """``name_of`` returns the name of a user, if it is known. Any thread."""
        self._name_of = name_of
        self._text = text
        self._wake = wake
        self._lines: queue.SimpleQueue[EventLine] = queue.SimpleQueue()

    def watch(self, sending: Sending) -> None:
        """Add a line if this message fails. Any thread."""
        sending.add_done_callback(partial(self._sending_done, sending))

    def server_error(self, errmsg: str) -> None:
        """Add a line for an error that belongs to no request. Any thread."""
        self._add(self._text("server error", why=errmsg), failed=True)

    def announcement(self, announcement: Announcement) -> None:
        """Add a line for a text of the operator. Any thread."""
        self._add(self._text("announcement", text=announcement.text))

    def group_notice(self, notice: GroupNotice, account: Account | None) -> None:
        """Add a line for a change of a group by another user. Any thread."""
        if account is not None:
            self._add(self._text.group_notice(notice, account))

    def group_event(self, message: ChatMessage, account: Account | None) -> None:
        """Add a line for an event of a group, also by this user. Any thread."""
        if account is not None:
            self._add(self._text.group_event(message, account))

    def device_notice(self, notice: DeviceNotice) -> None:
        """Add a line for a new or ended device of this user. Any thread."""
        self._add(self._text.device_notice(notice))

    def friend_notice(self, notice: FriendNotice) -> None:
        """Add a line for a request to be a friend, or a change of the list. Any thread."""
        self._add(self._text.friend_notice(notice))

    def take(self) -> Iterator[EventLine]:
        """Take the lines that were added so far. Console's thread."""
        while not self._lines.empty():
            yield self._lines.get()

    def _sending_done(self, sending: Sending, _: object) -> None:
        """Any thread: the one that completes the Sending."""
        error = sending.exception()
        if error is not None:
            name = "" if sending.to_group else self._name_of(sending.target)
            failure = self._text.chat_failed(name or sending.target, sending.to_group, error)
            self._add(failure, failed=True)

    def _add(self, line: str | None, *, failed: bool = False) -> None:
        """Add a line; none for an event that has no text."""
        if line is not None:
            self._lines.put(EventLine(line, failed))
            self._wake()
