"""ChatService: serves the frames of a session, strictly in order.

A frame is decoded, checked against the schema and the session's identity, and given to its
route. While a worker serves a request, the frames behind it wait; so does a request for a
worker while chat messages before it are being committed. Chat messages do not wait for each
other.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from chat.connection.classic_reader import ClassicReader
from chat.connection.http_guard import is_http
from chat.connection.session import Session
from chat.handlers import WAIT, Context, Request, Route, Where
from chat.handlers.account import MAX_FAILED_LOGINS, connection_lost, needs_hashing
from chat.login.failure_limiter import FailureLimiter
from chat.protocol import (
    ACK_OF,
    ErrNo,
    Message,
    MsgType,
    ProtocolError,
    Schema,
    asks_for_v2,
    decode,
    validate,
    without_nulls,
)
from chat.protocol.classic import classic_answer
from chat.protocol.dialects import TUTORIAL, NoTableError, Table, advice
from chat.request_workers import PeerGoneError, RequestWorkers
from chat.storage import StorageError
from chat.storage.tables import UserModel

log = logging.getLogger(__name__)

MAX_STRIKES = 50
"""Bad requests in a row; then the connection is closed. A ping is no good request: it costs
nothing, and would let a client send junk for ever."""

FRAMES_AT_ONCE = 8
"""Frames of a user that are served as soon as they arrive; further frames wait for a turn. With 8
messages in flight, a turn for each read cost 2 to 4 of 15 µs a message."""

GUEST_TOKENS = 25
"""Tokens that a guest pays for each request but a login or registration: it gets twelve answers at
once, then four a second. A flood is paused first, and not closed: its sender would connect again at
once, and to accept a connection costs more than an answer."""

_ENTRANCES = (MsgType.LOGIN_MSG, MsgType.REG_MSG)

PING = int(MsgType.PING_MSG)


ADVICES, ADVICE_SECONDS = 10, 60.0
"""Log lines in a period (seconds) about requests of one host that fit no dialect."""

MAX_SHOWN = 60
"""Characters of a name that the log shows."""


class ChatService:
    """Dispatches requests. All methods: the session's loop."""

    def __init__(
        self,
        context: Context,
        routes: Mapping[int, Route],
        schema: Schema,
        workers: RequestWorkers,
        tables: Sequence[Table] = (TUTORIAL,),
    ) -> None:
        """``tables``: all dialects, for advice about requests that fit none."""
        self._tables = tables
        self._advised = FailureLimiter(ADVICES, ADVICE_SECONDS)
        self._context = context
        self._workers = workers
        # What _serve needs of each message, under plain ints: see _serve.
        self._table = {
            int(msgid): (route, schema[msgid], route.where is Where.WORKER, route.login)
            for msgid, route in routes.items()
        }

    def receive(self, session: Session, data: bytes) -> None:
        """Serve the frames that have arrived, or keep them for the session's turn."""
        if session.closed:
            session.ignore(data)
            return
        # A client that waits for its answers sends one frame at a time: no need for a turn.
        frame = session.decoder.whole(data)
        if frame is None or session.pending or session.blocked:
            if session.user_id and not (session.pending or session.blocked):
                frames = session.decoder.several(data, FRAMES_AT_ONCE)
                if frames is not None:
                    self._serve_burst(session, frames)
                    return
                session.keep(data)
                self.take_turn(session, FRAMES_AT_ONCE)
            else:
                session.arrived(data)
            return
        bucket = session.bucket
        bucket.tokens -= 1
        if not self._serve(session, frame):
            session.postpone(frame)
        if bucket.tokens < 0:
            session.spent()

    def _serve_burst(self, session: Session, frames: list[bytes]) -> None:
        """Serve these frames as far as they need not wait; the rest waits in ``ready``."""
        bucket = session.bucket
        bucket.tokens -= len(frames)
        for number, frame in enumerate(frames):
            if session.blocked or session.closed or not self._serve(session, frame):
                if not session.closed:
                    session.postpone(*frames[number:])
                break
        if bucket.tokens < 0:
            session.spent()

    def take_turn(self, session: Session, limit: int) -> int:
        """Serve up to ``limit`` of the frames that wait; returns how many were looked at."""
        if session.closed or session.blocked:
            return 0
        ready = session.ready
        count, dry, waits = len(ready), False, False
        if not ready:
            ready.extend(session.decoder.take(limit))
            count = session.decoder.taken
            dry = count < limit or not session.decoder.held
            session.bucket.tokens -= count
        while ready and not session.blocked and not session.closed:
            frame = ready.popleft()
            if not self._serve(session, frame):
                ready.appendleft(frame)
                waits = True
                break
        if session.bucket.tokens < 0:
            session.spent()
        if dry and not ready:
            session.pending = False
            if session.reader is not None and session.decoder.held:
                session.reader.await_brace()
            if session.decoder.too_large and not (session.closed or session.finishing):
                self._frame_too_large(session)
        elif not waits:
            session.ask_for_turn()
        session.hold_or_read()
        if session.finishing:
            session.finish_if_idle()
        return count

    def disconnected(self, session: Session) -> None:
        """The connection is down: release its user."""
        session.closed = True
        session.drop_frames()
        connection_lost(self._context, session)
        if session.writer is not None:
            session.writer.stop()

    def _frame_too_large(self, session: Session) -> None:
        """The stream cannot be followed any further."""
        error = ProtocolError(ErrNo.TOO_LARGE, "frame too large")
        limit = session.decoder.max_frame
        log.warning("%s: a frame of more than %d bytes, %s", session.peer, limit, session.whose)
        self._answer(session, _failure(MsgType.ERROR_MSG, error), None)
        session.finish()  # what came before it is still answered

    # ------------------------------------------------------------------ one frame

    def _serve(self, session: Session, frame: bytes) -> bool:
        """Serve a frame; False if it has to wait for the chat messages before it.

        Every message passes here, hence the table of tuples and the checks in line.
        """
        message: Message = {}
        try:
            # A field that is null counts as absent, for everything from here on.
            message = decode(frame) if b"null" not in frame else without_nulls(decode(frame))
            reader = session.reader
            if reader is not None and (read := self._read(session, reader, message)) is not message:
                message, frame = read, b""  # the frame is of another dialect
            msgid = message.get("msgid")
            entry = self._table.get(msgid) if type(msgid) is int else None
            if entry is None:
                message = {"rid": message.get("rid")}
                raise ProtocolError(ErrNo.BAD_REQUEST, "msgid: is missing or unknown")
            route, fields, on_worker, needs_login = entry
            if on_worker and session.in_flight:
                return False
            if "v" in message and asks_for_v2(message):
                session.become_v2()
            validate(message, fields)
            if needs_login:
                user_id = session.user_id
                if not user_id:
                    raise ProtocolError(ErrNo.NOT_YOU, "not logged in")
                if message.get("id", user_id) != user_id:
                    raise ProtocolError(ErrNo.NOT_YOU, "id: is not this session's")
            if on_worker:
                self._start_work(session, route, message)
            elif route.run(self._context, session, message, frame) is WAIT:
                return False
            if msgid != PING:
                session.strikes = 0
            elif not session.user_id:
                _charge(session)
        except ProtocolError as exc:
            self._refuse(session, message, frame, exc)
        return True

    def _read(self, session: Session, reader: ClassicReader, message: Message) -> Message:
        """A request of a clone, as the tutorial has it. Raises NoTableError."""
        try:
            read = reader.read(message)
        except NoTableError:
            if not reader.advised:
                reader.advised = True
                self._advise(session, reader, message)
            raise
        if reader.has_news and session.user_id:
            self._remember(session, reader)
        return read

    def _advise(self, session: Session, reader: ClassicReader, message: Message) -> None:
        """Tell the administrator: a client that hangs now says nothing itself."""
        guess, now = reader.guess, session.last_seen
        assert guess is not None
        if not self._advised.retry_after(session.peer, now):
            self._advised.failed(session.peer, now)
            log.warning("%s: %s", session.peer, advice(message, guess, self._tables))

    def _remember(self, session: Session, reader: ClassicReader) -> None:
        """Store the dialect of the user's client, if that is news."""
        dialect = reader.news()
        if dialect is None:
            return
        user_id, database = session.user_id, self._context.database

        def store() -> None:
            try:
                database.write(lambda tx: UserModel(tx).set_dialect(user_id, dialect))
            except StorageError as exc:
                log.warning("the dialect of user %d was not stored: %s", user_id, exc)

        self._workers.try_run(store)  # if not now, then after some later login

    def _start_work(self, session: Session, route: Route, message: Message) -> None:
        if session.user_id and message["msgid"] == MsgType.LOGIN_MSG:
            raise ProtocolError(ErrNo.BAD_REQUEST, "logged in already")
        if not session.v2:
            session.arrange_output()
        reader = session.reader
        request = Request(
            message,
            session.user_id,
            session.v2,
            session.peer,
            session,
            session.frame_limit,
            reader,
            reader.guess.memory(None) if reader is not None and reader.guess is not None else None,
        )

        def work() -> Any:
            return route.run(self._context, request)

        def done(result: Any, error: BaseException | None) -> None:
            session.busy = False
            try:
                self._finish_work(session, route, message, result, error)
            finally:
                session.unblock()

        session.busy = True
        msgid = message["msgid"]
        if msgid not in _ENTRANCES:
            self._workers.start(session, work, done)
        else:
            new = msgid == MsgType.REG_MSG
            hashes = needs_hashing(message, session.v2)
            self._workers.start_entrance(session, work, done, hashes=hashes, new=new)

    def _finish_work(
        self,
        session: Session,
        route: Route,
        message: Message,
        result: Any,
        error: BaseException | None,
    ) -> None:
        if error is not None:
            if not session.closed:
                self._fail(session, message, _as_protocol_error(message, error))
            return
        if session.closed:
            if route.abandon is not None:
                route.abandon(self._context, session, result)
            return
        if route.finish is not None:
            try:
                result = route.finish(self._context, session, message, result)
            except ProtocolError as exc:
                self._fail(session, message, exc)
                return
        if message["msgid"] in (MsgType.LOGIN_MSG, MsgType.REG_MSG):
            session.known = True
        if message["msgid"] == MsgType.LOGIN_MSG and session.reader is not None:
            self._remember(session, session.reader)
        answer = {"msgid": ACK_OF[message["msgid"]], "errno": 0, **result}
        self._answer(session, answer, message.get("rid"))

    # ------------------------------------------------------------------ answers

    def _refuse(
        self, session: Session, message: Message, frame: bytes, error: ProtocolError
    ) -> None:
        """Answer a bad request, or a frame that is no request, with its error."""
        if not message and is_http(frame):
            session.refuse_http()
        else:
            self._fail(session, message, error)

    def _fail(self, session: Session, message: Message, error: ProtocolError) -> None:
        if isinstance(error, NoTableError):  # its number means nothing
            message = {"rid": message.get("rid")}
        msgid = message.get("msgid")
        answer = _failure(ACK_OF.get(msgid, MsgType.ERROR_MSG), error)  # type: ignore[arg-type]
        if answer["msgid"] == MsgType.CHAT_ACK:
            self._echo(answer, "mid", message.get("mid"))
        if not session.v2 and msgid not in _ENTRANCES:
            answer["msgid"] = MsgType.ERROR_MSG
        self._answer(session, answer, message.get("rid"))
        if msgid == MsgType.REG_MSG:
            # The original's clients show every refusal as "name is already exist".
            name = str(message.get("name"))[:MAX_SHOWN]
            log.info("%s: registration of %r refused: %s", session.peer, name, error.errmsg)
        if error.errno == ErrNo.BAD_REQUEST:
            session.strikes += 1
        if not session.user_id and (error.errno == ErrNo.BAD_REQUEST or msgid not in _ENTRANCES):
            _charge(session)
        if msgid == MsgType.LOGIN_MSG and error.errno == ErrNo.REFUSED:
            session.failed_logins += 1
            log.warning("%s: a login as user %s failed", session.peer, message.get("id"))
        if session.strikes >= MAX_STRIKES or session.failed_logins >= MAX_FAILED_LOGINS:
            why = f"{session.strikes} bad requests in a row, {session.failed_logins} failed logins"
            log.warning("%s: closed for abuse, %s: %s", session.peer, session.whose, why)
            session.close("abuse")

    def _echo(self, answer: Message, name: str, value: object) -> None:
        """The text, or nothing if it was refused as too long: the answer would be long, too."""
        if isinstance(value, str) and len(value) <= self._context.limits.opaque:
            answer[name] = value

    def _answer(self, session: Session, answer: Message, rid: object) -> None:
        self._echo(answer, "rid", rid)
        if not session.v2:
            session.arrange_output()
            shaped = classic_answer(answer, session.table)
            if shaped is None:
                return
            answer = shaped
        session.send(answer)


def _charge(session: Session) -> None:
    session.bucket.tokens -= GUEST_TOKENS
    if session.bucket.tokens < 0:
        session.spent()


def _failure(msgid: MsgType, error: ProtocolError) -> Message:
    return {"msgid": msgid, "errno": int(error.errno), "errmsg": error.errmsg, **error.extra}


def _as_protocol_error(message: Message, error: BaseException) -> ProtocolError:
    if isinstance(error, ProtocolError):
        return error
    if isinstance(error, PeerGoneError):
        return ProtocolError(ErrNo.UNAVAILABLE, "the connection ended before this was begun")
    if isinstance(error, StorageError):
        log.warning("request %s: %s", message.get("msgid"), error)
    else:
        log.error("request %s failed", message.get("msgid"), exc_info=error)
    return ProtocolError(ErrNo.UNAVAILABLE, "temporarily unavailable, try again", retry_after=1)
