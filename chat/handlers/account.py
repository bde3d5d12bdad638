"""Registering, logging in and out."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace
from functools import partial

from chat.connection.classic_writer import MAIL_QUEUE
from chat.handlers.context import Connection, Context, Request
from chat.handlers.shapes import contact_fields, group_fields
from chat.login.login import Login
from chat.mailbox.mailbox import LOOK_BYTES, load
from chat.mailbox.pump import WINDOW
from chat.message import ChatMessage, Topic, user_topics
from chat.names.name_hash import name_hashes
from chat.notice import TAKEN, Notice
from chat.protocol import (
    GROUP_CHAT,
    V2,
    ErrNo,
    Message,
    MsgType,
    ProtocolError,
    encode,
    errors,
    normal_name,
)
from chat.protocol.classic_login import fit_login, left_out
from chat.protocol.dialects.classic_answer import classic_answer
from chat.storage import StorageError, Transaction, UniqueViolation
from chat.storage.tables import (
    ONLINE,
    USERS,
    Contact,
    FriendModel,
    Group,
    GroupModel,
    MessageModel,
    NameModel,
    TokenModel,
    User,
    UserModel,
)

log = logging.getLogger(__name__)

CLASSIC_OFFLINE = 5000
CLASSIC_BYTES = 1024 * 1024
"""A classic client gets its mail in one frame: up to so many messages, and so much text; the rest
follows."""

MAX_FAILED_LOGINS = 10
"""On one connection; then it is closed."""

TOKEN_BYTES = 32


def needs_hashing(message: Message, v2: bool) -> bool:
    """Does this login or registration hash a password? A login by token does not. Pure."""
    return not (v2 and message["msgid"] == MsgType.LOGIN_MSG and message.get("token") is not None)


def register(ctx: Context, request: Request) -> Message:
    """REG_MSG. Worker thread."""
    if not ctx.registration:
        raise ProtocolError(ErrNo.REFUSED, "registration is closed")
    given: str = request.message["name"]
    name = normal_name(given)
    hashes = name_hashes(name)
    password: str = request.message["password"]
    shortest = ctx.limits.password_min if request.v2 else ctx.classic.password_min
    if len(password) < shortest:
        between = f"must be a string of {shortest} to {ctx.limits.password_max} characters"
        raise ProtocolError(ErrNo.BAD_REQUEST, f"password: {between}")
    hashed = ctx.passwords.hash(password)

    def insert(tx: Transaction) -> int:
        claimed = ctx.lookalikes.claim(tx, USERS, hashes)
        return UserModel(tx).insert(name, hashed, claimed, request.dialect)

    try:
        user_id = ctx.database.write(insert)
    except UniqueViolation as exc:
        taken = ctx.database.read(lambda tx: NameModel(tx, USERS).exists((given, name)))
        problem = errors.NAME_TAKEN if taken else errors.NAME_LOOKALIKE
        raise ProtocolError(ErrNo.REFUSED, problem) from exc
    return {"id": user_id}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a login's answer shows, all of one moment; and ``newest``: the last message then."""

    friends: list[Contact]
    groups: list[Group]
    mail: list[ChatMessage]
    all_mail: bool
    newest: int


@dataclass(frozen=True, slots=True)
class Entered:
    """A registered login, and what its answer shows. Goes from the worker to the loop."""

    login: Login
    shown: Snapshot


def login(ctx: Context, request: Request) -> Entered:
    """LOGIN_MSG: prove who it is, own the row, subscribe, then read the mailbox. Worker."""
    user, rehashed = _authenticate(ctx, request)
    if not ctx.logins.begin(user.id):
        if "device" in request.message:
            # Most likely the same client, reconnecting: its other attempt is under way.
            raise ProtocolError(ErrNo.UNAVAILABLE, "another login is under way", retry_after=1)
        raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
    try:
        login, former = _take(ctx, request, user, rehashed)
    except BaseException:
        ctx.logins.abandon(user.id)
        raise
    entry = _Entry(ctx, login)
    try:
        shown = entry.enter(former, _mail_room(request))
    except BaseException:
        entry.undo()
        raise
    ctx.presence.came(user.id)
    return Entered(login, shown)


def _take(
    ctx: Context, request: Request, user: User, rehashed: str | None
) -> tuple[Login, str | None]:
    """Make the row ours; returns the login, and the node that had the row."""
    device: str | None = request.message.get("device")
    token: str | None = request.message.get("token")
    issued = secrets.token_urlsafe(TOKEN_BYTES) if request.v2 and token is None else None

    def take(tx: Transaction) -> tuple[User, int]:
        current = UserModel(tx).find(user.id)
        assert current is not None  # users are never deleted
        # Who has hung up already has logged in elsewhere by now, and must not be thrown out
        # there by a login that nobody waits for.
        gone = request.connection.finishing or request.connection.closed
        generation = ctx.presence.take(tx, current, device, may_replace=not gone)
        if issued is not None:
            TokenModel(tx).insert(issued, user.id, ctx.clock.unix())
        if rehashed is not None:
            UserModel(tx).set_password(user.id, user.password, rehashed)
        return current, generation

    current, generation = ctx.database.write(take)
    former = current.node if current.state == ONLINE else None
    login = Login(
        request.connection,
        ctx.mailbox,
        user.id,
        current.name,
        generation,
        token or issued,
        device,
    )
    return login, former


