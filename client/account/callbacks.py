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
from client.values import (
    Announcement,
    ChatMessage,
    DeviceNotice,
    FriendNotice,
    GroupNotice,
    MuteNotice,
    Presence,
    ReadNotice,
    TypingNotice,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Functions:
    """The callbacks of the application. None: the application does not want that callback.

    Raises ValueError for an object that cannot be called, and for an ``async def`` function. Its
    call would only make a coroutine, and the message would count as received unseen.

    Attributes:
        on_message: gets each chat message; its return acknowledges the message.
        on_presence: gets each change of a friend's presence.
        on_group_notice: gets each change of a group by another user; with ``on_group_event`` only
            those that are no events.
        on_group_event: gets each event of a group as a ChatMessage with ``event``; its return
            acknowledges the event.
        on_friend_notice: gets each request to be a friend, each acceptance, and each change of the
            list by another device of this user.
        on_device_notice: gets each first login, and each end, of another device of this user.
        on_announcement: gets each text of the operator for all users.
        on_state: gets each new Status of the client.
        on_ready: is called when ``messages()`` has one more message.
        on_server_error: gets the text of an error that belongs to no request.
        on_read: gets each mark of what another user or another device has read.
        on_typing: gets each notice that another user is writing.
        on_mute: gets each muting by another device of this user.
    """

    on_message: Callable[[ChatMessage], object] | None = None
    on_presence: Callable[[Presence], object] | None = None
    on_state: Callable[[Status], object] | None = None
    on_ready: Callable[[], object] | None = None
    on_server_error: Callable[[str], object] | None = None
    on_group_notice: Callable[[GroupNotice], object] | None = None
    on_announcement: Callable[[Announcement], object] | None = None
    on_friend_notice: Callable[[FriendNotice], object] | None = None
    on_read: Callable[[ReadNotice], object] | None = None
    on_typing: Callable[[TypingNotice], object] | None = None
    on_mute: Callable[[MuteNotice], object] | None = None
    on_group_event: Callable[[ChatMessage], object] | None = None
    on_device_notice: Callable[[DeviceNotice], object] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, getattr(self, field.name))

    @property
    def are_given(self) -> bool:
        """Whether there is at least one callback."""
        return any(getattr(self, field.name) is not None for field in fields(self))


def status_poster(dispatcher: Dispatcher, functions: Functions) -> Callable[[Status], None]:
    """The ``on_status`` of SharedState: posts each new status for ``on_state``."""

    def post(status: Status) -> None:
        if functions.on_state is not None:
            dispatcher.post(partial(functions.on_state, status))

    return post


