"""EventTaker: takes the events of a session, for the account that is logged in on it.

The session's receiver thread brings them. The account notes what is new, and the callbacks tell
the application.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from chat.protocol import ErrNo
from client.account.callbacks import Callbacks
from client.account.local_account import LocalAccount
from client.account.sending_methods import Completion
from client.account.session_state import SessionState
from client.account.shared_state import SharedState
from client.errors import ENDED, StoreError
from client.protocol.events import ChatAnswer, Event, Goodbye, LoggedIn, ServerError
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

_OVERFLOW = "more messages than the application takes"


class EventTaker:
    """Takes the events of one session. Receiver's thread. It sends nothing."""

    def __init__(self, shared: SharedState, callbacks: Callbacks, state: SessionState) -> None:
        self._shared = shared
        self._changed = shared.changed
        self._callbacks = callbacks
        self._state = state
        self._takers: dict[type, Callable[[LocalAccount, Any], list[Completion]]] = {
            LoggedIn: self._take_login,
            ChatMessage: self._take_message,
            ChatAnswer: self._take_answer,
            Presence: self._take_presence,
            FriendNotice: self._take_friend_notice,
            DeviceNotice: self._take_device_notice,
            GroupNotice: self._take_group_notice,
            Announcement: self._take_announcement,
            ReadNotice: self._take_read_notice,
            TypingNotice: self._take_typing_notice,
            MuteNotice: self._take_mute_notice,
        }

    def take_all(self, events: Sequence[Event]) -> None:
        """Take the events of a read. Receiver's thread."""
        completions: list[Completion] = []
        with self._changed:
            for event in events:
                completions += self._take(event)
            account = self._state.account
            overflowing = account is not None and account.inbox.overflowing
            self._changed.notify_all()
        if overflowing:
            self._state.session.fail(_OVERFLOW)
        for complete in completions:
            self._shared.run_callback(complete)

    def closed(self) -> None:
        """The connection has ended. Receiver's thread."""
        with self._changed:
            self._changed.notify_all()

    def _take(self, event: Event) -> list[Completion]:
        """Take an event; returns the calls that complete the futures with its results."""
        account = self._state.account
        if isinstance(event, Goodbye):
            self._state.goodbye = event
            if event.reason == ENDED and account is not None and self._state.is_current(account):
                account.forget_token()
        elif isinstance(event, ServerError):
            self._state.complaint = event.errmsg if account is None else None
            self._state.retry_after = event.retry_after if account is None else 0.0
            self._callbacks.server_complained(event.errmsg)
        elif account is not None and self._state.is_current(account):
            return self._takers[type(event)](account, event)
        return []

    def _take_login(self, account: LocalAccount, event: LoggedIn) -> list[Completion]:
        self._state.welcomed = True
        try:
            completions = account.logged_in(event)
        except StoreError as exc:
            self._state.problem = exc
            return []
        self._callbacks.messages_arrived(account.release_held())
        return completions

    def _take_message(self, account: LocalAccount, message: ChatMessage) -> list[Completion]:
        if message.event is not None:
            if account.received_event(message):
                self._callbacks.event_arrived(account, message)
        elif account.received(message):
            self._callbacks.message_arrived()
        return []

    def _take_answer(self, account: LocalAccount, answer: ChatAnswer) -> list[Completion]:
        if answer.errno == ErrNo.NOT_YOU and not self._shared.leaving:
            self._state.goodbye = Goodbye("replaced", reconnect=False)
        completions = account.answered(answer, time.monotonic())
        self._callbacks.messages_arrived(account.release_held())
        return completions

    def _take_presence(self, account: LocalAccount, presence: Presence) -> list[Completion]:
        if account.roster is not None:
            account.roster.set_presence(presence)
        self._callbacks.presence_changed(presence)
        return []

    def _take_announcement(
        self, account: LocalAccount, announcement: Announcement
    ) -> list[Completion]:
        self._callbacks.announced(announcement)
        return []

    def _take_friend_notice(self, account: LocalAccount, notice: FriendNotice) -> list[Completion]:
        if account.roster is not None:
            account.roster.take_friend_notice(notice)
        self._callbacks.contact_changed(notice)
        return []

    def _take_device_notice(self, account: LocalAccount, notice: DeviceNotice) -> list[Completion]:
        self._callbacks.devices_changed(notice)
        return []

    def _take_group_notice(self, account: LocalAccount, notice: GroupNotice) -> list[Completion]:
        if account.roster is not None:
            account.roster.take_group_notice(notice)
        self._callbacks.group_changed(notice)
        return []

    def _take_read_notice(self, account: LocalAccount, notice: ReadNotice) -> list[Completion]:
        self._callbacks.was_read(notice)
        return []

    def _take_typing_notice(self, account: LocalAccount, notice: TypingNotice) -> list[Completion]:
        self._callbacks.types(notice)
        return []

    def _take_mute_notice(self, account: LocalAccount, notice: MuteNotice) -> list[Completion]:
        if account.roster is not None:
            account.roster.set_muted(notice.user_id, notice.group_id, muted=notice.muted)
        self._callbacks.was_muted(notice)
        return []
