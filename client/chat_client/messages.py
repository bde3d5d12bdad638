"""MessageMethods: sending and receiving chat messages, and reading those of the past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from chat.protocol import ErrNo
from client.account.callbacks import Callbacks
from client.account.login_control import LoginControl
from client.account.message_stream import MessageStream
from client.account.outbox import Withdrawal
from client.account.requester import Requester
from client.account.sending import Sending
from client.account.shared_state import SharedState
from client.errors import ClosedError, NotLoggedInError, RefusedError
from client.ids import check_id
from client.limits import check_text
from client.protocol import requests
from client.values import ChatMessage, History, SearchPage


class MessageMethods:
    """A base of ChatClient."""

    _shared: SharedState
    _requester: Requester
    _login: LoginControl
    _stream: MessageStream
    _callbacks: Callbacks

    def send(self, user_id: int, text: str) -> Sending:
        """Send a message to a user. Any thread; does not block.

        The message is put into the outbox. It goes out as soon as there is a connection, once, and
        in the order of the calls. The result is a future Receipt, which is done when the server
        has the message. Raises NotLoggedInError, TooLargeError, StoreError, or ValueError for a
        wrong id or text.
        """
        return self._put_into_outbox(user_id, text, to_group=False)

    def send_to(self, name: str, text: str) -> Sending:
        """Send a message to the user with this name. Any thread; blocks until the user is found.

        Then as ``send``. Raises RefusedError (errno 5) if there is no such user.
        """
        check_text(name)
        found = self._requester.ask(requests.FIND_USER, name=name)
        if not found:
            raise RefusedError(ErrNo.NOT_FOUND, "no such user")
        return self.send(found[0].id, text)

    def send_group(self, group_id: int, text: str) -> Sending:
        """Send a message to all members of a group. Any thread; as ``send``."""
        return self._put_into_outbox(group_id, text, to_group=True)

    @property
    def outbox(self) -> tuple[Sending, ...]:
        """The unconfirmed messages in order, also those of an earlier run. Any thread."""
        with self._shared.changed:
            return () if self._shared.account is None else self._shared.account.sendings

    def withdraw(self, mid: str) -> Withdrawal:
        """Take a message of ``outbox`` back, by its ``mid``. Any thread; does not block.

        WITHDRAWN: the message was never sent. UNSURE: it is not sent again, but the server may
        have it, because the answer to an earlier copy was lost. In both cases its Sending fails
        with WithdrawnError. TOO_LATE: nothing has changed, because the message is on its way or
        has left the outbox.
        """
        with self._shared.changed:
            account = self._shared.account
            if account is None:
                return Withdrawal.TOO_LATE
            result, completions = account.withdraw(mid)
            self._callbacks.messages_arrived(account.release_held())
            self._shared.changed.notify_all()
        for complete in completions:
            complete()
        return result

    def flush(self, timeout: float) -> bool:
        """Wait until the outbox is empty, at most ``timeout`` seconds. Any thread; blocks.

        Returns whether it is empty. The wait also ends when the client has stopped or is closed.
        """
        return self._login.flush(timeout)

    def messages(self, timeout: float | None = None) -> MessageStream:
        """An iterator over the messages that arrive. One thread at a time; blocks.

        They are the messages of other users, and with ``mine`` those that this user has sent from
        another device, or to itself.

        A message is acknowledged to the server when the program asks for the next one, when it
        logs out, and when the ``with`` block ends without an exception. After a crash before that,
        the message comes again.

        The loop ends when the client is closed, and after ``timeout`` seconds without a message;
        with 0 it takes only the messages that have arrived. If the client has stopped, it raises
        the reason: ReplacedError, or RefusedError for a token that is no longer valid. Raises
        ValueError if the client has an ``on_message``.
        """
        if self._callbacks.take_messages:
            raise ValueError("on_message takes the messages")
        return self._stream.within(timeout)

    def history(
        self,
        *,
        user_id: int | None = None,
        group_id: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> History:
        """A page of a conversation's past, oldest message first. Any thread; blocks.

        It is the newest page, or the page before the message with the ``seq`` in ``before``. It has
        at most ``limit`` messages. Raises ValueError unless there is one of ``user_id`` and
        ``group_id``.
        """
        if (user_id is None) == (group_id is None):
            raise ValueError("either a user or a group")
        where = _part(user_id, group_id, before)
        page = self._requester.ask(requests.HISTORY, **where, limit=limit)
        return replace(page, messages=self._with_owner(page.messages))

    def search(
        self,
        query: str,
        *,
        user_id: int | None = None,
        group_id: int | None = None,
        limit: int = 20,
    ) -> Iterator[SearchPage]:
        """The messages with all words of ``query``, in pages, the newest first. Any thread.

            for page in client.search("tea"):
                for hit in page.hits:
                    print(hit.message.text)

        It searches the conversation with a user, or in a group, or else all own conversations. Each
        step of the iterator is a request, as ``search_page``.
        """
        before: int | None = None
        while True:
            page = self.search_page(
                query, user_id=user_id, group_id=group_id, before=before, limit=limit
            )
            yield page
            before = page.before
            if before is None:
                return

    def search_page(
        self,
        query: str,
        *,
        user_id: int | None = None,
        group_id: int | None = None,
        before: int | None = None,
        limit: int = 20,
    ) -> SearchPage:
        """One page of ``search``: the newest, or the one before a number. Any thread; blocks.

        ``before``: of the page before. Raises ValueError for both ``user_id`` and ``group_id``.
        """
        if user_id is not None and group_id is not None:
            raise ValueError("either a user or a group")
        where = _part(user_id, group_id, before)
        page = self._requester.ask(requests.SEARCH, query=query, **where, limit=limit)
        messages = self._with_owner(hit.message for hit in page.hits)
        pairs = zip(page.hits, messages, strict=True)
        return replace(page, hits=tuple(replace(hit, message=one) for hit, one in pairs))

    def _with_owner(self, messages: Iterable[ChatMessage]) -> tuple[ChatMessage, ...]:
        """The messages, each with the note whether this user has sent it."""
        with self._shared.changed:
            me = 0 if self._shared.account is None else self._shared.account.user_id
        return tuple(replace(one, mine=one.sender_id == me) for one in messages)

    def _put_into_outbox(self, target: int, text: str, *, to_group: bool) -> Sending:
        check_id(target)
        with self._shared.changed:
            if self._shared.closing:
                raise self._shared.failure or ClosedError()
            account = self._shared.account
            if account is None or self._shared.leaving:
                raise NotLoggedInError
            sending = account.write(target, text, to_group=to_group)
            self._shared.changed.notify_all()
        return sending


def _part(user_id: int | None, group_id: int | None, before: int | None) -> dict[str, int]:
    """The fields for a part of the log. Raises ValueError for a wrong id."""
    fields: dict[str, int] = {}
    if group_id is not None:
        fields["groupid"] = check_id(group_id)
    if user_id is not None:
        fields["with"] = check_id(user_id)
    if before is not None:
        fields["before"] = before
    return fields
