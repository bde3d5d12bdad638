"""MessageStream: an iterator over a client's incoming messages that acknowledges them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from client.account.client_state import SharedState
from client.account.lifecycle import State
from client.account.local_account import Desk
from client.values import ChatMessage


class MessageStream(Iterator[ChatMessage]):
    """What ``ChatClient.messages()`` returns. One thread at a time.

    The message that was handed out last is taken care of when the next one is asked for, or
    when ``finish`` is called.
    """

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared
        self._timeout: float | None = None
        self._in_hand: tuple[Desk, ChatMessage] | None = None

    def within(self, timeout: float | None) -> Self:
        """From now on end when nothing has come for so many seconds."""
        self._timeout = timeout
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ChatMessage:
        shared = self._shared
        with shared.changed:
            self.finish()
            shared.changed.wait_for(lambda: self._available or self._at_end, self._timeout)
            desk = shared.desk
            message = None if desk is None else desk.inbox.next()
            if desk is not None and message is not None:
                self._in_hand = (desk, message)
                return message
            if shared.failure is not None:
                raise shared.failure.raised
            error = shared.status.error
            if shared.state is State.STOPPED and error is not None:
                raise error
            raise StopIteration

    def finish(self) -> None:
        """The message that was handed out last is taken care of. Any thread."""
        with self._shared.changed:
            if self._in_hand is not None:
                desk, message = self._in_hand
                self._in_hand = None
                desk.done(message)
                self._shared.changed.notify_all()

    @property
    def _available(self) -> bool:
        desk = self._shared.desk
        return desk is not None and len(desk.inbox) > 0

    @property
    def _at_end(self) -> bool:
        return self._shared.closing or self._shared.state in (State.STOPPED, State.CLOSED)
