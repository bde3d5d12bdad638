"""Callbacks: what an application wants to be told, told on the dispatcher's thread."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable

from client.account.client_state import SharedState
from client.account.dispatcher import Dispatcher
from client.account.lifecycle import Status
from client.account.local_account import Desk
from client.errors import ClosedError
from client.values import ChatMessage, Presence

log = logging.getLogger(__name__)


class Callbacks:
    """Up to three functions of the application's, and the dispatcher that calls them.

    Raises ValueError for a callback that cannot be called, or would never be awaited: it would
    take each message, which then counts as received, and do nothing with it.

    Attributes:
        take_messages: the messages are for a callback, and not for ``messages()``.
    """

    def __init__(
        self,
        shared: SharedState,
        on_message: Callable[[ChatMessage], object] | None,
        on_presence: Callable[[Presence], object] | None,
        on_state: Callable[[Status], object] | None,
    ) -> None:
        _check("on_message", on_message)
        _check("on_presence", on_presence)
        _check("on_state", on_state)
        self.take_messages = on_message is not None
        self._shared = shared
        self._on_message = on_message
        self._on_presence = on_presence
        self._on_state = on_state
        self._dispatcher = Dispatcher(shared.run_foreign)
        self._handing_over = True
        self._in_hand: tuple[Desk, ChatMessage] | None = None  # on_message has it
        shared.on_status = self._status

    def start(self) -> None:
        """Start the thread, if there is anything to call. Any thread; idempotent."""
        if self._on_message or self._on_presence or self._on_state:
            self._dispatcher.start()

    def stop(self) -> None:
        """Make the calls that are due, and end the thread. Any thread; idempotent."""
        self._dispatcher.stop()

    def hand_over(self) -> None:
        """From now on messages are handed over. Any thread."""
        with self._shared.changed:
            self._handing_over = True

    def hand_over_no_more(self, seconds: float) -> None:
        """Hand over nothing more, and wait for the callback that is running. Any thread.

        From that callback itself: its message is taken care of.
        """
        with self._shared.changed:
            self._handing_over = False
        if self._dispatcher.is_current:
            self._done()
        else:
            self._dispatcher.wait_idle(seconds)

    def message(self) -> None:
        """There is one more message in the inbox. Receiver's thread."""
        if self._on_message is not None:
            self._dispatcher.post(self._give_next)

    def presence(self, presence: Presence) -> None:
        """Somebody came or went. Receiver's thread."""
        callback = self._on_presence
        if callback is not None:
            self._dispatcher.post(lambda: callback(presence))

    def _status(self, status: Status) -> None:
        """While the state is locked."""
        callback = self._on_state
        if callback is not None:
            self._dispatcher.post(lambda: callback(status))

    def _give_next(self) -> None:
        """Dispatcher's thread."""
        assert self._on_message is not None
        with self._shared.changed:
            desk = self._shared.desk
            message = None if desk is None or not self._handing_over else desk.inbox.next()
            if desk is None or message is None:
                return
            self._in_hand = (desk, message)
        try:
            self._on_message(message)
        except ClosedError:  # the application is ending, and cannot take care of it
            self._in_hand = None
            return
        except BaseException as exc:
            if not isinstance(exc, Exception):
                self._in_hand = None  # it comes again at the next login
                raise
            log.exception("on_message failed; the message counts as received")
        self._done()

    def _done(self) -> None:
        """Dispatcher's thread: the message that on_message has got is taken care of."""
        with self._shared.changed:
            if self._in_hand is not None:
                desk, message = self._in_hand
                self._in_hand = None
                desk.done(message)
                self._shared.changed.notify_all()


def _check(name: str, callback: object) -> None:
    if callback is None:
        return
    if not callable(callback):
        raise ValueError(f"{name}: {callback!r} is no function")
    call = getattr(callback, "__call__", None)  # noqa: B004 - of an object with async __call__
    if inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(call):
        raise ValueError(f"{name}: an async def function is never awaited; use a plain def")