class _Entry:
    """A login whose row is taken, on its way to being registered; and back, if that fails."""

    def __init__(self, ctx: Context, login: Login) -> None:
        self._ctx = ctx
        self._login = login
        self._heard: list[Topic] = []  # as long as nobody else will give these up
        self._added = False

    def enter(self, former: str | None, room: tuple[int, int]) -> Snapshot:
        """Subscribe, register, and read what the answer shows."""
        ctx, user_id = self._ctx, self._login.user_id
        groups = ctx.database.read(lambda tx: GroupModel(tx).ids_of_user(user_id))
        heard = user_topics(user_id, groups)
        self._heard = heard
        ctx.bus.subscribe(heard)
        replaced = ctx.logins.add(self._login, groups)
        self._added = True
        if replaced is not None:
            ctx.bus.unsubscribe(user_topics(user_id, replaced.groups))
            replaced.login.send_away()
        elif former is not None and former != ctx.presence.node:
            ctx.bus.tell([Notice(user_id, TAKEN, (user_id,))])  # who had it should let go
        shown = ctx.database.read(lambda tx: _snapshot(tx, user_id, room))
        late = {group.id for group in shown.groups} - groups
        if late:
            self._join(late)
            # Whatever has come for them meanwhile has woken nobody.
            shown = replace(shown, all_mail=False)
        return shown

    def _join(self, group_ids: set[int]) -> None:
        """Groups that an earlier session has joined while we were reading."""
        for group_id in group_ids:
            topic = (GROUP_CHAT, group_id)
            self._ctx.bus.subscribe([topic])
            if not self._ctx.logins.join(self._login, group_id):
                self._ctx.bus.unsubscribe([topic])

    def undo(self) -> None:
        """It has failed: as if it had never been."""
        ctx, login = self._ctx, self._login
        if not self._added:
            ctx.logins.abandon(login.user_id)
            ctx.bus.unsubscribe(self._heard)
        else:
            groups = ctx.logins.remove(login)
            if groups is not None:  # else the login that has replaced this one has given them up
                ctx.bus.unsubscribe(user_topics(login.user_id, groups))
        ctx.presence.release(login.user_id, login.generation)


def _mail_room(request: Request) -> tuple[int, int]:
    """Bounds of the mail in the answer: messages, and bytes of their text."""
    if request.v2:
        return WINDOW, LOOK_BYTES
    if request.frame_limit:
        return MAIL_QUEUE, request.frame_limit  # more could not fit into the frame
    return CLASSIC_OFFLINE, CLASSIC_BYTES


def _snapshot(tx: Transaction, user_id: int, room: tuple[int, int]) -> Snapshot:
    mail, all_mail = load(tx, user_id, (), *room)
    return Snapshot(
        FriendModel(tx).of_user(user_id),
        GroupModel(tx).of_user(user_id),
        mail,
        all_mail,
        MessageModel(tx).newest(),
    )


def _authenticate(ctx: Context, request: Request) -> tuple[User, str | None]:
    """The user whose password or token this is, and a new hash if the old one has aged."""
    message = request.message
    user_id: int = message["id"]
    user = ctx.database.read(lambda tx: UserModel(tx).find(user_id))
    if request.reader is not None:
        # Before anything fails: the client has to understand that answer, too.
        request.reader.recall(user.dialect if user else None)
    key = (request.peer, user_id)
    wait = ctx.limiter.retry_after(key, ctx.clock.monotonic())
    token: str | None = message.get("token") if request.v2 else None
    if token is None and wait:
        seconds = int(wait) + 1
        raise ProtocolError(ErrNo.TOO_MANY, "too many failed logins", retry_after=seconds)
    if token is None and "password" not in message:
        raise ProtocolError(ErrNo.BAD_REQUEST, "password: is missing")
    if token is not None:
        if user is not None and _use_token(ctx, token, user_id):
            return user, None
        raise ProtocolError(ErrNo.REFUSED, errors.WRONG_PASSWORD)
    password: str = message["password"]
    if not ctx.passwords.verify(user.password if user else None, password) or user is None:
        ctx.limiter.failed(key, ctx.clock.monotonic())
        raise ProtocolError(ErrNo.REFUSED, errors.WRONG_PASSWORD)
    ctx.limiter.succeeded(key)
    aged = ctx.passwords.needs_rehash(user.password)
    return user, ctx.passwords.hash(password) if aged else None


