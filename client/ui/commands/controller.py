"""Controller: what happens becomes what is seen, and what is typed becomes what happens.

It stands between a ChatClient and a ScreenState, on the terminal's thread. What the client's
threads bring is carried over to that thread; what blocks is given to others.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

from chat.protocol import ErrNo
from client.account.lifecycle import State, Status
from client.account.outbox import Withdrawal
from client.account.sending import Sending
from client.chat_client import ChatClient
from client.errors import (
    ClientError,
    ClosedError,
    NotConfirmedError,
    RefusedError,
    StoreError,
    WithdrawnError,
)
from client.ui.commands.terminal import Terminal
from client.ui.model.bell import Bell
from client.ui.model.chats import Chats
from client.ui.model.message_item import Mark, MessageItem
from client.ui.model.room import HistoryState, Room, RoomKey
from client.ui.model.screen_state import ScreenState
from client.ui.text.cells import clip, one_line
from client.ui.text.error_texts import error_text, refusal_text
from client.ui.view.message_view import MessageView
from client.values import Account, ChatMessage, Presence

UI_FILE = "ui.json"

PAGE = 50
"""Messages that are loaded at once: two screens or so, and soon there even on a slow link."""

_SEEK_PAGES = 20
"""Pages that are loaded to find the first unread message; what is above comes with PageUp."""

_NOTIFY_CELLS = 80

_GONE_SECONDS = 0.5


class Controller:
    """The client's side of the terminal. The terminal's thread, unless a method says otherwise.

    Attributes:
        client: set once, before anything else is called.
        ended: the terminal is being left.
    """

    client: ChatClient

    def __init__(
        self,
        state: ScreenState,
        message_view: MessageView,
        terminal: Terminal,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = state
        self.message_view = message_view
        self.terminal = terminal
        self.ended = threading.Event()
        self._clock = clock
        self._bell = Bell()
        self._was_online = False
        self.on_refused: Callable[[RefusedError], None] = lambda error: None

    @property
    def chats(self) -> Chats:
        """The conversations."""
        return self.state.chats

    # ------------------------------------------------------------------ from the client's threads

    def on_message(self, message: ChatMessage) -> None:
        """Dispatcher's thread. Returns when the message is in its conversation."""
        taken = threading.Event()
        self.terminal.call_soon(self._receive, message, taken)
        while not taken.wait(_GONE_SECONDS):
            if self.ended.is_set():
                raise ClosedError

    def on_presence(self, presence: Presence) -> None:
        """Dispatcher's thread."""
        self._tell(self.refresh_account)

    def on_state(self, status: Status) -> None:
        """Dispatcher's thread."""
        self._tell(self._status_changed, status)

    def _tell(self, call: Callable[..., object], *args: object) -> None:
        """Any thread: have a call made on the terminal's, if there still is one."""
        with contextlib.suppress(ClosedError):
            self.terminal.call_soon(call, *args)

    def _receive(self, message: ChatMessage, taken: threading.Event) -> None:
        arrival = self.chats.receive(message, watched=self.state.focused)
        taken.set()
        group = self.chats.group(message.group_id or 0)
        if group is not None and message.sender_id not in [one.id for one in group.members]:
            self.refresh_members()  # somebody has joined
        if arrival.calls and not arrival.seen and self._bell.rings(self._clock()):
            self._alert(message)

    def _alert(self, message: ChatMessage) -> None:
        """A message calls the user, who does not see it."""
        if self.state.bell:
            self.terminal.ring()
        if self.state.notify != "off" and not self.state.focused:
            sender, text = one_line(message.sender_name), one_line(message.text)
            self.terminal.notify(clip(sender, _NOTIFY_CELLS), clip(text, _NOTIFY_CELLS))

    def drawn(self) -> None:
        """The screen was drawn: what is on it has been shown, if the user is there."""
        room, shown = self.chats.current, self.message_view.shown
        if room is None or shown is None or shown.room is not room:
            return
        if not self.state.focused or room.seeking:
            return
        if room.mark_shown(room.items[shown.first : shown.last + 1]):
            self.terminal.show()  # the counts

    def refresh_members(self) -> None:
        """Who is in the group that is looked at, and who of them is online, changes by itself."""
        room = self.chats.current
        if room is not None and self.state.is_online:
            self._complete_members(room)

    def _complete_members(self, room: Room) -> None:
        if room.key.in_group and self.chats.group(room.key.id) is not None:
            self.terminal.spawn(self._load_members(room))

    def refresh_account(self) -> None:
        """Friends and groups may have changed."""
        account = self.client.account
        if account is not None and account.id == self.chats.me[0]:
            self.chats.set_account(account)

    def _status_changed(self, status: Status) -> None:
        self.state.status = status
        if status.state is State.STOPPED:
            if isinstance(status.error, RefusedError) and status.error.errno == ErrNo.REFUSED:
                self.on_refused(status.error)
        elif status.state is State.ONLINE:
            self._online()
        elif status.state is State.WAITING:
            self.terminal.spawn(self._count_down(status))

    def _online(self) -> None:
        self.refresh_account()
        if self._was_online:
            self.chats.missed_something()
        self._was_online = True
        self._complete(self.chats.current)

    async def _count_down(self, status: Status) -> None:
        """Show each second of a wait."""
        while self.state.status is status and not self.ended.is_set():
            self.terminal.show()
            await asyncio.sleep(1.0)

    # ------------------------------------------------------------------ whose conversations

    def begin(self, user_id: int, name: str = "") -> None:
        """This user is being logged in: show what is known of the conversations."""
        if self.chats.me[0] != user_id:
            self.state.chats = Chats(user_id, name)
            self._was_online = False
            try:
                self.chats.restore(self.client.recall(UI_FILE))
            except StoreError as exc:
                self.state.say(error_text(exc, self.state.texts), failed=True)
        for sending in self.client.outbox:
            self.track(sending)
        self._show_draft()

    def enter(self, account: Account) -> None:
        """This user is logged in: show the conversations."""
        self.chats.set_account(account)
        self.state.logged_in = True

    def forget_user(self) -> None:
        """Nobody is logged in: nothing of the conversations is to be seen."""
        self.state.chats = Chats(0)
        self._was_online = False
        self._count_unsent()
        self._show_draft()

    def save(self) -> None:
        """Keep what is worth keeping of the conversations."""
        self._keep_draft()
        if self.chats.me[0]:
            try:
                self.client.remember(UI_FILE, self.chats.to_saved())
            except StoreError as exc:
                self.state.say(error_text(exc, self.state.texts), failed=True)

    # ------------------------------------------------------------------ rooms

    def open(self, room: Room | None) -> None:
        """Look at another conversation; what is half typed stays with the old one.

        Text typed while no conversation was open goes to the first that is opened.
        """
        if room is None or room is self.chats.current:
            return
        self._keep_draft()
        if self.chats.current is None and self.state.logged_in and not room.draft[0]:
            room.draft = self.terminal.typed()
        self.state.search = None
        self.state.notice = None
        self.chats.open(room)
        self._show_draft()
        self._complete(room)
        self.save()

    def open_key(self, key: RoomKey) -> Room:
        """The same for a conversation that may be new."""
        room = self.chats.room(key)
        self.open(room)
        return room

    def _complete(self, room: Room | None) -> None:
        """Get what is missing of a conversation that is looked at."""
        if room is None or not self.state.is_online:
            return
        if room.history is HistoryState.UNKNOWN or room.seeking:
            self.load_older(room)
        elif room.stale:
            self.terminal.spawn(self._catch_up(room))
        self._complete_members(room)

    async def _catch_up(self, room: Room) -> None:
        chats = self.chats
        try:
            page = await self.terminal.run_call(self.client.history, **_which(room.key), limit=PAGE)
        except ClientError:
            return  # it stays stale
        chats.catch_up(room, page.messages, more=page.more)
        self.terminal.show()

    def load_older(self, room: Room) -> None:
        """Load older messages, if there are any and there is a connection."""
        if not room.has_more and room.history is not HistoryState.LOADING:
            room.seeking = False  # there is nothing to find it in
        if not room.has_more or not self.state.is_online:
            return
        room.history = HistoryState.LOADING
        self.terminal.spawn(self._load_older(room))

    async def _load_older(self, room: Room) -> None:
        """One page, or more if the first unread message is sought."""
        for _ in range(_SEEK_PAGES):
            room.history = HistoryState.LOADING
            await self.load_page(room)
            if not (room.seeking and room.unloaded and room.history is HistoryState.MORE):
                break
        if room.seeking:
            room.seek_new()
            room.seeking = False
        self.terminal.show()

    def to_new(self, room: Room) -> bool:
        """To the first message that was not shown, or to the divider.

        Returns whether there is one.
        """
        divider = room.divider
        room.seek_new()
        room.divider = room.wanted = room.wanted or divider
        if room.seeking:
            self.load_older(room)
        return room.seeking or room.wanted is not None

    async def look_up(self, key: RoomKey) -> None:
        """Ask the server about a conversation that is not known. Raises ClientError."""
        await self.terminal.run_call(self.client.history, **_which(key), limit=1)

    async def load_page(self, room: Room) -> None:
        """Load one page of older messages, and wait for it."""
        chats = self.chats
        try:
            page = await self.terminal.run_call(
                self.client.history, **_which(room.key), before=room.oldest_seq, limit=PAGE
            )
        except RefusedError as exc:
            again = exc.errno in (ErrNo.TOO_MANY, ErrNo.UNAVAILABLE)
            if again:
                room.history = HistoryState.MORE
            else:
                room.has_no_history()
            if not again and chats.current is room:  # there is no such group, or user
                self.state.say(error_text(exc, self.state.texts), failed=True)
        except ClientError:
            room.history = HistoryState.UNKNOWN  # once more when there is a connection
        else:
            chats.add_older(room, page.messages, more=page.more)

    async def _load_members(self, room: Room) -> None:
        try:
            await self.terminal.run_call(self.client.members, room.key.id)
        except ClientError:
            return  # what was known before is shown
        self.refresh_account()
        self.terminal.show()

    def scroll_page(self, up: int) -> None:
        """A page up or down; older messages are loaded at the top."""
        room = self.chats.current
        if room is None:
            return
        if up > 0:
            self._load_ahead(room)
        self.message_view.page(room, up)

    def scroll(self, up: int) -> None:
        """Some lines up or down."""
        room = self.chats.current
        if room is not None:
            if up > 0:
                self._load_ahead(room)
            self.message_view.scroll(room, up)

    def _load_ahead(self, room: Room) -> None:
        """Load older messages before the top is reached. They do not move the view."""
        if not room.has_more:
            return
        if self.state.is_online:
            if self.message_view.is_near_top(room):
                self.load_older(room)
        elif self.message_view.at_top:
            self.state.say(self.state.texts("no online"), failed=True)

    def to_start(self) -> None:
        """To the oldest message that is loaded."""
        if self.chats.current is not None:
            self.message_view.to_start(self.chats.current)

    def to_end(self) -> None:
        """To the newest message."""
        room = self.chats.current
        if room is not None:
            self.message_view.to_end(room)

    # ------------------------------------------------------------------ writing

    def write(self, room: Room, text: str) -> bool:
        """Send a message; returns whether that began well. If not, a notice says why."""
        send = self.client.send_group if room.key.in_group else self.client.send
        try:
            sending = send(room.key.id, text)
        except ClientError as exc:
            self.state.say(error_text(exc, self.state.texts), failed=True)
            return False
        self.track(sending)
        return True

    def track(self, sending: Sending) -> None:
        """Show a message that is on its way, and what becomes of it."""
        self.chats.write(sending)
        self._count_unsent()

        sending.add_done_callback(lambda future: self._tell(self._settled, sending))

    def retry(self, room: Room) -> int:
        """Send what has failed again, in its order; returns how many messages."""
        failed = room.failed
        for item in failed:
            if not self.write(room, item.text):
                break
            self.chats.forget(room, item)
        return len(failed)

    def unsend(self, room: Room, item: MessageItem) -> Withdrawal:
        """Take back a message that is queued or has failed."""
        assert item.mid is not None
        result = Withdrawal.WITHDRAWN
        if item.mark is Mark.SENDING:
            result = self.client.withdraw(item.mid)
        if result is not Withdrawal.TOO_LATE:
            self.chats.forget(room, item)
        self._count_unsent()
        return result

    def _settled(self, sending: Sending) -> None:
        self._count_unsent()
        error = sending.exception()
        if error is None:
            self.chats.stored(sending.result())
        elif isinstance(error, WithdrawnError):
            pass  # it is taken out where that was asked for
        elif not (isinstance(error, NotConfirmedError) and error.kept):
            texts = self.state.texts
            if isinstance(error, RefusedError):
                words = refusal_text(error, texts)  # the mark says what to do
            else:
                words = error_text(error, texts)
            room = self.chats.fail(sending.mid, words)
            if room is not None and room is not self.chats.current:
                self.state.say(error_text(error, self.state.texts), failed=True)

    def _count_unsent(self) -> None:
        self.state.unsent = len(self.client.outbox)

    # ------------------------------------------------------------------ drafts

    def _keep_draft(self) -> None:
        if self.chats.current is not None and self.state.logged_in:
            self.chats.current.draft = self.terminal.typed()

    def _show_draft(self) -> None:
        room = self.chats.current
        text, cursor = room.draft if room is not None else ("", 0)
        self.terminal.retype(text, cursor)
        self.state.draft_waits = bool(text)  # an Enter may be meant for what was there before


def _which(key: RoomKey) -> dict[str, int]:
    """How the client calls a room."""
    return {"group_id" if key.in_group else "user_id": key.id}
