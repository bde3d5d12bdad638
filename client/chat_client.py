"""ChatClient: a program's chat account. It stays connected, and loses nothing.

::

    from client import ChatClient

    with ChatClient("127.0.0.1", 6000) as client:
        client.login(5, "secret")
        for message in client.messages():
            if message.group_id is None:
                client.send(message.sender_id, f"you said: {message.text}")

What a chat message goes through here, either way::

    send ─▶ outbox ─▶ link ─▶ server          server ─▶ link ─▶ inbox ─▶ messages() or on_message
              ▲ its file        │                         │ seen before? │ then its file, and
              └─── CHAT_ACK ────┘                         └─▶ DELIVERED ◀┘ acknowledged
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from client.account.callbacks import Callbacks
from client.account.client_state import SharedState
from client.account.lifecycle import State, Status
from client.account.local_account import Desk, open_desk
from client.account.message_stream import MessageStream
from client.account.outbox import Withdrawal
from client.account.requests import Requests
from client.account.sending import Sending
from client.account.session_driver import Link
from client.account.store import forget_account
from client.account.supervisor import Supervisor
from client.errors import (
    ClosedError,
    LoggedInError,
    NoAnswerError,
    NotLoggedInError,
)
from client.ids import check_id
from client.limits import check_text
from client.protocol.connection import open_socket
from client.timing import Timing
from client.values import Account, ChatMessage, Presence

if TYPE_CHECKING:
    import socket
    import ssl

    from client.protocol.tls import TlsSocket


class ChatClient(Requests):
    """Connects to a chat server, and again whenever the connection is lost.

    Everything here may be called from any thread, callbacks included. Requests block until they
    are answered and raise RefusedError, NoAnswerError, ConnectionLostError, NotLoggedInError
    or ClosedError; while the client is reconnecting they first wait for that, briefly.
    ``send`` and ``send_group`` do not block: they put the message into the outbox.

    ``tls``: True, or a context of your own. ``folder``: where to keep logins, un-acked messages
    and what was shown, so that a restart loses and repeats nothing; None keeps nothing, and then
    a restart begins anew. ``device``: what the server takes this installation for; made up if not
    given, and kept in the folder.

    Callbacks run on one thread, in order, and without any lock held: ``on_message(ChatMessage)``,
    ``on_presence(Presence)``, ``on_state(Status)``. A message is acknowledged to the server when
    ``on_message`` has returned; when it raises, too, after the exception was logged, because it
    would raise again at every login. Only ClosedError leaves it for the next time: a program that
    is ending may raise that. SystemExit, and all else that is no Exception, ends the client: the
    message comes again at the next login, and ``wait_closed``, ``messages()`` and the end of the
    ``with`` block raise it. Without ``on_message`` there is ``messages()``.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | bool | None = None,
        folder: Path | str | None = None,
        device: str | None = None,
        on_message: Callable[[ChatMessage], object] | None = None,
        on_presence: Callable[[Presence], object] | None = None,
        on_state: Callable[[Status], object] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._folder = None if folder is None else Path(folder)
        self._device = device
        super().__init__(SharedState(), timing or Timing())
        self._callbacks = Callbacks(self._shared, on_message, on_presence, on_state)
        self._stream = MessageStream(self._shared)
        self._supervisor = Supervisor(
            self._shared, self._open_socket, self._new_link, self._timing, random.random
        )

    def __repr__(self) -> str:
        return f"<ChatClient {self._host}:{self._port} {self.state.value}>"

    # ------------------------------------------------------------------ being connected

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
        """How things stand. Any thread."""
        return self._shared.status.state

    @property
    def status(self) -> Status:
        """The same, and why. Any thread."""
        return self._shared.status

    def connect(self, timeout: float | None = None) -> None:
        """Connect, and stay connected from then on. Any thread; blocks.

        Makes one attempt; or, with a ``timeout`` in seconds, as many as fit in. Raises what they
        failed of, mostly ConnectError, and then the client is closed.
        """
        self.start()
        try:
            self._shared.wait_connected(timeout)
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """As ``connect``, but do not wait for it. Any thread; idempotent. Raises ClosedError."""
        self._callbacks.start()
        self._supervisor.start()

    def reconnect(self) -> None:
        """Try again at once, instead of after the back-off or after having been sent away.

        Any thread; does not block.
        """
        self._supervisor.hurry()

    def close(self) -> None:
        """Disconnect, for good. Any thread; idempotent; blocks, at most some seconds.

        While connected it first waits for acks that are still out. What the server has not
        confirmed even then stays in the folder, if there is one, for the next time; its
        Sendings fail with NotConfirmedError. The login stays valid.
        """
        self._take_leave()
        self._supervisor.close()
        with self._shared.changed:
            desk, self._shared.desk = self._shared.desk, None
        if desk is not None:
            self._put_away(desk)
        self._callbacks.stop()

    def wait_closed(self, timeout: float | None = None) -> bool:
        """Wait until the client is closed, at most ``timeout`` seconds; is it? Any thread.

        For a program that lives in its callbacks. Raises the exception of a callback that ended
        the client, such as the SystemExit of ``sys.exit()``.
        """
        shared = self._shared
        with shared.changed:
            closed = shared.changed.wait_for(lambda: shared.state is State.CLOSED, timeout)
        if closed:
            shared.raise_failure()
        return closed

    # ------------------------------------------------------------------ being somebody

    @property
    def user_id(self) -> int | None:
        """The number of the account that is logged in or logging in, else None. Any thread."""
        with self._shared.changed:
            return None if self._shared.desk is None else self._shared.desk.user_id

    @property
    def name(self) -> str:
        """The name of that account; empty until the first login has succeeded. Any thread."""
        with self._shared.changed:
            return "" if self._shared.desk is None else self._shared.desk.credentials.name

    @property
    def account(self) -> Account | None:
        """Who is logged in, with friends and groups as they are known now. Any thread.

        Still there while the client reconnects; None before the first login and after a logout.
        """
        with self._shared.changed:
            desk = self._shared.desk
            return None if desk is None or desk.roster is None else desk.roster.account

    def register(self, name: str, password: str) -> int:
        """Register a user; returns the id to log in with. Any thread; blocks.

        If the folder has something of an earlier user with this id, from a server that was set
        up anew since, that is removed.
        """
        check_text(name)
        check_text(password)
        user_id = self._ask(lambda session: session.register(name, password), logged_in=False)
        if self._folder is not None:
            forget_account(self._folder, self._host, self._port, user_id)
        return user_id

    def login(self, user_id: int, password: str | None = None) -> Account:
        """Log in; without password by the saved token. Any thread; blocks.

        From then on the client logs in again whenever it has reconnected. What may pass (no
        answer, a lost connection, "try again") is tried again for some seconds before it is
        raised. A user who is logged in already: LoggedInError. Before ``connect`` or ``start``:
        NotStartedError. Raises StoreError, too.
        """
        future = self.login_soon(user_id, password)
        try:
            return future.result(self._timing.patience)
        except TimeoutError:
            error = self.status.error or NoAnswerError(self._timing.patience)
            self.cancel_login()
            raise error from None

    def login_soon(self, user_id: int, password: str | None = None) -> Future[Account]:
        """As ``login``, but do not wait, nor give up. Any thread; does not block.

        The future is the outcome; ``send`` works at once. For a program that is of use without
        a connection, too. Raises LoggedInError, StoreError, NotStartedError or ClosedError.
        """
        check_id(user_id)
        if password is not None:
            check_text(password)
        self._put_away_stopped()
        where = None if self._folder is None else (self._folder, self._host, self._port)
        with self._shared.changed:
            if self._shared.desk is not None:
                raise LoggedInError(self._shared.desk.user_id)
            desk = open_desk(user_id, password, self._device, where, self._timing.retry)
            try:
                future = self._supervisor.log_in(desk)
            except ClosedError:
                desk.close()
                raise
        self._callbacks.hand_over()
        future.add_done_callback(lambda done: self._login_decided(desk, done))
        return future

    def cancel_login(self) -> None:
        """Give up a login that is not decided yet; its future fails. Any thread; idempotent."""
        with self._shared.changed:
            desk = None if self._shared.login is None else self._shared.desk
        if desk is not None:
            self._supervisor.log_out(desk)

    def logout(self) -> None:
        """Log out: the saved token is not good any more. Any thread; blocks.

        First waits for acks that are still out; what is not confirmed is kept as by ``close``.
        Here it counts in any case; an error means that the server could not be told.
        """
        self._stream.finish()
        self._take_leave()
        with self._shared.changed:
            desk = self._shared.desk
            if desk is None:
                raise NotLoggedInError
        try:
            self._supervisor.say_goodbye().result()
        finally:
            self._supervisor.log_out(desk)
            desk.forget_token()
            self._put_away(desk)

    # ------------------------------------------------------------------ writing

    def send(self, user_id: int, text: str) -> Sending:
        """Write to somebody. Any thread; does not block.

        The message goes out now or as soon as there is a connection, in the order of these
        calls, and once. The returned future tells when the server has it. Raises
        NotLoggedInError, TooLargeError, StoreError, or ValueError for what is no id or text.
        """
        return self._send(user_id, text, to_group=False)

    def send_group(self, group_id: int, text: str) -> Sending:
        """Write to all members of a group. Any thread; as ``send``."""
        return self._send(group_id, text, to_group=True)

    @property
    def outbox(self) -> tuple[Sending, ...]:
        """What the server has not confirmed yet, in order; of an earlier run, too. Any thread."""
        with self._shared.changed:
            return () if self._shared.desk is None else self._shared.desk.sendings

    def withdraw(self, mid: str) -> Withdrawal:
        """Take a message of ``outbox`` back, by its ``mid``. Any thread; does not block.

        WITHDRAWN: the server has not got it. UNSURE: it is not sent again, but the server may
        have an earlier copy, whose answer was lost. TOO_LATE: nothing was changed; the message
        is on its way, or not in the outbox any more. Else its Sending fails with WithdrawnError.
        """
        with self._shared.changed:
            desk = self._shared.desk
            if desk is None:
                return Withdrawal.TOO_LATE
            result, completions = desk.withdraw(mid)
            self._shared.changed.notify_all()
        for complete in completions:
            complete()
        return result

    def flush(self, timeout: float) -> bool:
        """Wait until the outbox is empty, at most ``timeout`` seconds; is it? Any thread."""
        shared = self._shared
        with shared.changed:
            shared.changed.wait_for(
                lambda: not self._has_mail or shared.state in (State.STOPPED, State.CLOSED), timeout
            )
            return not self._has_mail

    # ------------------------------------------------------------------ reading

    def messages(self, timeout: float | None = None) -> MessageStream:
        """What others write, one after the other. One thread at a time; blocks.

        A message is acknowledged to the server when the next one is asked for, by a logout, and
        when the client's ``with`` block ends without an exception; until then a crash would
        bring it again. The loop ends when the client is closed, and after ``timeout`` seconds
        without a message if that is given. It raises what stopped the client: ReplacedError, or
        RefusedError for a token that is not good any more.
        """
        if self._callbacks.take_messages:
            raise ValueError("on_message takes the messages")
        return self._stream.within(timeout)

    # ------------------------------------------------------------------ keeping more

    def remember(self, name: str, content: dict[str, Any]) -> None:
        """Keep a JSON object of one's own beside the login, under a file's name. Any thread.

        Without a folder or a login nothing is kept. Raises StoreError.
        """
        with self._shared.changed:
            desk = self._shared.desk
            if desk is not None and desk.store is not None:
                desk.store.write_extra(name, content)

    def recall(self, name: str) -> dict[str, Any]:
        """What was kept under a name; empty if that is nothing. Any thread. Raises StoreError."""
        with self._shared.changed:
            desk = self._shared.desk
            return {} if desk is None or desk.store is None else desk.store.read_extra(name)

    # ------------------------------------------------------------------ parts

    def _open_socket(self) -> socket.socket | TlsSocket:
        """Supervisor's thread."""
        if self._tls is True:
            from client.protocol.tls import make_context

            self._tls = make_context()
        return open_socket(self._host, self._port, self._timing, self._tls or None)

    def _new_link(self, sock: socket.socket | TlsSocket) -> Link:
        """Supervisor's thread."""
        callbacks = self._callbacks
        return Link(sock, self._shared, self._timing, callbacks.message, callbacks.presence)

    @property
    def _has_mail(self) -> bool:
        return self._shared.desk is not None and len(self._shared.desk.outbox) > 0

    def _take_leave(self) -> None:
        """Hand over nothing more; see that what was written and taken care of gets out."""
        self._callbacks.hand_over_no_more(self._timing.goodbye)
        if self.state is State.ONLINE:
            self.flush(self._timing.chat_acks)

    def _send(self, target: int, text: str, *, to_group: bool) -> Sending:
        check_id(target)
        with self._shared.changed:
            if self._shared.closing:
                raise self._shared.failure or ClosedError()
            desk = self._shared.desk
            if desk is None or self._shared.leaving:
                raise NotLoggedInError
            sending = desk.write(target, text, to_group=to_group)
            self._shared.changed.notify_all()
        return sending

    def _login_decided(self, desk: Desk, future: Future[Account]) -> None:
        if future.exception() is not None:
            self._put_away(desk)

    def _put_away_stopped(self) -> None:
        """A user whom the server sent away makes room for the next one."""
        with self._shared.changed:
            desk = self._shared.desk
            if desk is None or self._shared.state is not State.STOPPED:
                return
            self._shared.desk = None
        self._put_away(desk)

    def _put_away(self, desk: Desk) -> None:
        """Nobody is at this desk any more. Idempotent."""
        with self._shared.changed:
            completions = desk.give_up()
            desk.close()
        for complete in completions:
            complete()
