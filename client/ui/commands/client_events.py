"""ClientEvents: carries the events of the client to the terminal's thread and into the state."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from chat.protocol import ErrNo
from client.account.lifecycle import State, Status
from client.errors import ClientError, ClosedError, RefusedError, TooManyDevicesError
from client.ui.commands.context import CommandContext
from client.ui.commands.login_controller import LoginController
from client.ui.commands.read_marks import ReadMarks
from client.ui.commands.room_loader import RoomLoader
from client.ui.commands.terminal import call_if_open
from client.ui.model.bell import Bell
from client.ui.model.message_item import notice as group_line
from client.ui.model.room import RoomKey
from client.ui.model.room_list import TYPING_SECONDS, RoomList
from client.ui.text.cells import clip, one_line
from client.ui.text.group_notices import group_notice_text
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

_NOTIFY_CELLS = 80

_CLOSED_CHECK_SECONDS = 0.5
"""Pause between two checks whether the terminal was left while a message waits for it."""


class ClientEvents:
    """The callbacks of a ChatClient. They run on its dispatcher's thread."""

    def __init__(
        self,
        context: CommandContext,
        loader: RoomLoader,
        login: LoginController,
        marks: ReadMarks,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._loader = loader
        self._login = login
        self._marks = marks
        self._clock = clock
        self._bell = Bell()
        self._online_rooms: RoomList | None = None  # the list that has been online before

    def on_message(self, message: ChatMessage) -> None:
        """Returns when the message is in its room; the client then counts it as received.

        Raises ClosedError if the terminal is left before.
        """
        self._hand_over(self._receive, message)

    def _hand_over(
        self, take: Callable[[ChatMessage, threading.Event], None], message: ChatMessage
    ) -> None:
        taken = threading.Event()
        self._context.terminal.call_soon(take, message, taken)
        while not taken.wait(_CLOSED_CHECK_SECONDS):
            if self._context.terminal.is_closed:
                raise ClosedError

    def on_presence(self, presence: Presence) -> None:
        """The client has updated a friend."""
        call_if_open(self._context.terminal, self._loader.refresh_account)

    def on_announcement(self, announcement: Announcement) -> None:
        """The operator of the server has a text for all users."""
        call_if_open(self._context.terminal, self._announce, announcement)

    def on_group_notice(self, notice: GroupNotice) -> None:
        """The client has updated a group."""
        call_if_open(self._context.terminal, self._take_group_notice, notice)

    def on_group_event(self, message: ChatMessage) -> None:
        """A change of a group. Returns when its line is in the room. Raises as ``on_message``."""
        self._hand_over(self._take_group_event, message)

    def on_friend_notice(self, notice: FriendNotice) -> None:
        """Another user asks or has accepted, or another device has changed the list."""
        call_if_open(self._context.terminal, self._take_friend_notice, notice)

    def on_read(self, notice: ReadNotice) -> None:
        """The other user, or another device of this user, has read messages."""
        call_if_open(self._context.terminal, self._take_read, notice)

    def on_typing(self, notice: TypingNotice) -> None:
        """Another user is writing a message."""
        call_if_open(self._context.terminal, self._take_typing, notice)

    def on_mute(self, notice: MuteNotice) -> None:
        """Another device has muted a conversation. The client has noted it."""
        call_if_open(self._context.terminal, self._loader.refresh_account)

    def on_device_notice(self, notice: DeviceNotice) -> None:
        """Another device of the user has logged in for the first time, or has ended."""
        call_if_open(self._context.terminal, self._take_device_notice, notice)

    def on_state(self, status: Status) -> None:
        """The client has connected, logged in, lost the connection or stopped."""
        call_if_open(self._context.terminal, self._set_status, status)

    # ------------------------------------------------------------------ the terminal's thread

    def _receive(self, message: ChatMessage, taken: threading.Event) -> None:
        context = self._context
        self._login.know_user()
        arrival = context.rooms.receive(message, focused=context.state.focused)
        taken.set()
        if not arrival.room.title and not arrival.room.key.in_group:
            self._loader.name_rooms()  # written at another device
        if self._is_from_new_member(message):
            self._loader.refresh_members()
        if arrival.alerts and not arrival.seen and self._bell.rings(self._clock()):
            self._alert(message)

    def _take_group_notice(self, notice: GroupNotice) -> None:
        """Show a notice as a line in the room of the group."""
        context = self._context
        name = notice.name or context.directory.name_of(notice.user_id)
        by = notice.by_name or context.directory.name_of(notice.by_id)
        for user_id, known in ((notice.user_id, notice.name), (notice.by_id, notice.by_name)):
            if known:
                context.directory.add_name(user_id, known, newest=True)
        self._loader.refresh_account()
        if notice.event == "invited":
            group = one_line(notice.group_name)
            context.notice("invites you", by=one_line(by), name=group, id=notice.group_id)
            return
        own = notice.user_id == context.directory.me[0]
        text = group_notice_text(notice, name, by, context.state.texts, own=own)
        room = context.rooms.by_key.get(RoomKey(True, notice.group_id))
        if room is not None and text is not None:
            room.add_notice(group_line(text, time.time()))

    def _take_group_event(self, message: ChatMessage, taken: threading.Event) -> None:
        """The room of a group that another device has joined is new."""
        self._loader.refresh_account()
        self._context.rooms.receive_event(message)
        taken.set()

    def _take_friend_notice(self, notice: FriendNotice) -> None:
        self._loader.refresh_account()
        name = one_line(notice.name) or str(notice.user_id)
        own = {"added": "friend added", "removed": "friend removed"}.get(notice.event)
        if own is not None:  # by another device of this user
            self._context.notice(own, name=name, id=notice.user_id)
            return
        key = {"asked": "asks you", "accepted": "friend accepted"}.get(notice.event)
        if key is None:
            return
        self._context.notice(key, stays=True, name=name, id=notice.user_id)
        if self._context.state.bell and self._bell.rings(self._clock()):
            self._context.terminal.ring_bell()

    def _take_read(self, notice: ReadNotice) -> None:
        rooms = self._context.rooms
        in_group = notice.group_id is not None
        room = rooms.by_key.get(RoomKey(in_group, notice.group_id or notice.user_id or 0))
        if room is None:
            return
        if notice.reader_id == rooms.directory.me[0]:
            room.take_read(notice.seq)
        else:
            room.set_other_read(notice.seq)

    def _take_typing(self, notice: TypingNotice) -> None:
        in_group = notice.group_id is not None
        key = RoomKey(in_group, notice.group_id or notice.user_id)
        self._context.rooms.note_typing(key, notice.user_id, time.monotonic())
        self._context.terminal.spawn(self._end_typing())

    async def _end_typing(self) -> None:
        """Draw again when the notice is over."""
        await asyncio.sleep(TYPING_SECONDS)
        self._context.terminal.redraw()

    def _take_device_notice(self, notice: DeviceNotice) -> None:
        if notice.event == "new":
            label = one_line(notice.label) or self._context.state.texts("unnamed device")
            self._context.notice("new device", stays=True, label=label, id=notice.id)
            if self._context.state.bell and self._bell.rings(self._clock()):
                self._context.terminal.ring_bell()
        elif notice.event == "ended":
            self._context.notice("device ended", id=notice.id)

    def _is_from_new_member(self, message: ChatMessage) -> bool:
        if message.group_id is None or self._context.directory.group(message.group_id) is None:
            return False
        members = self._context.directory.members_of(message.group_id)
        return message.sender_id not in [member.id for member in members]

    def _alert(self, message: ChatMessage) -> None:
        """Ring, and show a desktop notice, as the settings say."""
        state, terminal = self._context.state, self._context.terminal
        if state.bell:
            terminal.ring_bell()
        if state.notify != "off" and not state.focused:
            sender, text = one_line(message.sender_name), one_line(message.text)
            terminal.notify_desktop(clip(sender, _NOTIFY_CELLS), clip(text, _NOTIFY_CELLS))

    def _announce(self, announcement: Announcement) -> None:
        self._context.notice("announcement", stays=True, text=one_line(announcement.text))
        if self._context.state.bell:
            self._context.terminal.ring_bell()

    def _set_status(self, status: Status) -> None:
        self._context.state.status = status
        if status.state is State.STOPPED:
            if isinstance(status.error, RefusedError) and status.error.errno == ErrNo.REFUSED:
                self._login.token_refused()
            elif isinstance(status.error, TooManyDevicesError):
                self._login.devices_refused(status.error)
        elif status.state is State.ONLINE:
            self._online()
        elif status.state is State.WAITING:
            self._context.terminal.spawn(self._count_down(status))

    def _online(self) -> None:
        self._login.know_user()
        self._loader.refresh_account()
        rooms = self._context.rooms
        if self._online_rooms is rooms:
            rooms.mark_stale()
        else:
            self._tell_waiting()
        self._online_rooms = rooms
        account = self._context.client.account
        if account is not None and account.id == rooms.directory.me[0]:
            rooms.set_conversations(account)
            self._marks.tell_all()
        self._loader.name_rooms()
        self._loader.complete(rooms.current)

    def _tell_waiting(self) -> None:
        """A notice about the requests of friends and the invitations that wait for an answer."""
        account, texts = self._context.directory.account, self._context.state.texts
        if account is None:
            return
        waiting = (
            ("requests wait", len(account.friend_requests)),
            ("invitations wait", len(account.invitations)),
        )
        parts = [texts(key, count=count) for key, count in waiting if count]
        if parts:
            self._context.state.say("  ".join(parts), stays=True)
        if account.device_id:
            self._context.terminal.spawn(self._tell_devices(parts))

    async def _tell_devices(self, parts: list[str]) -> None:
        """Add the number of devices online to the notice, if there are several."""
        context = self._context
        said = context.state.notice
        try:
            devices = await context.terminal.run_blocking(context.client.devices)
        except ClientError:
            return
        count = sum(device.online for device in devices)
        if count > 1 and context.state.notice is said:
            online = context.state.texts("devices online", count=count)
            context.state.say("  ".join([*parts, online]), stays=bool(parts))
            context.terminal.redraw()

    async def _count_down(self, status: Status) -> None:
        """Redraw each second of the pause before the next connect."""
        terminal = self._context.terminal
        while self._context.state.status is status and not terminal.is_closed:
            terminal.redraw()
            await asyncio.sleep(1.0)
