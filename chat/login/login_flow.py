"""LoginFlow: begins and ends the login of a verified user.

A login has three parts. A worker does the first two, because they read and write tables:

    take    the user's row becomes this node's (state, node, device, generation + 1)
    enter   subscribe to the user's topics, register the Login, read friends, groups and mail
    finish  in the connection's loop: the connection is the user's, the client gets its answer

The order in ``enter`` keeps messages from being missed. Each message that is committed
before the mailbox is read is in the answer. Each later one finds the subscription and the
registered Login, and wakes its pump.

If a part fails, ``_Entry.undo`` takes back the parts before it. If the connection goes down, the
result of the worker is ``abandoned``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from chat.bus import Bus
from chat.connection.connection import ClientConnection
from chat.login.authentication import Verified
from chat.login.login import Login
from chat.login.login_costs import LoginCosts
from chat.login.presence import Presence
from chat.login.registry import MAX_BLOCKERS, LoginRegistry
from chat.login.visibility import Visibility
from chat.mailbox.mailbox import Mailbox, load
from chat.message import ChatMessage, Topic, user_topics
from chat.notice import TAKEN, Notice
from chat.process.clock import Clock
from chat.protocol import GROUP_CHAT, ErrNo, Limits, ProtocolError, errors
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import (
    ACTIVE,
    ONLINE,
    BlockedModel,
    Contact,
    FriendModel,
    FriendRequestModel,
    FriendRequestRow,
    Group,
    GroupInvitation,
    GroupInviteModel,
    GroupModel,
    KnownDeviceModel,
    MessageModel,
    TokenModel,
    User,
    UserModel,
)

TOKEN_BYTES = 32

LISTED_INVITATIONS = 100
"""Invitations to groups in the answer to a login: the newest."""

LISTED_REQUESTS = 100
"""Requests to be a contact in one answer: the newest."""

MOST_FRIENDS = 5000
MOST_GROUPS = 2000
MOST_MEMBERS = 10_000
"""Rows that a login reads at the most, whatever the lists hold. The answer has room for fewer."""


class AnswerRoom(NamedTuple):
    """How much the answer to a login may hold.

    Attributes:
        messages, text_bytes: waiting messages, and bytes of their text.
        members: members of each group.
        mail_bytes: bytes of the messages, in the form of v2.
        list_bytes: bytes of friends, groups and members together, in the form of v2.
    """

    messages: int
    text_bytes: int
    members: int
    mail_bytes: int
    list_bytes: int


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A verified login that has not taken its user yet.

    Attributes:
        connection: of the client.
        verified: the user, whose password or token was right.
        device: the device that the client has named; None: none.
        token: the token that the client has logged in with; None: with a password.
        issues_token: the client can use a token, and gets one if it has none.
        room: the bounds of the answer.
        replaces: with the right password: end another login of the user, whatever the settings say.
    """

    connection: ClientConnection[Login]
    verified: Verified
    device: str | None
    token: str | None
    issues_token: bool
    room: AnswerRoom
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The data for a login's answer, all of one moment.

    Attributes:
        friends, groups: the user's lists. They end after MOST_FRIENDS and MOST_GROUPS.
        friends_more, groups_more: a list has further entries.
        group_ids: all groups of the user.
        invitations: the newest invitations to groups.
        mail: the oldest messages of the mailbox.
        all_mail: the mailbox has no others.
        newest: the highest number in the log.
        blocks, blocked_by: the users that the user blocks, and those that block it; of the latter
            at most one more than MAX_BLOCKERS.
        friend_requests: the newest requests to be a contact; none if contacts need no approval.
    """

    friends: list[Contact]
    groups: list[Group]
    friends_more: bool
    groups_more: bool
    group_ids: frozenset[int]
    invitations: list[GroupInvitation]
    mail: list[ChatMessage]
    all_mail: bool
    newest: int
    blocks: Sequence[int] = ()
    blocked_by: Sequence[int] = ()
    friend_requests: Sequence[FriendRequestRow] = ()


@dataclass(frozen=True, slots=True)
class Entered:
    """A registered login, and the data for its answer. Goes from the worker to the loop."""

    login: Login
    snapshot: Snapshot


class LoginFlow:
    """Login, logout and disconnect. ``enter`` and ``log_out``: worker; the rest: the loop."""

    def __init__(
        self,
        database: Database,
        bus: Bus[Any],
        logins: LoginRegistry,
        mailbox: Mailbox,
        presence: Presence,
        clock: Clock,
        visibility: Visibility | None = None,
        *,
        lists_requests: bool = False,
        costs: LoginCosts | None = None,
    ) -> None:
        """``visibility``: by default all users see all others. ``lists_requests``: the answer has
        the requests to be a contact. ``costs``: refuses logins that draw too much; None: none is
        refused."""
        self._costs = costs
        self._lists_requests = lists_requests
        self._visibility = visibility or Visibility()
        self._database = database
        self._bus = bus
        self._logins = logins
        self._mailbox = mailbox
        self._presence = presence
        self._clock = clock

    # ------------------------------------------------------------------ login

    def enter(self, attempt: LoginAttempt) -> Entered:
        """Take the row, subscribe, register and read. Worker thread.

        Raises ProtocolError(ALREADY_ONLINE, TOO_MANY, UNAVAILABLE), StorageError; then nothing is
        changed.
        """
        user_id = attempt.verified.user.id
        if self._costs is not None:
            peer, by_password = attempt.connection.peer, attempt.token is None
            now = self._clock.monotonic()
            self._costs.check(user_id, peer, now, by_password=by_password)
        if not self._logins.reserve(user_id):
            if attempt.device is not None or attempt.replaces:
                # Most likely the same client, reconnecting: its earlier attempt is under way.
                raise ProtocolError(ErrNo.UNAVAILABLE, "another login is under way", retry_after=1)
            raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
        try:
            login, former_node = self._take(attempt)
        except BaseException:
            self._logins.cancel(user_id)
            raise
        entry = _Entry(
            self._database,
            self._bus,
            self._logins,
            self._presence,
            login,
            self._visibility,
            lists_requests=self._lists_requests,
        )
        try:
            snapshot = entry.enter(former_node, attempt.room, self._clock.unix())
        except BaseException:
            entry.undo()
            raise
        self._presence.came(user_id)
        return Entered(login, snapshot)

    def _take(self, attempt: LoginAttempt) -> tuple[Login, str | None]:
        """Make the row ours; returns the login, and the node that had the user, if any."""
        user, new_hash = attempt.verified
        issued = None
        if attempt.issues_token and attempt.token is None:
            issued = secrets.token_urlsafe(TOKEN_BYTES)

        def take(tx: Transaction) -> tuple[User, int]:
            current = UserModel(tx).find(user.id, lock=True)
            assert current is not None  # the rows of users are never deleted
            _check_again(tx, current, attempt)
            # A client that has hung up does not replace another login. Example: A logs in here and
            # gets no answer for long; A hangs up and logs in at node 2; then this worker runs.
            gone = attempt.connection.finishing or attempt.connection.closed
            generation = self._presence.take(
                tx, current, attempt.device, may_replace=not gone, wants=attempt.replaces
            )
            if issued is not None:
                TokenModel(tx).insert(issued, user.id, self._clock.unix())
            if attempt.issues_token and attempt.device is not None:
                by_password = attempt.token is None
                now = self._clock.unix()
                KnownDeviceModel(tx).note(user.id, attempt.device, now, add=by_password)
            if new_hash is not None:
                UserModel(tx).set_password(user.id, user.password, new_hash)
            return current, generation

        current, generation = self._database.write(take)
        login = Login(
            attempt.connection,
            self._mailbox,
            user.id,
            current.name,
            generation,
            attempt.token or issued,
            attempt.device,
            self._charge_of(attempt),
        )
        return login, current.node if current.state == ONLINE else None

    def _charge_of(self, attempt: LoginAttempt) -> Callable[[int], object]:
        """The function that charges the login with bytes. It may be called by any thread."""
        costs, clock = self._costs, self._clock
        user_id, host = attempt.verified.user.id, attempt.connection.peer
        by_password = attempt.token is None

        def charge(size: int) -> None:
            if costs is not None:
                costs.charge(user_id, host, size, clock.monotonic(), by_password=by_password)

        return charge

    def change_limits(self, limits: Limits) -> None:
        """Use other limits from now on. Any thread."""
        if self._costs is not None:
            self._costs.change(limits, self._clock.monotonic())

    def still_registered(self, login: Login) -> bool:
        """Has no later login replaced this one since ``enter``? The loop."""
        return self._logins.find(login.user_id) is login

    def abandon(self, entered: Entered) -> None:
        """The connection went down while the worker was busy. The loop."""
        self._release(entered.login)

    # ------------------------------------------------------------------ the end of a login

    def log_out(self, login: Login) -> None:
        """Release the row and revoke the token. Worker thread. Raises StorageError.

        ``Login.end`` follows in the loop.
        """
        # Out of the registry before the row is released. Example: A logs out here; meanwhile A
        # logs in at another node, which takes the row. The other node's notice then finds no
        # login here that it would close.
        groups = self._logins.remove(login)

        def release(tx: Transaction) -> None:
            UserModel(tx).go_offline(login.user_id, login.generation)
            if login.token is not None:
                TokenModel(tx).delete(login.token)

        try:
            self._database.write(release)
        except StorageError:
            if groups is not None:
                login.loop.queue_in_loop(partial(self._stay, login, groups))
            raise
        if groups is not None:
            self._bus.unsubscribe(user_topics(login.user_id, groups))
        self._presence.went(login.user_id)

    def watchers(self, user_id: int) -> list[int]:
        """The online users with this user in their lists. Worker thread. Raises StorageError."""
        rows = self._database.read(lambda tx: self._visibility.watchers(tx, [user_id]))
        return [watcher for watcher, _ in rows]

    def forget(self, login: Login, watchers: list[int]) -> None:
        """The account of this login was deleted: take it out of the registry. Worker thread.

        ``Login.end`` follows in the loop. ``watchers`` learn that the user is offline. They were
        read before the deletion, which has emptied their lists of this user.
        """
        groups = self._logins.remove(login)
        if groups is not None:
            self._bus.unsubscribe(user_topics(login.user_id, groups))
        self._presence.gone(login.user_id, watchers)

    def _stay(self, login: Login, groups: frozenset[int]) -> None:
        """A logout could not be committed: the user is still logged in. The loop."""
        if login.alive:
            if self._logins.restore(login, groups):
                login.pump.mark_dirty()  # messages that came meanwhile have woken no pump
                return
            login.connection.close("replaced")
        else:  # the connection is down by now
            self._presence.release(login.user_id, login.generation)
        self._bus.unsubscribe(user_topics(login.user_id, groups))

    def disconnect(self, login: Login) -> None:
        """The connection of a living login is down. The loop."""
        login.end()
        self._release(login)

    def _release(self, login: Login) -> None:
        groups = self._logins.remove(login)
        if groups is not None:  # else a later login has the user, or a logout is under way
            self._bus.unsubscribe(user_topics(login.user_id, groups))
            self._presence.release(login.user_id, login.generation)


class _Entry:
    """A login that has taken its row, on its way into the registry. One worker."""

    def __init__(
        self,
        database: Database,
        bus: Bus[Any],
        logins: LoginRegistry,
        presence: Presence,
        login: Login,
        visibility: Visibility,
        *,
        lists_requests: bool,
    ) -> None:
        self._lists_requests = lists_requests
        self._visibility = visibility
        self._database = database
        self._bus = bus
        self._logins = logins
        self._presence = presence
        self._login = login
        self._topics: list[Topic] = []  # subscribed to, before the registry has the login
        self._added = False

    def enter(self, former_node: str | None, room: AnswerRoom, now: int) -> Snapshot:
        """Subscribe, register, and read the data for the answer. Raises StorageError."""
        user_id = self._login.user_id
        groups = self._database.read(lambda tx: GroupModel(tx).ids_of_user(user_id))
        self._topics = user_topics(user_id, groups)
        self._bus.subscribe(self._topics)
        replaced = self._logins.add(self._login, groups)
        self._added = True
        if replaced is not None:
            self._bus.unsubscribe(user_topics(user_id, replaced.groups))
            replaced.login.send_away()
        elif former_node is not None and former_node != self._presence.node:
            self._bus.tell([Notice(user_id, TAKEN, (user_id,))])
        snapshot = self._database.read(
            lambda tx: _snapshot(
                tx, user_id, room, now, self._visibility, lists_requests=self._lists_requests
            )
        )
        self._leave_late(snapshot, groups)
        # After ``add``, so that no block is missed. Example: B blocks A while A logs in. Either the
        # snapshot has the block, or the handler of B's request finds A's login.
        self._logins.add_blocks(self._login, snapshot.blocks, snapshot.blocked_by)
        return self._join_late(snapshot, groups)

    def _leave_late(self, snapshot: Snapshot, groups: frozenset[int]) -> None:
        """Leave the groups that have removed the user while this login entered.

        Example: we read the groups of A, among them group 7; A is removed from 7 before this login
        is registered, so the notice of the removal has not found it.
        """
        for group_id in groups - snapshot.group_ids:
            if self._logins.leave(self._login, group_id):
                self._bus.unsubscribe([(GROUP_CHAT, group_id)])

    def _join_late(self, snapshot: Snapshot, groups: frozenset[int]) -> Snapshot:
        """Register for the groups that an earlier login joined while this one entered.

        Example: we read the groups of A; A's old login joins group 7; we read the snapshot, which
        has group 7. A message to 7 that was stored before our subscription has woken no pump, so
        the pump must read the mailbox.
        """
        late = snapshot.group_ids - groups
        for group_id in late:
            topic = (GROUP_CHAT, group_id)
            self._bus.subscribe([topic])
            if not self._logins.join(self._login, group_id):
                self._bus.unsubscribe([topic])
        return replace(snapshot, all_mail=False) if late else snapshot

    def undo(self) -> None:
        """Take back the parts that were done."""
        login = self._login
        if not self._added:
            self._logins.cancel(login.user_id)
            self._bus.unsubscribe(self._topics)
        else:
            groups = self._logins.remove(login)
            if groups is not None:  # else a later login has replaced this one, and unsubscribed
                self._bus.unsubscribe(user_topics(login.user_id, groups))
        self._presence.release(login.user_id, login.generation)


def _check_again(tx: Transaction, current: User, attempt: LoginAttempt) -> None:
    """The password and the token may have changed since the check. The row is locked.

    Example: a thief logs in with A's old password. While a worker hashes it, A changes it. Without
    this check the thief's login would begin after the change.
    """
    user, token = attempt.verified.user, attempt.token
    if token is None and current.password != user.password:
        # Maybe another login has only hashed it anew.
        raise ProtocolError(ErrNo.UNAVAILABLE, "the password is being changed", retry_after=1)
    if current.status != ACTIVE or (
        token is not None and not TokenModel(tx).exists(token, user.id)
    ):
        raise ProtocolError(ErrNo.REFUSED, errors.WRONG_PASSWORD)


def _snapshot(
    tx: Transaction,
    user_id: int,
    room: AnswerRoom,
    now: int,
    visibility: Visibility,
    *,
    lists_requests: bool,
) -> Snapshot:
    requests: list[FriendRequestRow] = []
    if lists_requests:
        requests = FriendRequestModel(tx).received(user_id, now, LISTED_REQUESTS)
    mail, all_mail = load(tx, user_id, (), room.messages, room.text_bytes)
    friends = FriendModel(tx).of_user(user_id, MOST_FRIENDS + 1)
    group_ids = GroupModel(tx).ids_of_user(user_id)
    groups = GroupModel(tx).of_user(user_id, MOST_GROUPS, room.members, MOST_MEMBERS)
    return Snapshot(
        visibility.contacts(tx, user_id, friends[:MOST_FRIENDS]),
        visibility.groups(tx, user_id, groups),
        len(friends) > MOST_FRIENDS,
        len(groups) < len(group_ids),
        group_ids,
        GroupInviteModel(tx).of_user(user_id, now, LISTED_INVITATIONS),
        mail,
        all_mail,
        MessageModel(tx).newest(),
        BlockedModel(tx).of_user(user_id),
        BlockedModel(tx).blockers(user_id, MAX_BLOCKERS + 1),
        requests,
    )