class Callbacks:
    """Posts the calls of the callbacks, and acknowledges a message after its ``on_message``.

    It takes messages from the inbox one by one. Without ``on_message`` it takes none, because the
    application reads them with ``ChatClient.messages()``.
    """

    def __init__(self, shared: SharedState, dispatcher: Dispatcher, functions: Functions) -> None:
        self._shared = shared
        self._dispatcher = dispatcher
        self._functions = functions
        self._handing_over = True
        self._in_hand: tuple[LocalAccount, ChatMessage] | None = None  # on_message has it

    @property
    def take_messages(self) -> bool:
        """Whether ``on_message`` gets the messages, and not ``messages()``."""
        return self._functions.on_message is not None

    def start(self) -> None:
        """Start the thread, if there is a function to call. Any thread; idempotent."""
        if self._functions.are_given:
            self._dispatcher.start(self._shared.run_callback)

    def stop(self) -> None:
        """Make the posted calls, then end the thread. Any thread; idempotent."""
        self._dispatcher.stop()

    def hand_over(self) -> None:
        """Give messages to ``on_message`` from now on. Any thread."""
        with self._shared.changed:
            self._handing_over = True

    def hand_over_no_more(self, seconds: float) -> None:
        """Give ``on_message`` no more messages, and wait for the call that runs. Any thread.

        The wait takes at most ``seconds``. A call from ``on_message`` itself does not wait; it
        counts that callback's message as received.
        """
        with self._shared.changed:
            self._handing_over = False
        if self._dispatcher.is_current:
            self._done()
        else:
            self._dispatcher.wait_idle(seconds)

    # Receiver's thread, with ``changed`` held, so that the calls have the order of the stream.

    def message_arrived(self) -> None:
        """The inbox has one more message."""
        if self._functions.on_message is not None:
            self._dispatcher.post(self._give_next)
        if self._functions.on_ready is not None:
            self._dispatcher.post(self._functions.on_ready)

    def event_arrived(self, account: LocalAccount, message: ChatMessage) -> None:
        """A new event of a group. It never waits for ``messages()``."""
        if self._functions.on_group_event is not None:
            self._dispatcher.post(partial(self._give_event, account, message))
            return
        account.done(message)
        if message.event is not None and message.sender_id != account.user_id:
            self.group_changed(message.event)

    def messages_arrived(self, count: int) -> None:
        """The inbox has so many more messages."""
        for _ in range(count):
            self.message_arrived()

    def presence_changed(self, presence: Presence) -> None:
        """A friend has come online or gone offline."""
        if self._functions.on_presence is not None:
            self._dispatcher.post(partial(self._functions.on_presence, presence))

    def group_changed(self, notice: GroupNotice) -> None:
        """Another user has changed a group."""
        if self._functions.on_group_notice is not None:
            self._dispatcher.post(partial(self._functions.on_group_notice, notice))

    def devices_changed(self, notice: DeviceNotice) -> None:
        """Another device of this user has logged in for the first time, or has ended."""
        if self._functions.on_device_notice is not None:
            self._dispatcher.post(partial(self._functions.on_device_notice, notice))

    def contact_changed(self, notice: FriendNotice) -> None:
        """Another user asks or has accepted, or another device has changed the list."""
        if self._functions.on_friend_notice is not None:
            self._dispatcher.post(partial(self._functions.on_friend_notice, notice))

    def announced(self, announcement: Announcement) -> None:
        """The operator has a text for all users."""
        if self._functions.on_announcement is not None:
            self._dispatcher.post(partial(self._functions.on_announcement, announcement))

    def was_read(self, notice: ReadNotice) -> None:
        """Messages of a conversation were read."""
        if self._functions.on_read is not None:
            self._dispatcher.post(partial(self._functions.on_read, notice))

    def types(self, notice: TypingNotice) -> None:
        """Another user is writing a message."""
        if self._functions.on_typing is not None:
            self._dispatcher.post(partial(self._functions.on_typing, notice))

    def was_muted(self, notice: MuteNotice) -> None:
        """Another device of this user has muted a conversation, or ended that."""
        if self._functions.on_mute is not None:
            self._dispatcher.post(partial(self._functions.on_mute, notice))

    def server_complained(self, errmsg: str) -> None:
        """The server has sent an error that belongs to no request.

        It is logged if there is no ``on_server_error``.
        """
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
        self._call(on_message, message)

    def _give_event(self, account: LocalAccount, message: ChatMessage) -> None:
        """Dispatcher's thread."""
        on_group_event = self._functions.on_group_event
        assert on_group_event is not None
        with self._shared.changed:
            if account is not self._shared.account or not self._handing_over:
                return
            self._in_hand = (account, message)
        self._call(on_group_event, message)

    def _call(self, function: Callable[[ChatMessage], object], message: ChatMessage) -> None:
        """Hand the message in hand over, and count it as received."""
        try:
            function(message)
        except ClosedError:  # the application is ending: the message comes again
            self._in_hand = None
            return
        except BaseException as exc:
            if not isinstance(exc, Exception):
                self._in_hand = None  # it comes again at the next login
                raise
            log.exception("a callback failed; its message counts as received")
        self._done()

    def _done(self) -> None:
        """Count the message of ``on_message`` as received. Dispatcher's thread."""
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
