"""Registering, logging in and out."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace

from chat.connection.classic_writer import MAIL_QUEUE
from chat.connection.session import Session
from chat.delivery.mailbox import LOOK_BYTES, load
from chat.delivery.pump import WINDOW
from chat.handlers.context import Context, Request
from chat.handlers.shapes import contact_fields, group_fields
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
    errors,
    normal_name,
)
from chat.protocol.classic import classic_answer
from chat.protocol.classic_login import fit_login, left_out
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
class Login:
    """What a successful login hands from the worker to the loop."""

    user: User
    generation: int
    token: str | None
    device: str | None
    shown: Snapshot


def login(ctx: Context, request: Request) -> Login:
    """LOGIN_MSG: prove who it is, own the row, subscribe, then read the mailbox. Worker."""
    user, rehashed = _authenticate(ctx, request)
    if not ctx.sessions.begin(user.id):
        if "device" in request.message:
            # Most likely the same client, reconnecting: its other attempt is under way.
            raise ProtocolError(ErrNo.UNAVAILABLE, "another login is under way", retry_after=1)
        raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
    try:
        user, former, generation, token = _take(ctx, request, user, rehashed)
    except BaseException:
        ctx.sessions.abandon(user.id)
        raise
    entry = _Entry(ctx, request.session, user.id, generation)
    try:
        shown = entry.enter(former, _mail_room(request))
    except BaseException:
        entry.undo()
        raise
    ctx.presence.came(user.id)
    device: str | None = request.message.get("device")
    return Login(user, generation, token, device, shown)


def _take(
    ctx: Context, request: Request, user: User, rehashed: str | None
) -> tuple[User, str | None, int, str | None]:
    """Make the row ours; returns user, the node that had it, generation and token."""
    device: str | None = request.message.get("device")
    token: str | None = request.message.get("token")
    issued = secrets.token_urlsafe(TOKEN_BYTES) if request.v2 and token is None else None

    def take(tx: Transaction) -> tuple[User, int]:
        current = UserModel(tx).find(user.id)
        assert current is not None  # users are never deleted
        # Who has hung up already has logged in elsewhere by now, and must not be thrown out
        # there by a login that nobody waits for.
        gone = request.session.finishing or request.session.closed
        generation = ctx.presence.take(tx, current, device, may_replace=not gone)
        if issued is not None:
            TokenModel(tx).insert(issued, user.id, ctx.clock.unix())
        if rehashed is not None:
            UserModel(tx).set_password(user.id, user.password, rehashed)
        return current, generation

    current, generation = ctx.database.write(take)
    former = current.node if current.state == ONLINE else None
    return current, former, generation, token or issued


class _Entry:
    """A login whose row is taken, on its way to being registered; and back, if that fails."""

    def __init__(self, ctx: Context, session: Session, user_id: int, generation: int) -> None:
        self._ctx = ctx
        self._session = session
        self._user_id = user_id
        self._generation = generation
        self._heard: list[Topic] = []  # as long as nobody else will give these up
        self._added = False

    def enter(self, former: str | None, room: tuple[int, int]) -> Snapshot:
        """Subscribe, register, and read what the answer shows."""
        ctx, user_id = self._ctx, self._user_id
        groups = ctx.database.read(lambda tx: GroupModel(tx).ids_of_user(user_id))
        heard = user_topics(user_id, groups)
        self._heard = heard
        ctx.bus.subscribe(heard)
        replaced = ctx.sessions.add(self._session, user_id, groups, self._generation)
        self._added = True
        if replaced is not None:
            ctx.bus.unsubscribe(user_topics(user_id, replaced.groups))
            replaced.session.send_away(user_id, self._generation)
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
            if not self._ctx.sessions.join(self._session, self._user_id, group_id):
                self._ctx.bus.unsubscribe([topic])

    def undo(self) -> None:
        """It has failed: as if it had never been."""
        ctx = self._ctx
        if not self._added:
            ctx.sessions.abandon(self._user_id)
            ctx.bus.unsubscribe(self._heard)
        else:
            groups = ctx.sessions.remove(self._session, self._user_id)
            if groups is not None:  # else who has replaced us has given them up
                ctx.bus.unsubscribe(user_topics(self._user_id, groups))
        ctx.presence.release(self._user_id, self._generation)


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


def finish_login(ctx: Context, session: Session, message: Message, login: Login) -> Message:
    """Make the session the user's. Session's loop."""
    user, shown = login.user, login.shown
    if ctx.sessions.find(user.id) is not session:  # another login has replaced this one meanwhile
        session.close("replaced")
        raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
    session.become_user()
    session.user_id = user.id
    session.name = user.name
    session.generation = login.generation
    session.token = login.token
    session.device = login.device
    session.failed_logins = 0
    answer: Message = {
        "id": user.id,
        "name": user.name,
        "friends": [contact_fields(friend) for friend in shown.friends],
        "groups": [group_fields(group) for group in shown.groups],
        "offlinemsg": [mail.fields(session.v2) for mail in shown.mail],
    }
    if session.v2:
        node, heartbeat = ctx.presence.node, ctx.heartbeat
        answer.update(v=V2, token=login.token, heartbeat=heartbeat, node=node)
    mail, all_mail = shown.mail, shown.all_mail
    if session.frame_limit:
        answer = _fit(session, answer, message.get("rid"), all_mail)
        if len(answer["offlinemsg"]) < len(mail):
            mail, all_mail = [], False
    # Look again after joining a group. Example: we read the groups; the user joins group 7
    # elsewhere; a message to 7 is stored. Its wake-up came before we subscribed to 7.
    joined = len(shown.groups) != len(session.groups)
    session.pump.start(user.id, mail, not all_mail or joined, shown.newest)
    # After the answer has gone out: the rest of the mail, and for a classic client the count.
    session.loop.queue_in_loop(lambda: _after_login(session, user.id))
    return answer


def _fit(session: Session, answer: Message, rid: object, all_mail: bool) -> Message:
    """The answer, cut to the bytes that an original client reads at once."""
    if not all_mail:
        answer = {**answer, "offlinemsg": []}
    head: Message = {"msgid": MsgType.LOGIN_MSG_ACK, "errno": 0}
    if isinstance(rid, str):
        head["rid"] = rid

    def size(candidate: Message) -> int:
        shaped = classic_answer({**head, **candidate}, session.table)
        assert shaped is not None
        return len(session.encode(shaped))

    fitted = fit_login(answer, session.frame_limit, size)
    missing = left_out(answer, fitted)
    if missing:
        log.info(
            "%s: the answer to user %d (%r) leaves out %s: its client reads %d bytes",
            session.peer,
            session.user_id,
            session.name,
            missing,
            session.frame_limit,
        )
    return fitted


def _after_login(session: Session, user_id: int) -> None:
    if session.user_id == user_id:
        if not session.v2:
            session.pump.written()
        session.pump.kick()


def abandon_login(ctx: Context, session: Session, login: Login) -> None:
    """The connection went down while the login was under way. Its loop."""
    _leave(ctx, session, login.user.id, login.generation)


def connection_lost(ctx: Context, session: Session) -> None:
    """The connection is down: release its user, if any. Its loop."""
    user_id = session.user_id
    if user_id:
        forget_user(ctx, session)
        _leave(ctx, session, user_id, session.generation)


def _leave(ctx: Context, session: Session, user_id: int, generation: int) -> None:
    groups = ctx.sessions.remove(session, user_id)
    if groups is not None:  # else somebody else has the user, or a logout is under way
        ctx.bus.unsubscribe(user_topics(user_id, groups))
        ctx.presence.release(user_id, generation)


def logout(ctx: Context, request: Request) -> Message:
    """LOGINOUT_MSG. Worker thread."""
    session, user_id = request.session, request.user_id
    generation, token = session.generation, session.token
    # Out of the registry first: whoever logs in elsewhere from here on takes the row over,
    # and does not find a session to send away.
    groups = ctx.sessions.remove(session, user_id)

    def leave(tx: Transaction) -> None:
        UserModel(tx).go_offline(user_id, generation)
        if token is not None:
            TokenModel(tx).delete(token)

    try:
        ctx.database.write(leave)
    except StorageError:
        if groups is not None:
            session.loop.queue_in_loop(lambda: _stay(ctx, session, user_id, groups))
        raise
    if groups is not None:
        ctx.bus.unsubscribe(user_topics(user_id, groups))
    ctx.presence.went(user_id)
    return {}


def _stay(ctx: Context, session: Session, user_id: int, groups: frozenset[int]) -> None:
    """A logout that could not be committed: still logged in. Session's loop."""
    if session.user_id == user_id:
        if ctx.sessions.restore(session, user_id, groups, session.generation):
            session.pump.mark_dirty()  # what came meanwhile has woken nobody
            return
        session.close("replaced")
    else:  # the connection is down by now
        ctx.presence.release(user_id, session.generation)
    ctx.bus.unsubscribe(user_topics(user_id, groups))


def finish_logout(ctx: Context, session: Session, message: Message, result: Message) -> Message:
    """The session is nobody's again. Session's loop."""
    forget_user(ctx, session)
    return result


def forget_user(ctx: Context, session: Session) -> None:
    """Take the identity from a session. Session's loop."""
    session.become_guest()
    session.pump.stop()
    session.pump = ctx.delivery.new_pump(session)
    session.user_id = 0
    session.name = ""
    session.token = None
    session.device = None