def _use_token(ctx: Context, token: str, user_id: int) -> bool:
    now = ctx.clock.unix()
    return ctx.database.write(lambda tx: TokenModel(tx).use(token, user_id, now, ctx.token_seconds))


def finish_login(
    ctx: Context, connection: Connection, message: Message, entered: Entered
) -> Message:
    """Give the connection to the user. Connection's loop."""
    login, shown = entered.login, entered.shown
    # Another login has replaced this one meanwhile.
    if ctx.logins.find(login.user_id) is not login:
        connection.close("replaced")
        raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
    answer: Message = {
        "id": login.user_id,
        "name": login.name,
        "friends": [contact_fields(friend) for friend in shown.friends],
        "groups": [group_fields(group) for group in shown.groups],
        "offlinemsg": [mail.fields(connection.v2) for mail in shown.mail],
    }
    if connection.v2:
        node, heartbeat = ctx.presence.node, ctx.heartbeat
        answer.update(v=V2, token=login.token, heartbeat=heartbeat, node=node)
    mail, all_mail = shown.mail, shown.all_mail
    if connection.frame_limit:
        answer = _fit(login, answer, message.get("rid"), all_mail)
        if len(answer["offlinemsg"]) < len(mail):
            mail, all_mail = [], False
    # Look again after joining a group. Example: we read the groups; the user joins group 7
    # elsewhere; a message to 7 is stored. Its wake-up came before we subscribed to 7.
    joined = len(shown.groups) != len(login.groups)
    login.begin(mail, not all_mail or joined, shown.newest)
    # After the answer has gone out: the rest of the mail, and for a classic client the count.
    connection.loop.queue_in_loop(partial(_after_login, login))
    return answer


def _fit(login: Login, answer: Message, rid: object, all_mail: bool) -> Message:
    """The answer, cut to the bytes that an original client reads at once."""
    if not all_mail:
        answer = {**answer, "offlinemsg": []}
    connection = login.connection
    head: Message = {"msgid": MsgType.LOGIN_MSG_ACK, "errno": 0}
    if isinstance(rid, str):
        head["rid"] = rid

    def size(candidate: Message) -> int:
        shaped = classic_answer({**head, **candidate}, connection.table)
        assert shaped is not None
        return len(encode(shaped))

    fitted = fit_login(answer, connection.frame_limit, size)
    missing = left_out(answer, fitted)
    if missing:
        log.info(
            "%s: the answer to user %d (%r) leaves out %s: its client reads %d bytes",
            connection.peer,
            login.user_id,
            login.name,
            missing,
            connection.frame_limit,
        )
    return fitted


def _after_login(login: Login) -> None:
    if login.alive:
        if not login.connection.v2:
            login.pump.written()
        login.pump.kick()


def abandon_login(ctx: Context, connection: Connection, entered: Entered) -> None:
    """The connection went down while the login was under way. Its loop."""
    _leave(ctx, entered.login)


def connection_lost(ctx: Context, connection: Connection) -> None:
    """The connection is down: release its user, if any. Its loop."""
    login = connection.login
    if login is not None:
        login.end()
        _leave(ctx, login)


def _leave(ctx: Context, login: Login) -> None:
    groups = ctx.logins.remove(login)
    if groups is not None:  # else another login has the user, or a logout is under way
        ctx.bus.unsubscribe(user_topics(login.user_id, groups))
        ctx.presence.release(login.user_id, login.generation)


def logout(ctx: Context, request: Request) -> Message:
    """LOGINOUT_MSG. Worker thread."""
    login = request.login
    assert login is not None
    # Out of the registry first: a login elsewhere takes the row over from here on, and finds no
    # login to send away.
    groups = ctx.logins.remove(login)

    def leave(tx: Transaction) -> None:
        UserModel(tx).go_offline(login.user_id, login.generation)
        if login.token is not None:
            TokenModel(tx).delete(login.token)

    try:
        ctx.database.write(leave)
    except StorageError:
        if groups is not None:
            login.loop.queue_in_loop(partial(_stay, ctx, login, groups))
        raise
    if groups is not None:
        ctx.bus.unsubscribe(user_topics(login.user_id, groups))
    ctx.presence.went(login.user_id)
    return {}


def _stay(ctx: Context, login: Login, groups: frozenset[int]) -> None:
    """A logout that could not be committed: still logged in. Connection's loop."""
    if login.alive:
        if ctx.logins.restore(login, groups):
            login.pump.mark_dirty()  # messages that came meanwhile have woken no login
            return
        login.connection.close("replaced")
    else:  # the connection is down by now
        ctx.presence.release(login.user_id, login.generation)
    ctx.bus.unsubscribe(user_topics(login.user_id, groups))


def finish_logout(
    ctx: Context, connection: Connection, message: Message, result: Message
) -> Message:
    """The connection is a guest's again. Connection's loop."""
    if connection.login is not None:
        connection.login.end()
    return result
