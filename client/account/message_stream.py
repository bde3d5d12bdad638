"""MessageStream: an iterator over a client's incoming messages that acknowledges them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from client.account.lifecycle import State
from client.account.local_account import LocalAccount
from client.account.shared_state import SharedState
from client.values import ChatMessage


class MessageStream(Iterator[ChatMessage]):
    """The iterator of ``ChatClient.messages()``. One thread at a time.

    A message counts as received when the next one is asked for, or when ``finish`` is called.
    """

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared
        self._timeout: float | None = None
        self._in_hand: tuple[LocalAccount, ChatMessage] | None = None

    def within(self, timeout: float | None) -> Self:
        """Set the time without a message after which the iteration ends, in seconds."""
        self._timeout = timeout
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ChatMessage:
        shared = self._shared
        with shared.changed:
            self.finish()
            shared.changed.wait_for(lambda: self._available or self._at_end, self._timeout)
            account = shared.account
            message = None if account is None else account.inbox.next()
            if account is not None and message is not None:
                self._in_hand = (account, message)
                return message
            if shared.failure is not None:
                raise shared.failure.raised
            error = shared.status.error
            if shared.state is State.STOPPED and error is not None:
                raise error
            raise StopIteration

    def finish(self) -> None:
        """Count the last message as received. Any thread."""
        with self._shared.changed:
            if self._in_hand is not None:
                account, message = self._in_hand
                self._in_hand = None
                account.done(message)
                self._shared.changed.notify_all()

    @property
    def _available(self) -> bool:
        account = self._shared.account
        return account is not None and len(account.inbox) > 0

    @property
    def _at_end(self) -> bool:
        return self._shared.closing or self._shared.state in (State.STOPPED, State.CLOSED)
