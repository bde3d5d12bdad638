"""ReceivingMethods: the messages of an account on their way to the application."""

from __future__ import annotations

import logging

from client.account.inbox import Inbox, Seen, make_mark
from client.account.names import Names
from client.account.outbox import Outbox, OutboxMessage
from client.account.roster import Roster
from client.account.store import Store
from client.errors import StoreError
from client.protocol.events import ChatAnswer
from client.values import ChatMessage

log = logging.getLogger(__name__)


class ReceivingMethods:
    """A base of LocalAccount."""

    user_id: int
    store: Store | None
    roster: Roster | None
    names: Names
    outbox: Outbox
    inbox: Inbox

    def received(self, message: ChatMessage) -> bool:
        """Take a message that has arrived. Returns whether the application gets it now."""
        self.names.note(message.sender_id, message.sender_name)
        return self.inbox.put(message, hold=self._may_be_sent_here(message))

    def received_event(self, message: ChatMessage) -> bool:
        """Take an event of a group; returns whether it is new."""
        event = message.event
        assert event is not None
        for user_id, name in ((event.by_id, event.by_name), (event.user_id, event.name)):
            if name:
                self.names.note(user_id, name)
        if not self.inbox.put_event(message):
            return False
        if self.roster is not None:
            self.roster.take_group_event(message)
        return True

    def release_held(self) -> int:
        """Queue the held messages that were not sent here after all. Returns their number."""
        return self.inbox.release(self._may_be_sent_here)

    def _may_be_sent_here(self, message: ChatMessage) -> bool:
        """Whether a message may be a copy of one in the outbox. See ``inbox``."""
        if not message.mine or message.other_id == self.user_id:
            return False  # a message to oneself comes to the sending device, too
        target, to_group = message.group_id or message.to_id, message.group_id is not None
        return any(
            one.may_be_stored
            and (one.text, one.target, one.to_group) == (message.text, target, to_group)
            for one in self.outbox.messages
        )

    def _note_sent(self, message: OutboxMessage, answer: ChatAnswer) -> None:
        """If a message was sent more than once, note its ``seq``: a copy of it may come."""
        to_myself = not message.to_group and message.target == self.user_id
        if answer.seq is None or not message.unanswered or to_myself:
            return
        mark = make_mark(answer.seq, self.user_id, answer.time, message.text)
        self.inbox.sent_here(mark)
        self._keep_mark(mark)

    def done(self, message: ChatMessage) -> None:
        """Note that the application has handled a message, in memory and in the file."""
        mark = self.inbox.done(message)
        if mark is not None:
            self._keep_mark(mark)

    def _keep_mark(self, mark: Seen) -> None:
        if self.store is not None:
            try:
                self.store.saw(mark)
            except StoreError as exc:
                log.warning("message %d may be shown again after a restart: %s", mark.seq, exc)
