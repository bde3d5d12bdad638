"""MessageCommands: the commands about own messages that are queued or failed."""

from __future__ import annotations

from client.account.outbox import Withdrawal
from client.ui.commands.command_group import CommandGroup
from client.ui.commands.context import CommandContext
from client.ui.commands.message_sender import MessageSender
from client.ui.model.command_line import InputError


class MessageCommands(CommandGroup):
    """Resending and withdrawing in the open room. The terminal's thread."""

    def __init__(self, context: CommandContext, sender: MessageSender) -> None:
        super().__init__(context)
        self._sender = sender

    def retry(self) -> None:
        """Send the failed messages again."""
        count = self._sender.resend_failed(self._current_room())
        if count:
            self._context.notice("retrying", count=count)
        else:
            self._context.notice("nothing failed")

    def unsend(self) -> None:
        """Withdraw the last queued or failed message, and put its text into the input line."""
        room = self._current_room()
        if not room.unsent:
            raise InputError("nothing unsent")
        item = room.unsent[-1]
        result = self._sender.withdraw(room, item)
        if result is Withdrawal.TOO_LATE:
            raise InputError("unsend late")
        if not self._context.terminal.input_text()[0]:
            self._context.terminal.set_input(item.text)
        self._context.notice("unsent unsure" if result is Withdrawal.UNSURE else "unsent surely")

    def discard(self) -> None:
        """Withdraw all queued and failed messages."""
        room = self._current_room()
        if not room.unsent:
            raise InputError("nothing unsent")
        results = [self._sender.withdraw(room, item) for item in room.unsent]
        taken = len(results) - results.count(Withdrawal.TOO_LATE)
        unsure = results.count(Withdrawal.UNSURE)
        if not taken:
            raise InputError("unsend late")
        key = "discarded unsure" if unsure else "discarded"
        self._context.notice(key, count=taken, unsure=unsure)
