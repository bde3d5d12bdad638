"""Login: the login of one user's device on one connection.

It writes no tables: LoginFlow takes the user's row before a login begins, and releases the row
after its end.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

from chat.connection.connection import ClientConnection
from chat.mailbox.mailbox import Mailbox
from chat.mailbox.pump import Pump
from chat.message import ChatMessage

NO_IDS: frozenset[int] = frozenset()
"""Shared: each empty set takes 0.2 KiB, and most logins have several."""


def _free(size: int) -> None:
    """The charge of a login that pays nothing."""


class Login:
    """A user on a connection, from a verified login until the logout or the connection's end.

    A worker makes it; ``begin`` and ``end`` run in the connection's loop. An ended login does not
    begin again: the next login on the same connection is another object. So a reference to a login
    never leads to another user.

    Attributes:
        connection, loop: the client's connection, and its loop. Any thread may read them.
        user_id: the user. It never changes, like the four after ``name``. Any thread.
        name: of the user; a renaming changes it in the loop. Any thread may read it.
        generation: the number of this login among the user's logins; the row has the latest.
        token: the token for later logins, revoked by a logout; None: there is none.
        device: the device that the client has named; None: none.
        mailbox: the number of the device's mailbox. Any thread.
        groups: the groups of this user that are registered for waking. The registry's, under its
            lock.
        blocks: the users that this user blocks. It may hold more than the table, and fewer only
            for a moment after a block: the transaction of a message decides. The registry's lock
            guards changes; any thread may read it.
        blocked_by: the users that block this user, likewise.
        pump: hands the user's stored messages over. The loop's.
        live_sends: messages that are on their way live (``direct``), in order: the LiveSend objects
            of chat.delivery. The loop's.
        alive: between ``begin`` and ``end``. The loop's.
        charge: gets the bytes that the login has drawn; it may be called by any thread.
        knows_devices: the client has said ``"devices": true``. It never changes. Any thread.
    """

    __slots__ = (
        "alive",
        "blocked_by",
        "blocks",
        "charge",
        "connection",
        "device",
        "generation",
        "groups",
        "knows_devices",
        "live_sends",
        "loop",
        "mailbox",
        "name",
        "pump",
        "token",
        "user_id",
    )

    def __init__(
        self,
        connection: ClientConnection[Login],
        reader: Mailbox,
        user_id: int,
        name: str,
        generation: int,
        token: str | None = None,
        device: str | None = None,
        charge: Callable[[int], object] = _free,
        mailbox: int | None = None,
        *,
        knows_devices: bool = False,
    ) -> None:
        """Any thread. ``mailbox``: its number; None: of the unnamed device."""
        self.connection = connection
        self.loop = connection.loop
        self.user_id = user_id
        self.name = name
        self.generation = generation
        self.token = token
        self.device = device
        self.mailbox = user_id if mailbox is None else mailbox
        self.groups = NO_IDS
        self.blocks = NO_IDS
        self.blocked_by: Container[int] = NO_IDS
        self.pump = Pump(connection, reader, self.mailbox)
        self.live_sends: list[Any] = []
        self.alive = False
        self.charge = charge
        self.knows_devices = knows_devices

    def __repr__(self) -> str:
        state = "alive" if self.alive else "not alive"
        return f"<Login {self} generation {self.generation} {state}>"

    def __str__(self) -> str:
        return f"user {self.user_id}"

    def begin(self, first: list[ChatMessage], more: bool, newest: int) -> None:
        """The connection is the user's from now on. The caller sends the answer next.

        The parameters are those of ``Pump.start``. The rest of the mail must follow the answer, so
        ``_answered`` is queued behind it.
        """
        self.alive = True
        self.connection.attach(self, self.pump)
        self.pump.start(first, more, newest)
        self.loop.queue_in_loop(self._answered)

    def _answered(self) -> None:
        """The answer has been sent: the rest of the mail follows."""
        if self.alive:
            if not self.connection.v2:
                self.pump.written()  # the mail in the answer
            self.pump.kick()

    def end(self) -> None:
        """The user has logged out, was replaced, or the connection is down. Idempotent."""
        if self.alive:
            self.alive = False
            self.pump.stop()
            if unread := self.pump.unread_bytes:
                self.charge(unread)
            self.connection.detach()

    def send_notices(self, *frames: bytes) -> None:
        """Send notices to a v2 client that reads its output. Others get none. The loop.

        A notice is a hint and may get lost: the lists in the answer to the next login are right.
        """
        connection = self.connection
        if self.alive and connection.v2 and not connection.flow.output_full:
            connection.send_frames(frames)

    def send_away(self, reason: str = "replaced") -> None:
        """The login is no longer the user's current one: close the connection. Any thread.

        ``reason``: the word in BYE_MSG.
        """
        self.loop.queue_in_loop(lambda: self._leave(reason))

    def _leave(self, reason: str) -> None:
        # Not alive: the user has logged out meanwhile. Or the login is not complete; then
        # ``finish_login`` finds that it is not registered any more.
        if self.alive:
            self.end()
            self.connection.close(reason)


Told = tuple[Login, bytes]
"""A login, and the encoded notice for it."""


def send_notices(told: Sequence[Told]) -> None:
    """Send each notice to its login. The loop of all these logins."""
    for login, frame in told:
        login.send_notices(frame)
