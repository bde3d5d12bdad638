"""ChatClient: the face of the library: a chat account that stays connected and loses no message.

It has no state of its own. Its parts in ``client.account`` connect, log in, send and receive.

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
from client.values import (
    Account,
    Announcement,
    Ban,
    ChatMessage,
    Friend,
    FriendNotice,
    FriendRequest,
    Group,
    GroupNotice,
    History,
    Member,
    Presence,
)

if TYPE_CHECKING:
    import socket
    import ssl

    from client.protocol.tls import TlsSocket


class ChatClient:
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
        keep_connected: bool = True,
        on_message: Callable[[ChatMessage], object] | None = None,
        on_presence: Callable[[Presence], object] | None = None,
        on_group_notice: Callable[[GroupNotice], object] | None = None,
        on_announcement: Callable[[Announcement], object] | None = None,
        on_friend_notice: Callable[[FriendNotice], object] | None = None,
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
        functions = Functions(
            on_message,
            on_presence,
            on_state,
            on_ready,
            on_server_error,
            on_group_notice,
            on_announcement,
            on_friend_notice,
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

    # ------------------------------------------------------------------ logging in and out

    @property
    def user_id(self) -> int | None:
        """The number of the account that is logged in or logging in, else None. Any thread."""
        with self._shared.changed:
            return None if self._shared.account is None else self._shared.account.user_id

    @property
    def name(self) -> str:
        """The name of the account; empty until its first login has succeeded. Any thread."""
        with self._shared.changed:
            return "" if self._shared.account is None else self._shared.account.credentials.name

    @property
    def account(self) -> Account | None:
        """The user that is logged in, with the friends and groups as known now. Any thread.

        The value stays while the client reconnects. It is None before the first login and after a
        logout.
        """
        with self._shared.changed:
            account = self._shared.account
            return None if account is None or account.roster is None else account.roster.account

    def register(self, name: str, password: str, code: str | None = None) -> int:
        """Register a user; returns the id to log in with. Any thread; blocks.

        ``code``: an invitation, if the server asks for one. Then the answer in the RefusedError has
        the field ``invitation``.

        Files of an earlier user with this id are removed from the folder, because they belong to a
        server that has a new database since.
        """
        check_text(name)
        check_text(password)
        fields = {"name": name, "password": password}
        if code is not None:
            check_text(code)
            fields["code"] = code
        user_id = self._requester.ask(requests.REGISTER, **fields)
        if self._folder is not None:
            forget_account(self._folder, self._host, self._port, user_id)
        return user_id

    def login(self, user_id: int, password: str | None = None, *, replace: bool = False) -> Account:
        """Log in with the password, or with the saved token if there is none. Any thread; blocks.

        ``replace``: with a password, end another login of this account. Without it a second login
        is refused (errno 2), unless the server's settings say otherwise.

        From then on the client logs in again after each reconnect. After a temporary failure (no
        answer, a lost connection, "try again") it repeats the login for ``Timing.patience``
        seconds. Then it raises the error. Raises LoggedInError if a user is logged in,
        NotStartedError before ``connect`` or ``start``, StoreError, and the errors of a request.
        """
        future = self.login_soon(user_id, password, replace=replace)
        try:
            return future.result(self._timing.patience)
        except TimeoutError:
            error = self.status.error or NoAnswerError(self._timing.patience)
            self.cancel_login()
            raise error from None

    def login_soon(
        self, user_id: int, password: str | None = None, *, replace: bool = False
    ) -> Future[Account]:
        """Begin to log in, and repeat that until ``cancel_login``. Any thread; does not block.

        Returns a future of the result. ``send`` works at once, so a program can write messages
        before there is a connection. Raises LoggedInError, StoreError, NotStartedError or
        ClosedError.
        """
        check_id(user_id)
        if password is not None:
            check_text(password)
        return self._login.log_in(user_id, password, replaces=replace)

    def cancel_login(self) -> None:
        """Give up a login that has no result yet; its future fails. Any thread; idempotent."""
        self._login.cancel()

    def logout(self, timeout: float | None = None) -> None:
        """Log out, and make the saved token invalid. Any thread; blocks.

        First waits for the acknowledgements of sent messages, and keeps the others, as ``close``
        does. The client is logged out even if this raises: an error means that the server has not
        confirmed the logout. NoAnswerError: it has not within ``timeout`` seconds.
        """
        self._stream.finish()
        self._login.log_out(timeout)

    # ------------------------------------------------------------------ the own account

    def change_password(self, old: str, new: str) -> None:
        """Change the password; saved logins in other programs end. Any thread; blocks."""
        check_text(old)
        check_text(new)
        self._requester.ask(requests.CHANGE_PASSWORD, old=old, new=new)

    def rename(self, name: str) -> str:
        """Change the name that others see; returns it as the server stores it. Any thread; blocks.

        Other users see it with the next message, and after their next login.
        """
        check_text(name)
        stored = self._requester.ask(requests.RENAME, name=name)
        with self._shared.changed:
            if self._shared.account is not None:
                self._shared.account.renamed(stored)
        return stored

    def block(self, user_id: int) -> None:
        """Take no more messages from a user. Any thread; blocks.

        The sends of that user are refused, and you vanish from that user's friend list. Messages in
        common groups still arrive.
        """
        self._requester.ask(requests.BLOCK, userid=check_id(user_id))

    def unblock(self, user_id: int) -> None:
        """Take messages from a user again. Any thread; blocks."""
        self._requester.ask(requests.UNBLOCK, userid=check_id(user_id))

    def blocked(self) -> tuple[int, ...]:
        """The numbers of the users that you have blocked. Any thread; blocks."""
        return self._requester.ask(requests.BLOCKED)

    def delete_account(self, password: str) -> None:
        """Delete the account for good, and its files in the folder. Any thread; blocks.

        Messages that others have stay, with the name "deleted" and the number. The client is logged
        out then.
        """
        check_text(password)
        self._stream.finish()
        self._requester.ask(requests.DELETE_ACCOUNT, password=password)
        self._login.finish()
        self._login.end_deleted()

    # ------------------------------------------------------------------ sending messages

    def send(self, user_id: int, text: str) -> Sending:
        """Send a message to a user. Any thread; does not block.

        The message is put into the outbox. It goes out as soon as there is a connection, once, and
        in the order of the calls. The result is a future Receipt, which is done when the server
        has the message. Raises NotLoggedInError, TooLargeError, StoreError, or ValueError for a
        wrong id or text.
        """
        return self._put_into_outbox(user_id, text, to_group=False)

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
            self._shared.changed.notify_all()
        for complete in completions:
            complete()
        return result

    def flush(self, timeout: float) -> bool:
        """Wait until the outbox is empty, at most ``timeout`` seconds. Any thread; blocks.

        Returns whether it is empty. The wait also ends when the client has stopped or is closed.
        """
        return self._login.flush(timeout)

    # ------------------------------------------------------------------ receiving messages

    def messages(self, timeout: float | None = None) -> MessageStream:
        """An iterator over the messages of other users. One thread at a time; blocks.

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

        It is the newest page, or the page before the message with the ``seq`` in ``before``. It has
        at most ``limit`` messages. Raises ValueError unless there is one of ``user_id`` and
        ``group_id``.
        """
        if (user_id is None) == (group_id is None):
            raise ValueError("either a user or a group")
        where = {"groupid": check_id(group_id)} if group_id is not None else {}
        if user_id is not None:
            where["with"] = check_id(user_id)
        if before is not None:
            where["before"] = before
        return self._requester.ask(requests.HISTORY, **where, limit=limit)

    def add_friend(self, friend_id: int) -> Friend | None:
        """Put a user on the friend list; returns the friend, also one that was on it already.

        None: on this server the other user has to agree, and is asked. Then a FriendNotice follows,
        maybe. ``remove_friend`` takes the request back. Any thread; blocks.
        """
        check_id(friend_id)
        since = self._requester.with_roster(lambda roster: roster.heard)
        friend = self._requester.ask_for("friend", requests.ADD_FRIEND, friendid=friend_id)
        self._take_friend(friend, since)
        return friend

    def friend_requests(self) -> tuple[FriendRequest, ...]:
        """The requests of other users to be a contact, the newest first. Any thread; blocks.

        There are 100 at most.
        """
        since = self._requester.with_roster(lambda roster: roster.heard)
        found = self._requester.ask(requests.FRIEND_REQUESTS)
        self._requester.with_roster(lambda roster: roster.set_friend_requests(found, since))
        return found

    def answer_friend(self, user_id: int, *, accept: bool) -> Friend | None:
        """Accept or decline a request to be a contact; returns an accepted friend.

        The other user learns of an acceptance only. Any thread; blocks.
        """
        check_id(user_id)
        since = self._requester.with_roster(lambda roster: roster.heard)
        friend = self._requester.ask(requests.ANSWER_FRIEND, userid=user_id, accept=accept)
        self._requester.with_roster(lambda roster: roster.forget_friend_request(user_id))
        self._take_friend(friend, since)
        return friend

    def _take_friend(self, friend: Friend | None, since: int | None) -> None:
        if friend is not None:
            self._requester.with_roster(lambda roster: roster.add_friend(friend, since))

    def remove_friend(self, friend_id: int) -> None:
        """Take a user off the friend list, or take a request back. Any thread; blocks."""
        self._requester.ask(requests.REMOVE_FRIEND, friendid=check_id(friend_id))
        self._requester.with_roster(lambda roster: roster.remove_friend(friend_id))

    def create_group(
        self, name: str, desc: str = "", *, join: str | None = None, password: str | None = None
    ) -> Group:
        """Create a group; the user is its creator and first member. Any thread; blocks.

        ``join``: "open", "invite" or "password"; None: as the server's default. ``password``: for
        the mode "password".
        """
        fields = _given(groupname=name, groupdesc=desc, join=join, password=password)
        group_id, mode = self._requester.ask(requests.CREATE_GROUP, **fields)
        group = self._requester.with_roster(lambda r: r.created_group(group_id, name, desc, mode))
        return group or Group(group_id, name, desc, (), join=mode)

    def join_group(self, group_id: int, password: str | None = None) -> Group:
        """Join a group; returns it, also to a user that is in it already. Any thread; blocks.

        ``password``: of a group with the join mode "password".
        """
        check_id(group_id)
        fields = _given(password=password)
        since = self._requester.with_roster(lambda roster: roster.heard)
        group = self._requester.ask_for("group", requests.JOIN_GROUP, groupid=group_id, **fields)
        self._requester.with_roster(lambda roster: roster.add_group(group, since))
        return group

    def change_group(
        self,
        group_id: int,
        *,
        name: str | None = None,
        desc: str | None = None,
        join: str | None = None,
        password: str | None = None,
    ) -> None:
        """Change the name, the description, the join mode or the password. Any thread; blocks.

        The user is the creator or an administrator of the group.
        """
        fields = _given(groupname=name, groupdesc=desc, join=join, password=password)
        changed = self._requester.ask(requests.CHANGE_GROUP, groupid=check_id(group_id), **fields)
        self._requester.with_roster(
            lambda r: r.change_group(group_id, changed.name, changed.desc, changed.join)
        )

    def invite(self, group_id: int, user_id: int) -> None:
        """Invite a user to a group. Any thread; blocks.

        Each member may invite to an open group, the creator and administrators to every group.
        """
        self._requester.ask(requests.INVITE, groupid=check_id(group_id), userid=check_id(user_id))

    def leave_group(self, group_id: int) -> None:
        """Leave a group. Any thread; blocks."""
        self._requester.ask(requests.LEAVE_GROUP, groupid=check_id(group_id))
        self._requester.with_roster(lambda roster: roster.remove_group(group_id))

    def members(self, group_id: int) -> tuple[Member, ...]:
        """All members of a group, and their presence. Any thread; blocks.

        One request for each 200 members.
        """
        found: list[Member] = []
        since = self._requester.with_roster(lambda roster: roster.heard)
        page = self._requester.ask(requests.MEMBERS, groupid=check_id(group_id))
        found += page.members
        while page.more and page.members:
            last = page.members[-1].id
            page = self._requester.ask(requests.MEMBERS, groupid=group_id, after=last)
            if page.members and page.members[0].id <= last:
                break  # such a server would never come to the end
            found += page.members
        members = tuple(found)
        self._requester.with_roster(lambda roster: roster.set_members(group_id, members, since))
        return members

    def remove_member(self, group_id: int, user_id: int) -> None:
        """Remove a member from a group. Any thread; blocks.

        The creator removes every other member, an administrator normal members.
        """
        fields = {"groupid": check_id(group_id), "userid": check_id(user_id)}
        self._requester.ask(requests.REMOVE_MEMBER, **fields)
        self._requester.with_roster(lambda roster: roster.remove_member(group_id, user_id))

    def set_role(self, group_id: int, user_id: int, role: str) -> None:
        """Make a member of one's group "admin", "normal" or "creator". Any thread; blocks.

        After "creator" the user is an administrator.
        """
        fields = {"groupid": check_id(group_id), "userid": check_id(user_id)}
        self._requester.ask(requests.SET_ROLE, **fields, role=role)
        self._requester.with_roster(lambda roster: roster.set_role(group_id, user_id, role))

    def ban_member(self, group_id: int, user_id: int, reason: str = "") -> None:
        """Ban a user from a group, who may be no member. Any thread; blocks.

        The rights are those of ``remove_member``.
        """
        check_text(reason)
        fields = {"groupid": check_id(group_id), "userid": check_id(user_id)}
        self._requester.ask(requests.BAN_MEMBER, **fields, reason=reason)
        self._requester.with_roster(lambda roster: roster.remove_member(group_id, user_id))

    def unban_member(self, group_id: int, user_id: int) -> None:
        """Lift a ban, or forgive a removal. Any thread; blocks."""
        fields = {"groupid": check_id(group_id), "userid": check_id(user_id)}
        self._requester.ask(requests.UNBAN_MEMBER, **fields)

    def bans(self, group_id: int) -> tuple[Ban, ...]:
        """The banned and the removed users of a group, by number. Any thread; blocks.

        The user is the creator or an administrator of the group. The list comes in pages.
        """
        fields = {"groupid": check_id(group_id)}
        found, more = self._requester.ask(requests.BANS, **fields)
        while more and found:
            page, more = self._requester.ask(requests.BANS, **fields, after=found[-1].user_id)
            if not page:
                break
            found += page
        return found

    def dissolve_group(self, group_id: int) -> None:
        """Dissolve a group that the user has created. Any thread; blocks."""
        self._requester.ask(requests.DISSOLVE_GROUP, groupid=check_id(group_id))
        self._requester.with_roster(lambda roster: roster.remove_group(group_id))

    # ------------------------------------------------------------------ files of the program

    def remember(self, name: str, content: dict[str, Any]) -> None:
        """Keep a JSON object of the program beside the saved login, as the file ``name``.

        Without a folder or a login it is not kept. Any thread. Raises StoreError.
        """
        with self._shared.changed:
            account = self._shared.account
            if account is not None and account.store is not None:
                account.store.write_extra(name, content)

    def recall(self, name: str) -> dict[str, Any]:
        """The object that ``remember`` kept; empty if there is none. Any thread.

        Raises StoreError.
        """
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


def _given(**texts: str | None) -> dict[str, str]:
    """The texts that are not None, checked."""
    given = {name: text for name, text in texts.items() if text is not None}
    for text in given.values():
        check_text(text)
    return given
