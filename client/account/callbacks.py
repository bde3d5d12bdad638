"""Callbacks: the application's functions, called on the dispatcher's thread."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial

from client.account.dispatcher import Dispatcher
from client.account.lifecycle import Status
from client.account.local_account import LocalAccount
from client.account.shared_state import SharedState
from client.errors import ClosedError
from client.values import ChatMessage, Presence

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Functions:
    """The application's functions; None for those that it did not give.

    Raises ValueError for an object that cannot be called, and for an ``async def``: it would get
    each message, which then counts as received, and would never run.
    """

    on_message: Callable[[ChatMessage], object] | None = None
    on_presence: Callable[[Presence], object] | None = None
    on_state: Callable[[Status], object] | None = None
    on_ready: Callable[[], object] | None = None
    on_server_error: Callable[[str], object] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, getattr(self, field.name))

    @property
    def are_given(self) -> bool:
        """Whether there is at least one."""
        return any(getattr(self, field.name) is not None for field in fields(self))


def status_poster(dispatcher: Dispatcher, functions: Functions) -> Callable[[Status], None]:
    """A function for SharedState that has each status told by the dispatcher."""

    def post(status: Status) -> None:
        if functions.on_state is not None:
            dispatcher.post(partial(functions.on_state, status))

    return post


class Callbacks:
    """Posts the calls, and acknowledges messages after ``on_message``.

    ``on_message`` takes the messages from the inbox one by one; without it the application reads
    them with ``ChatClient.messages()``.
    """

    def __init__(self, shared: SharedState, dispatcher: Dispatcher, functions: Functions) -> None:
        self._shared = shared
        self._dispatcher = dispatcher
        self._functions = functions
        self._handing_over = True
        self._in_hand: tuple[LocalAccount, ChatMessage] | None = None  # on_message has it

    @property
    def take_messages(self) -> bool:
        """Whether the messages are for ``on_message``, and not for ``messages()``."""
        return self._functions.on_message is not None

    def start(self) -> None:
        """Start the thread, if there is a function to call. Any thread; idempotent."""
        if self._functions.are_given:
            self._dispatcher.start(self._shared.run_callback)

    def stop(self) -> None:
        """Make the calls that are due, and end the thread. Any thread; idempotent."""
        self._dispatcher.stop()

    def hand_over(self) -> None:
        """From now on messages are handed over. Any thread."""
        with self._shared.changed:
            self._handing_over = True

    def hand_over_no_more(self, seconds: float) -> None:
        """Hand over no more messages, and wait for the callback that is running. Any thread.

        Called from ``on_message`` itself, it counts that callback's message as received.
        """
        with self._shared.changed:
            self._handing_over = False
        if self._dispatcher.is_current:
            self._done()
        else:
            self._dispatcher.wait_idle(seconds)

    # Receiver's thread, with ``changed`` held: so the calls are made in the order of the stream.

    def message_arrived(self) -> None:
        """There is one more message in the inbox."""
        if self._functions.on_message is not None:
            self._dispatcher.post(self._give_next)
        if self._functions.on_ready is not None:
            self._dispatcher.post(self._functions.on_ready)

    def presence_changed(self, presence: Presence) -> None:
        """A friend came or went."""
        if self._functions.on_presence is not None:
            self._dispatcher.post(partial(self._functions.on_presence, presence))

    def server_complained(self, errmsg: str) -> None:
        """The server has sent an error that belongs to no request. It is logged if not told."""
        if self._functions.on_server_error is None:
            log.warning("error from the server: %s", errmsg)
        else:
            self._dispatcher.post(partial(self._functions.on_server_error, errmsg))

    def _give_next(self) -> None:
        """Dispatcher's thread."""
        on_message = self._functions.on_message
        assert on_message is not None
        with self._shared.changed:
            account = self._shared.account
            if account is None or not self._handing_over:
                return
            message = account.inbox.next()
            if message is None:
                return
            self._in_hand = (account, message)
        try:
            on_message(message)
        except ClosedError:  # the application is ending: the message comes again
            self._in_hand = None
            return
        except BaseException as exc:
            if not isinstance(exc, Exception):
                self._in_hand = None  # it comes again at the next login
                raise
            log.exception("on_message failed; the message counts as received")
        self._done()

    def _done(self) -> None:
        """Dispatcher's thread: ``on_message`` has taken care of its message."""
        with self._shared.changed:
            if self._in_hand is not None:
                account, message = self._in_hand
                self._in_hand = None
                account.done(message)
                self._shared.changed.notify_all()


def _check(name: str, callback: object) -> None:
    if callback is None:
        return
    if not callable(callback):
        raise ValueError(f"{name}: {callback!r} is no function")
    call = getattr(callback, "__call__", None)  # noqa: B004 - of an object with async __call__
    if inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(call):
        raise ValueError(f"{name}: an async def function is never awaited; use a plain def")
