"""SendingMethods: the messages of an account on their way to the server."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from functools import partial

from chat.protocol import MAX_FRAME, Message, MsgType, encode
from client.account.outbox import MessageState, Outbox, OutboxMessage, Withdrawal
from client.account.sending import Receipt, Sending
from client.account.store import Store
from client.errors import (
    ClientError,
    NotConfirmedError,
    RefusedError,
    StoreError,
    TooLargeError,
    WithdrawnError,
)
from client.limits import check_text
from client.protocol.events import ChatAnswer

log = logging.getLogger(__name__)

Completion = Callable[[], None]
"""A call that completes a Sending, after the lock was released."""


class SendingMethods:
    """A base of LocalAccount."""

    user_id: int
    store: Store | None
    outbox: Outbox
    _sendings: dict[str, Sending]
    _restored: frozenset[str]

    @property
    def sendings(self) -> tuple[Sending, ...]:
        """The messages that the server has not confirmed, in order."""
        return tuple(self._sendings[message.mid] for message in self.outbox.messages)

    def write(self, target: int, text: str, *, to_group: bool) -> Sending:
        """Put a message into the outbox and its file. Raises TooLargeError or StoreError."""
        check_text(text)
        message = OutboxMessage(uuid.uuid4().hex, target, to_group, text, time.time())
        size = len(encode(self.frame(message)))
        if size > MAX_FRAME:
            raise TooLargeError(size, MAX_FRAME)
        if self.store is not None:
            self.store.add(message)
        self.outbox.add(message)
        self._sendings[message.mid] = sending = new_sending(message)
        return sending

    def frame(self, message: OutboxMessage) -> Message:
        """A message of the outbox as a message of the protocol."""
        msgid = MsgType.GROUP_CHAT_MSG if message.to_group else MsgType.ONE_CHAT_MSG
        return {
            "msgid": int(msgid),
            "id": self.user_id,
            "groupid" if message.to_group else "toid": message.target,
            "msg": message.text,
            "mid": message.mid,
        }

    def answered(self, answer: ChatAnswer, now: float) -> list[Completion]:
        """Take a CHAT_ACK. Returns the call that completes the Sending; none after "try again"."""
        message = self.outbox.answered(answer, now)
        if message is None or message.state not in (MessageState.ACKED, MessageState.FAILED):
            return []
        self._forget(message)
        sending = self._sendings.pop(message.mid)
        if message.state is MessageState.ACKED:
            self._note_sent(message, answer)
            receipt = Receipt(answer.mid, answer.seq, answer.time)
            return [partial(sending.set_result, receipt)]
        return [partial(sending.set_exception, RefusedError(answer.errno, answer.errmsg))]

    def withdraw(self, mid: str) -> tuple[Withdrawal, list[Completion]]:
        """Take a message out of the outbox.

        Returns the outcome, and the call that completes its Sending.
        """
        message = next((one for one in self.outbox.messages if one.mid == mid), None)
        result = self.outbox.withdraw(mid)
        if message is None or result is Withdrawal.TOO_LATE:
            return result, []
        self._forget(message)
        sending = self._sendings.pop(mid)
        error = WithdrawnError(unsure=result is Withdrawal.UNSURE)
        return result, [partial(sending.set_exception, error)]

    def give_up(self) -> list[Completion]:
        """Stop waiting for answers. Returns the calls that complete all Sendings."""
        error: ClientError = NotConfirmedError(kept=self.store is not None)
        left = list(self._sendings.values())
        self._sendings.clear()
        return [partial(sending.set_exception, error) for sending in left]

    def _forget(self, message: OutboxMessage) -> None:
        if self.store is not None:
            try:
                self.store.remove(message.mid)
            except StoreError as exc:
                # After a restart it is sent once more, and the server recognises its mid.
                log.warning("a message stays in the outbox's file: %s", exc)

    def _drop_restored(self) -> list[Completion]:
        log.warning("messages of another user with the same number are not sent")
        error = NotConfirmedError(kept=False)
        completions: list[Completion] = []
        for message in self.outbox.messages:
            if message.mid in self._restored:
                self.outbox.remove(message.mid)
                self._forget(message)
                sending = self._sendings.pop(message.mid)
                completions.append(partial(sending.set_exception, error))
        return completions

    def _note_sent(self, message: OutboxMessage, answer: ChatAnswer) -> None:
        raise NotImplementedError  # ReceivingMethods


def new_sending(message: OutboxMessage) -> Sending:
    """The Sending of a message in the outbox."""
    return Sending(message.mid, message.target, message.to_group, message.text, message.created)
