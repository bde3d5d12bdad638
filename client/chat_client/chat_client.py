"""ChatClient: connects and closes. Its bases have the other methods."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from client.account.callbacks import Callbacks, Functions, status_poster
from client.account.device_options import LONGEST_LABEL, DeviceOptions, default_label
from client.account.dispatcher import Dispatcher
from client.account.lifecycle import State, Status
from client.account.login_control import LoginControl
from client.account.message_stream import MessageStream
from client.account.records import new_device
from client.account.requester import Requester
from client.account.session_driver import SessionDriver
from client.account.shared_state import SharedState
from client.account.slots import Place
from client.account.supervisor import Supervisor
from client.chat_client.contacts import ContactMethods
from client.chat_client.conversations import ConversationMethods
from client.chat_client.devices import DeviceMethods
from client.chat_client.groups import GroupMethods
from client.chat_client.login import LoginMethods
from client.chat_client.messages import MessageMethods
from client.chat_client.own_account import AccountMethods
from client.limits import check_text
from client.protocol.connection import open_socket
from client.timing import Timing
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

if TYPE_CHECKING:
    import socket
    import ssl

    from client.protocol.tls import TlsSocket


class ChatClient(
    LoginMethods,
    AccountMethods,
    MessageMethods,
    ConversationMethods,
    ContactMethods,
    DeviceMethods,
    GroupMethods,
):
    """Connects to a chat server, logs one user in, and reconnects when the connection is lost.

    Any thread may call any method, also from a callback. A request, such as ``add_friend``, blocks
    until its answer arrives. While the client reconnects, a request first waits for the connection.
    It raises RefusedError, NoAnswerError, ConnectionLostError, NotLoggedInError or ClosedError.

    Callbacks run on one thread, one after the other, and no lock is held meanwhile. A message is
    acknowledged when ``on_message`` has returned or raised an Exception. docs/client.md describes
    the arguments of the constructor, the callbacks, and the effect of an exception in them.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | bool | None = None,
        folder: Path | str | None = None,
        device: str | None = None,
        devices: bool | None = None,
        label: str | None = None,
        share_folder: bool = False,
        keep_connected: bool = True,
        on_message: Callable[[ChatMessage], object] | None = None,
        on_presence: Callable[[Presence], object] | None = None,
        on_group_notice: Callable[[GroupNotice], object] | None = None,
        on_announcement: Callable[[Announcement], object] | None = None,
        on_friend_notice: Callable[[FriendNotice], object] | None = None,
        on_read: Callable[[ReadNotice], object] | None = None,
        on_typing: Callable[[TypingNotice], object] | None = None,
        on_mute: Callable[[MuteNotice], object] | None = None,
        on_group_event: Callable[[ChatMessage], object] | None = None,
        on_device_notice: Callable[[DeviceNotice], object] | None = None,
        on_state: Callable[[Status], object] | None = None,
        on_ready: Callable[[], object] | None = None,
        on_server_error: Callable[[str], object] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._keep_connected = keep_connected
        self._timing = timing or Timing()
        functions = Functions(
            on_message=on_message,
            on_presence=on_presence,
            on_state=on_state,
            on_ready=on_ready,
            on_server_error=on_server_error,
            on_group_notice=on_group_notice,
            on_announcement=on_announcement,
            on_friend_notice=on_friend_notice,
            on_read=on_read,
            on_typing=on_typing,
            on_mute=on_mute,
            on_group_event=on_group_event,
            on_device_notice=on_device_notice,
        )
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
        is_kept = folder is not None
        self._place = Place(Path(folder), host, port, share_folder) if folder is not None else None
        options = _device_options(device, devices, label, is_kept=is_kept)
        self._login = LoginControl(
            self._shared, self._supervisor, self._callbacks, self._timing, self._place, options
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
        """The state of connection and login, and its reason. Any thread."""
        return self._shared.status

    def connect(self, timeout: float | None = None) -> None:
        """Connect, and stay connected from then on. Any thread; blocks.

        Without a ``timeout`` it makes one attempt. With one, it tries again until so many seconds
        have passed. If no attempt succeeds, it closes the client and raises the error of the last
        attempt, usually ConnectError.
        """
        self.start()
        try:
            self._shared.wait_connected(timeout)
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Begin to connect, without waiting. Any thread; idempotent. Raises ClosedError."""
        self._callbacks.start()
        self._supervisor.start()

    def reconnect(self) -> None:
        """Connect now: end the pause before the next attempt, or leave the state STOPPED.

        Any thread; does not block.
        """
        self._supervisor.hurry()

    def close(self) -> None:
        """Disconnect for good. Any thread; idempotent; blocks for some seconds at most.

        While connected, it first waits for the acknowledgements of sent messages. A message that
        the server has not confirmed by then stays in the folder, if there is one, for the next run,
        and its Sending fails with NotConfirmedError. The saved login stays valid.
        """
        self._login.finish()
        self._supervisor.close()
        self._login.close()
        self._callbacks.stop()

    def wait_closed(self, timeout: float | None = None) -> bool:
        """Wait until the client is closed, at most ``timeout`` seconds. Any thread; blocks.

        Returns whether it is closed. A program that consists of callbacks waits here. Raises the
        exception of a callback that ended the client, such as the SystemExit of ``sys.exit()``.
        """
        shared = self._shared
        with shared.changed:
            closed = shared.changed.wait_for(lambda: shared.state is State.CLOSED, timeout)
        if closed:
            shared.raise_failure()
        return closed

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


def _device_options(
    name: str | None, has_mailbox: bool | None, label: str | None, *, is_kept: bool
) -> DeviceOptions:
    """The device of a client. ``is_kept``: its name is kept in files."""
    if label is not None:
        check_text(label)
        if len(label) > LONGEST_LABEL:
            raise ValueError(f"a label has at most {LONGEST_LABEL} characters")
    if has_mailbox is None:
        # Without a name that is kept, each run would be another device of the account.
        has_mailbox = is_kept or name is not None
    if name is None and not is_kept:
        name = new_device()
    return DeviceOptions(name, has_mailbox, default_label() if label is None else label)
