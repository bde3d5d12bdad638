"""ChatClient: a chat account for programs. It stays connected, and loses no message.

::

    from client import ChatClient

    with ChatClient("127.0.0.1", 6000) as client:
        client.login(5, "secret")
        for message in client.messages():
            if message.group_id is None:
                client.send(message.sender_id, f"you said: {message.text}")

The way of a chat message, out and in::

    send ─▶ outbox ─▶ session ─▶ server      server ─▶ session ─▶ inbox ─▶ messages(), on_message
              ▲ its file          │                      │ seen before?     │ its file, and then
              └──── CHAT_ACK ─────┘                      └──▶ DELIVERED ◀───┘ acknowledged
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from client.account.callbacks import Callbacks, Functions, status_poster
from client.account.dispatcher import Dispatcher
from client.account.lifecycle import State, Status
from client.account.login_control import LoginControl
from client.account.message_stream import MessageStream
from client.account.outbox import Withdrawal
from client.account.requester import Requester
from client.account.sending import Sending
from client.account.session_driver import SessionDriver
from client.account.shared_state import SharedState
from client.account.store import forget_account
from client.account.supervisor import Supervisor
from client.errors import ClosedError, NoAnswerError, NotLoggedInError
from client.ids import check_id
from client.limits import check_text
from client.protocol import requests
from client.protocol.connection import open_socket
from client.timing import Timing
from client.values import Account, ChatMessage, Friend, Group, History, Member, Presence

if TYPE_CHECKING:
    import socket
    import ssl

    from client.protocol.tls import TlsSocket


class ChatClient:
    """Connects to a chat server, and again whenever the connection is lost.

    Any thread may call everything here, callbacks included. Requests block until they are
    answered and raise RefusedError, NoAnswerError, ConnectionLostError, NotLoggedInError or
    ClosedError; while the client is reconnecting they first wait for that, briefly. ``send`` and
    ``send_group`` do not block: they put the message into the outbox.

    ``tls``: True, or a context of your own. ``folder``: where to keep logins, un-acked messages
    and the numbers of seen messages, so that a restart loses and repeats none; None keeps nothing.
    ``device``: the name of this installation for the server; made up if not given, and kept in
    the folder. ``keep_connected``: False means that a lost connection ends in STOPPED instead of
    a new attempt, and that a login is tried once.

    Callbacks run on one thread, in order, and without any lock held: ``on_message(ChatMessage)``,
    ``on_presence(Presence)``, ``on_state(Status)``, ``on_ready()`` for each message that
    ``messages()`` can return now, and ``on_server_error(text)`` for an error of the server that
    belongs to no request.

    A message is acknowledged to the server when ``on_message`` has returned. It is acknowledged,
    too, when ``on_message`` raises, after the exception was logged: it would raise again at every
    login. Only ClosedError leaves the message for the next login: a program that is ending may
    raise that. SystemExit, and every other exception that is no Exception, ends the client: the
    message comes again at the next login, and ``wait_closed``, ``messages()`` and the end of the
    ``with`` block raise the exception. Without ``on_message`` there is ``messages()``.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | bool | None = None,
        folder: Path | str | None = None,
        device: str | None = None,
        keep_connected: bool = True,
        on_message: Callable[[ChatMessage], object] | None = None,
        on_presence: Callable[[Presence], object] | None = None,
        on_state: Callable[[Status], object] | None = None,
        on_ready: Callable[[], object] | None = None,
        on_server_error: Callable[[str], object] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._folder = None if folder is None else Path(folder)
        self._keep_connected = keep_connected
        self._timing = timing or Timing()
        functions = Functions(on_message, on_presence, on_state, on_ready, on_server_error)
        dispatcher = Dispatcher()
        self._shared = SharedState(status_poster(dispatcher, functions))
        self._callbacks = Callbacks(self._shared, dispatcher, functions)
        self._stream = MessageStream(self._shared)
        self._requester = Requester(self._shared, self._timing)
        self._supervisor = Supervisor(
            self._shared,
            self._open_socket,
            self._new_driver,
            self._timing,
            random.random,
            keep_connected=keep_connected,
        )
        where = None if self._folder is None else (self._folder, host, port)
        self._login = LoginControl(
            self._shared, self._supervisor, self._callbacks, self._timing, where, device
        )

    def __repr__(self) -> str:
        return f"<ChatClient {self._host}:{self._port} {self.state.value}>"

    # ------------------------------------------------------------------ the connection

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None:
            self._stream.finish()
        self.close()
        if exc_type is None:
            self._shared.raise_failure()

    @property
    def state(self) -> State:
        """The state of connection and login. Any thread."""
        return self._shared.status.state

    @property
    def status(self) -> Status:
        """The same, and its reason. Any thread."""
        return self._shared.status

    def connect(self, timeout: float | None = None) -> None:
        """Connect, and stay connected from then on. Any thread; blocks.

        Makes one attempt; or, with a ``timeout`` in seconds, as many as fit in. Raises the last
        attempt's error, mostly ConnectError, and closes the client then.
        """
        self.start()
        try:
            self._shared.wait_connected(timeout)
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """As ``connect``, but without waiting. Any thread; idempotent. Raises ClosedError."""
        self._callbacks.start()
        self._supervisor.start()

    def reconnect(self) -> None:
        """Try again now: do not wait for the end of the back-off, or go on after a stop.

        Any thread; does not block.
        """
        self._supervisor.hurry()

    def close(self) -> None:
        """Disconnect for good. Any thread; idempotent; blocks for some seconds at most.

        While connected it first waits for missing acks. Messages that the server has not
        confirmed even then stay in the folder, if there is one, for the next run; their Sendings
        fail with NotConfirmedError. The login stays valid.
        """
        self._login.finish()
        self._supervisor.close()
        self._login.close()
        self._callbacks.stop()

    def wait_closed(self, timeout: float | None = None) -> bool:
        """Wait until the client is closed, at most ``timeout`` seconds. Any thread.

        Returns whether it is. For a program that consists of callbacks. Raises the exception of
        a callback that ended the client, such as the SystemExit of ``sys.exit()``.
        """
        shared = self._shared
        with shared.changed:
            closed = shared.changed.wait_for(lambda: shared.state is State.CLOSED, timeout)
        if closed:
            shared.raise_failure()
        return closed

    # ------------------------------------------------------------------ logging in and out

    @property
    def user_id(self) -> int | None:
        """The number of the account that is logged in or logging in, else None. Any thread."""
        with self._shared.changed:
            return None if self._shared.account is None else self._shared.account.user_id

    @property
    def name(self) -> str:
        """The name of that account; empty until the first login has succeeded. Any thread."""
        with self._shared.changed:
            return "" if self._shared.account is None else self._shared.account.credentials.name

    @property
    def account(self) -> Account | None:
        """The user that is logged in, with its friends and groups as known now. Any thread.

        It stays while the client reconnects; None before the first login and after a logout.
        """
        with self._shared.changed:
            account = self._shared.account
            return None if account is None or account.roster is None else account.roster.account

    def register(self, name: str, password: str) -> int:
        """Register a user; returns the id to log in with. Any thread; blocks.

        Files of an earlier user with this id are removed from the folder: they are from a server
        that was set up anew since.
        """
        check_text(name)
        check_text(password)
        user_id = self._requester.ask(requests.REGISTER, name=name, password=password)
        if self._folder is not None:
            forget_account(self._folder, self._host, self._port, user_id)
        return user_id

    def login(self, user_id: int, password: str | None = None) -> Account:
        """Log in; without password by the saved token. Any thread; blocks.

        From then on the client logs in again whenever it has reconnected. After a failure that
        may pass (no answer, a lost connection, "try again") it tries again for some seconds
        before it raises. Raises LoggedInError if a user is logged in, NotStartedError before
        ``connect`` or ``start``, StoreError, and the errors of a request.
        """
        future = self.login_soon(user_id, password)
        try:
            return future.result(self._timing.patience)
        except TimeoutError:
            error = self.status.error or NoAnswerError(self._timing.patience)
            self.cancel_login()
            raise error from None

    def login_soon(self, user_id: int, password: str | None = None) -> Future[Account]:
        """As ``login``, but without waiting and without giving up. Any thread; does not block.

        The future is the outcome; ``send`` works at once. For a program that is useful without
        a connection, too. Raises LoggedInError, StoreError, NotStartedError or ClosedError.
        """
        check_id(user_id)
        if password is not None:
            check_text(password)
        return self._login.log_in(user_id, password)

    def cancel_login(self) -> None:
        """Give up a login that is undecided; its future fails. Any thread; idempotent."""
        self._login.cancel()

    def logout(self, timeout: float | None = None) -> None:
        """Log out: the saved token becomes invalid. Any thread; blocks.

        First waits for missing acks; messages without one are kept as by ``close``. On this side
        the logout is done in any case. An error means that the server has not confirmed it;
        NoAnswerError, that it has not within ``timeout`` seconds.
        """
        self._stream.finish()
        self._login.log_out(timeout)

    # ------------------------------------------------------------------ sending messages

    def send(self, user_id: int, text: str) -> Sending:
        """Send a message to a user. Any thread; does not block.

        The message goes out now or as soon as there is a connection, in the order of these
        calls, and once. The returned future tells when the server has it. Raises
        NotLoggedInError, TooLargeError, StoreError, or ValueError for a wrong id or text.
        """
        return self._put_into_outbox(user_id, text, to_group=False)

    def send_group(self, group_id: int, text: str) -> Sending:
        """Send a message to all members of a group. Any thread; as ``send``."""
        return self._put_into_outbox(group_id, text, to_group=True)

    @property
    def outbox(self) -> tuple[Sending, ...]:
        """The unconfirmed messages, in order; those of an earlier run, too. Any thread."""
        with self._shared.changed:
            return () if self._shared.account is None else self._shared.account.sendings

    def withdraw(self, mid: str) -> Withdrawal:
        """Take a message of ``outbox`` back, by its ``mid``. Any thread; does not block.

        WITHDRAWN: the server has not got it. UNSURE: it is not sent again, but the server may
        have an earlier copy, whose answer was lost. In both cases its Sending fails with
        WithdrawnError. TOO_LATE: nothing was changed; the message is on its way, or has left the
        outbox.
        """
        with self._shared.changed:
            account = self._shared.account
            if account is None:
                return Withdrawal.TOO_LATE
            result, completions = account.withdraw(mid)
            self._shared.changed.notify_all()
        for complete in completions:
            complete()
        return result

    def flush(self, timeout: float) -> bool:
        """Wait until the outbox is empty, at most ``timeout`` seconds. Any thread.

        Returns whether it is. It also ends when the client has stopped or is closed.
        """
        return self._login.flush(timeout)

    # ------------------------------------------------------------------ receiving messages

    def messages(self, timeout: float | None = None) -> MessageStream:
        """The messages of other users, one after the other. One thread at a time; blocks.

        A message is acknowledged to the server when the next one is asked for, by a logout, and
        when the client's ``with`` block ends without an exception; until then a crash would
        bring it again. The loop ends when the client is closed, and after ``timeout`` seconds
        without a message if that is given; with 0 it only takes the messages that are there. It
        raises the reason if the client has stopped: ReplacedError, or RefusedError for a token
        that is no longer valid.
        """
        if self._callbacks.take_messages:
            raise ValueError("on_message takes the messages")
        return self._stream.within(timeout)

    # ------------------------------------------------------------------ requests

    def history(
        self,
        *,
        user_id: int | None = None,
        group_id: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> History:
        """A page of a conversation's past, oldest message first. Any thread; blocks.

        The newest page, or the one before the message whose ``seq`` is ``before``.
        """
        if (user_id is None) == (group_id is None):
            raise ValueError("either a user or a group")
        where = {"groupid": check_id(group_id)} if group_id is not None else {}
        if user_id is not None:
            where["with"] = check_id(user_id)
        if before is not None:
            where["before"] = before
        return self._requester.ask(requests.HISTORY, **where, limit=limit)

    def add_friend(self, friend_id: int) -> Friend:
        """Put a user on the contact list; an existing friend is returned, too.

        Any thread; blocks.
        """
        check_id(friend_id)
        since = self._requester.with_roster(lambda roster: roster.heard)
        friend = self._requester.ask_for("friend", requests.ADD_FRIEND, friendid=friend_id)
        self._requester.with_roster(lambda roster: roster.add_friend(friend, since))
        return friend

    def remove_friend(self, friend_id: int) -> None:
        """Take a user off the contact list. Any thread; blocks."""
        self._requester.ask(requests.REMOVE_FRIEND, friendid=check_id(friend_id))
        self._requester.with_roster(lambda roster: roster.remove_friend(friend_id))

    def create_group(self, name: str, desc: str = "") -> Group:
        """Create a group with this user in it. Any thread; blocks."""
        check_text(name)
        check_text(desc)
        group_id = self._requester.ask(requests.CREATE_GROUP, groupname=name, groupdesc=desc)
        group = self._requester.with_roster(lambda r: r.created_group(group_id, name, desc))
        return group or Group(group_id, name, desc, ())

    def join_group(self, group_id: int) -> Group:
        """Join a group; the group of an existing member is returned, too. Any thread; blocks."""
        check_id(group_id)
        group = self._requester.ask_for("group", requests.JOIN_GROUP, groupid=group_id)
        self._requester.with_roster(lambda roster: roster.add_group(group))
        return group

    def leave_group(self, group_id: int) -> None:
        """Leave a group. Any thread; blocks."""
        self._requester.ask(requests.LEAVE_GROUP, groupid=check_id(group_id))
        self._requester.with_roster(lambda roster: roster.remove_group(group_id))

    def members(self, group_id: int) -> tuple[Member, ...]:
        """The members of a group, and their state. Any thread; blocks."""
        members = self._requester.ask(requests.MEMBERS, groupid=check_id(group_id))
        self._requester.with_roster(lambda roster: roster.set_members(group_id, members))
        return members

    def remove_member(self, group_id: int, user_id: int) -> None:
        """Remove a member from a group of your own. Any thread; blocks."""
        fields = {"groupid": check_id(group_id), "userid": check_id(user_id)}
        self._requester.ask(requests.REMOVE_MEMBER, **fields)
        self._requester.with_roster(lambda roster: roster.remove_member(group_id, user_id))

    def dissolve_group(self, group_id: int) -> None:
        """End a group of your own. Any thread; blocks."""
        self._requester.ask(requests.DISSOLVE_GROUP, groupid=check_id(group_id))
        self._requester.with_roster(lambda roster: roster.remove_group(group_id))

    # ------------------------------------------------------------------ files of the program

    def remember(self, name: str, content: dict[str, Any]) -> None:
        """Keep a JSON object of your own beside the login, under a file name. Any thread.

        Without a folder or a login it is not kept. Raises StoreError.
        """
        with self._shared.changed:
            account = self._shared.account
            if account is not None and account.store is not None:
                account.store.write_extra(name, content)

    def recall(self, name: str) -> dict[str, Any]:
        """The object kept under a name; empty if there is none. Any thread. Raises StoreError."""
        with self._shared.changed:
            account = self._shared.account
            return (
                {} if account is None or account.store is None else account.store.read_extra(name)
            )

    # ------------------------------------------------------------------ parts

    def _open_socket(self) -> socket.socket | TlsSocket:
        """Supervisor's thread."""
        if self._tls is True:
            from client.protocol.tls import make_context

            self._tls = make_context()
        return open_socket(self._host, self._port, self._timing, self._tls or None)

    def _new_driver(self, sock: socket.socket | TlsSocket) -> SessionDriver:
        """Supervisor's thread."""
        return SessionDriver(
            sock, self._shared, self._timing, self._callbacks, retry_login=self._keep_connected
        )

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
