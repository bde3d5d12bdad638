"""MessageSender: sends own messages and shows their delivery marks."""

from __future__ import annotations

from functools import partial

from client.account.outbox import Withdrawal
from client.account.sending import Sending
from client.errors import ClientError, NotConfirmedError, RefusedError, WithdrawnError
from client.ui.commands.context import CommandContext
from client.ui.commands.terminal import call_if_open
from client.ui.model.message_item import Mark, MessageItem
from client.ui.model.room import Room
from client.ui.text.error_texts import error_text, refusal_text


class MessageSender:
    """Hands messages to the client. The terminal's thread."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context

    def send_text(self, room: Room, text: str) -> bool:
        """Send a message. Returns False, after a notice, if the client does not take it."""
        client = self._context.client
        send = client.send_group if room.key.in_group else client.send
        try:
            sending = send(room.key.id, text)
        except ClientError as exc:
            self._context.notice_error(exc)
            return False
        self.track(sending)
        return True

    def track(self, sending: Sending) -> None:
        """Show a message that is being sent, and its mark when the server has answered."""
        self._context.rooms.write(sending)
        self.count_unsent()
        settled = partial(call_if_open, self._context.terminal, self._settled, sending)
        sending.add_done_callback(lambda future: settled())

    def track_outbox(self) -> None:
        """Show the messages that an earlier run has queued."""
        for sending in self._context.client.outbox:
            self.track(sending)

    def resend_failed(self, room: Room) -> int:
        """Send the failed messages again, in their order. Returns their number."""
        failed = room.failed
        for item in failed:
            if not self.send_text(room, item.text):
                break
            self._context.rooms.forget(room, item)
        return len(failed)

    def withdraw(self, room: Room, item: MessageItem) -> Withdrawal:
        """Withdraw a message that is queued or has failed."""
        assert item.mid is not None
        result = Withdrawal.WITHDRAWN
        if item.mark is Mark.SENDING:
            result = self._context.client.withdraw(item.mid)
        if result is not Withdrawal.TOO_LATE:
            self._context.rooms.forget(room, item)
        self.count_unsent()
        return result

    def count_unsent(self) -> None:
        """Show the number of messages that the server has not confirmed."""
        self._context.state.unsent = len(self._context.client.outbox)

    def _settled(self, sending: Sending) -> None:
        self.count_unsent()
        error = sending.exception()
        if error is None:
            self._context.rooms.confirm(sending.result())
        elif isinstance(error, WithdrawnError):
            pass  # the command has removed it
        elif not (isinstance(error, NotConfirmedError) and error.kept):
            self._failed(sending.mid, error)

    def _failed(self, mid: str, error: BaseException) -> None:
        texts, rooms = self._context.state.texts, self._context.rooms
        if isinstance(error, RefusedError):
            reason = refusal_text(error, texts)  # the mark names the commands to use next
        else:
            reason = error_text(error, texts)
        room = rooms.fail(mid, reason)
        if room is not None and room is not rooms.current:
            self._context.notice_error(error)
