"""RoomController: opens rooms, and keeps them and their drafts between runs."""

from __future__ import annotations

from client.errors import StoreError
from client.ui.commands.context import CommandContext
from client.ui.commands.message_sender import MessageSender
from client.ui.commands.room_loader import RoomLoader
from client.ui.model.room import Room, RoomKey
from client.ui.model.room_list import RoomList
from client.ui.model.saved_rooms import restore, to_saved, without_numbers
from client.values import Account

UI_FILE = "ui.json"


class RoomController:
    """The rooms of the user who logs in, and the open one. The terminal's thread."""

    def __init__(self, context: CommandContext, loader: RoomLoader, sender: MessageSender) -> None:
        self._context = context
        self._loader = loader
        self._sender = sender
        self._saved_state: object = None

    # ------------------------------------------------------------------ the user

    def start_user(self, user_id: int, name: str = "") -> None:
        """Restore the rooms of a user whose login begins; 0: the number is not known yet."""
        context = self._context
        if context.directory.me[0] != user_id:
            context.state.rooms = RoomList(user_id, name, context.state.texts)
            try:
                restore(context.rooms, context.client.recall(UI_FILE))
            except StoreError as exc:
                context.notice_error(exc)
        self._sender.track_outbox()
        self._show_draft()

    def note_epoch(self, account: Account) -> None:
        """Begin anew if the server has restored a backup: messages have other numbers then.

        The rooms, their drafts and the unsent messages stay. The open room is loaded again.
        """
        context = self._context
        former, epoch = context.rooms.epoch, account.epoch
        if epoch and former and epoch != former:
            self._keep_draft()
            saved = without_numbers(to_saved(context.rooms))
            context.state.rooms = RoomList(account.id, account.name, context.state.texts)
            restore(context.rooms, saved)
            self._sender.track_outbox()
        context.rooms.epoch = epoch or former

    def show_account(self, account: Account) -> None:
        """Show the rooms of a user who is logged in."""
        self.note_epoch(account)
        self._context.rooms.set_account(account)
        self._context.rooms.set_conversations(account)
        self._context.state.logged_in = True

    def forget_user(self) -> None:
        """Remove all rooms after a logout."""
        self._context.state.rooms = RoomList(0)
        self._sender.count_unsent()
        self._show_draft()

    def save(self) -> None:
        """Save the rooms for the next run."""
        context = self._context
        self._keep_draft()
        if context.directory.me[0]:
            try:
                context.client.remember(UI_FILE, to_saved(context.rooms))
            except StoreError as exc:
                context.notice_error(exc)

    def save_changes(self) -> None:
        """Save the rooms if they have changed since the last call."""
        if not self._context.state.logged_in:
            return
        state = to_saved(self._context.rooms)
        if state != self._saved_state:
            self._saved_state = state
            self.save()

    # ------------------------------------------------------------------ the open room

    def open_room(self, room: Room | None) -> None:
        """Open another room. Each room keeps its own unsent input line as a draft.

        Text that was typed before any room was open goes to the first one that is opened. Lines
        that wait for the server go back into the input line of their room: they are not for the
        other one.
        """
        context, state = self._context, self._context.state
        if room is None or room is context.rooms.current:
            return
        if state.pending is not None:
            text, _ = context.terminal.input_text()
            context.terminal.set_input(state.pending.text(text))
            state.pending = None
        self._keep_draft()
        if context.rooms.current is None and state.logged_in and not room.draft[0]:
            room.draft = context.terminal.input_text()
        state.search = None
        state.notice = None
        context.rooms.open(room)
        self._show_draft()
        self._loader.complete(room)
        self.save()

    def open_key(self, key: RoomKey) -> None:
        """Open a room that may be new."""
        self.open_room(self._context.rooms.room(key))

    def _keep_draft(self) -> None:
        room = self._context.rooms.current
        if room is not None and self._context.state.logged_in:
            room.draft = self._context.terminal.input_text()

    def _show_draft(self) -> None:
        """Put the draft into the input line.

        Example: the user presses Enter to send a line, and at that moment the login restores a
        draft. ``draft_waits`` keeps that Enter from sending the draft.
        """
        room = self._context.rooms.current
        text, cursor = room.draft if room is not None else ("", 0)
        self._context.terminal.set_input(text, cursor)
        self._context.state.draft_waits = bool(text)
