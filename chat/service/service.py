"""ChatService: serves the frames of a connection, in their order.

A frame is decoded, checked against the schema and the login, and served by the handler of its
route. Later frames wait while a worker serves a request. A request for a worker waits until the
chat messages before it are committed. A chat message does not wait for earlier ones: it joins the
commit queue behind them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from chat.connection.classic_reader import ClassicReader
from chat.connection.connection import ClientConnection
from chat.handlers import WAIT, Context, Request, Route, Where
from chat.handlers.account import check_account
from chat.handlers.context import LongAnswer
from chat.limits.keyed_buckets import KeyedBuckets
from chat.login.login import Login
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
from chat.protocol.dialects import TUTORIAL, NoTableError, Table, advice
from chat.service.answers import ENTRANCES, GUEST_TOKENS, Answers, charge, failure
from chat.service.entrances import Entrances
from chat.service.request_limits import RequestLimits
from chat.service.request_workers import RequestWorkers
from chat.storage import StorageError
from chat.storage.tables import UserModel

Connection = ClientConnection[Login]

log = logging.getLogger(__name__)

FRAMES_AT_ONCE = 8
"""Frames of a user that are served when they arrive; further frames wait for a turn. With eight
messages in flight, a turn for each read cost 2 to 4 of 15 µs a message."""

PING = int(MsgType.PING_MSG)

TOO_LARGE = "frame too large"

LOGGED = {
    MsgType.CHANGE_PASSWORD_MSG: "has changed the password",
    MsgType.DELETE_ACCOUNT_MSG: "has deleted the account",
}
"""Requests with a line in the log, for an operator that is asked about a stolen account."""

ADVICES, ADVICE_SECONDS = 10, 60.0
"""Log lines in a period (seconds) about requests of one host that fit no dialect."""


class ChatService:
    """Dispatches requests. All methods: the connection's loop."""

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
        self._advised = KeyedBuckets(ADVICES / ADVICE_SECONDS, ADVICES)
        self._workers = workers
        self._requests = RequestLimits(context.limits)
        self._entrances = Entrances(workers, context.login_limits, context.database, context.clock)
        self._routes = routes
        self.change_limits(context, schema)

    def change_limits(self, context: Context, schema: Schema) -> None:
        """Serve the next frames with these limits. Any thread.

        These are three assignments. So a frame that another loop serves meanwhile may be checked by
        the new schema and served with the former limits, which were right a moment ago.
        """
        self._context = context
        self._answers = Answers(context.limits)
        self._requests.change(context.limits, context.clock.monotonic())
        # What _serve needs of each message, under plain ints: see _serve.
        self._table = {
            int(msgid): (route, schema[msgid], route.where is Where.WORKER, route.login)
            for msgid, route in self._routes.items()
        }

    def receive(self, connection: Connection, data: bytes) -> None:
        """Serve the frames of these bytes, or keep them for the connection's turn."""
        if connection.closed:
            connection.ignore(data)
            return
        # A client that waits for its answers sends one frame at a time, which needs no turn.
        frame, flow = connection.framer.whole(data), connection.flow
        if frame is None or flow.pending or flow.blocked:
            if connection.login is not None and not (flow.pending or flow.blocked):
                frames = connection.framer.several(data, FRAMES_AT_ONCE)
                if frames is not None:
                    self._serve_burst(connection, frames)
                    return
                flow.keep(data)
                self.take_turn(connection, FRAMES_AT_ONCE)
            else:
                flow.arrived(data)
            return
        bucket = flow.bucket
        bucket.tokens -= 1
        if not self._serve(connection, frame):
            flow.postpone(frame)
        if bucket.tokens < 0:
            flow.spent()

    def _serve_burst(self, connection: Connection, frames: list[bytes]) -> None:
        """Serve these frames as far as they need not wait; the rest waits in ``ready``."""
        flow = connection.flow
        bucket = flow.bucket
        bucket.tokens -= len(frames)
        for number, frame in enumerate(frames):
            if flow.blocked or connection.closed or not self._serve(connection, frame):
                if not connection.closed:
                    flow.postpone(*frames[number:])
                break
        if bucket.tokens < 0:
            flow.spent()

    def take_turn(self, connection: Connection, limit: int) -> int:
        """Serve up to ``limit`` of the frames that wait; returns how many were looked at."""
        flow = connection.flow
        if connection.closed or flow.blocked:
            return 0
        ready = flow.ready
        count, dry, waits = len(ready), False, False
        if not ready:
            ready.extend(connection.framer.take(limit))
            count = connection.framer.taken
            dry = count < limit or not connection.framer.held
            flow.bucket.tokens -= count
        while ready and not flow.blocked and not connection.closed:
            frame = ready.pop(0)
            if not self._serve(connection, frame):
                ready.insert(0, frame)
                waits = True
                break
        if flow.bucket.tokens < 0:
            flow.spent()
        if dry and not ready:
            flow.pending = False
            if connection.reader is not None and connection.framer.held:
                connection.reader.await_brace()
            if connection.framer.too_large and not (connection.closed or connection.finishing):
                self._frame_too_large(connection)
        elif not waits:
            flow.ask_for_turn()
        flow.hold_or_read()
        if connection.finishing:
            connection.finish_if_idle()
        return count

    def disconnected(self, connection: Connection) -> None:
        """The connection is down: release its user."""
        connection.went_down()
        if connection.login is not None:
            self._context.login_flow.disconnect(connection.login)

    def _frame_too_large(self, connection: Connection) -> None:
        """The stream cannot be cut into frames any more."""
        error = ProtocolError(ErrNo.TOO_LARGE, TOO_LARGE)
        limit = connection.framer.max_frame
        log.warning(
            "%s: a frame of more than %d bytes, %s", connection.label, limit, connection.owner
        )
        self._answers.send_answer(connection, failure(MsgType.ERROR_MSG, error), None)
        connection.finish(TOO_LARGE)  # answers to earlier requests still go out

    # ------------------------------------------------------------------ one frame

    def _serve(self, connection: Connection, frame: bytes) -> bool:
        """Serve a frame; False if it has to wait for the chat messages before it.

        Every message passes here. So the table has tuples, and the checks are in line.
        """
        message: Message = {}
        try:
            # From here on, a field that is null counts as absent.
            message = decode(frame) if b"null" not in frame else without_nulls(decode(frame))
            reader = connection.reader
            if (
                reader is not None
                and (read := self._read(connection, reader, message)) is not message
            ):
                message, frame = read, b""  # the frame is of another dialect
            msgid = message.get("msgid")
            entry = self._table.get(msgid) if type(msgid) is int else None
            if entry is None:
                message = {"rid": message.get("rid")}
                raise ProtocolError(ErrNo.BAD_REQUEST, "msgid: is missing or unknown")
            route, fields, on_worker, needs_login = entry
            if on_worker and connection.flow.in_flight:
                return False
            if "v" in message and asks_for_v2(message):
                connection.become_v2()
            validate(message, fields)
            if needs_login:
                login = connection.login
                if login is None:
                    raise ProtocolError(ErrNo.NOT_YOU, "not logged in")
                if message.get("id", login.user_id) != login.user_id:
                    raise ProtocolError(ErrNo.NOT_YOU, "id: is not this session's")
            if on_worker:
                self._start_work(connection, route, message)
            elif route.run(self._context, connection, message, frame) is WAIT:
                return False
            connection.counters.requests[msgid] += 1  # type: ignore[index]
            if msgid != PING:
                connection.strikes = 0
            elif connection.login is None:
                charge(connection, GUEST_TOKENS)
        except ProtocolError as exc:
            self._answers.refuse(connection, message, frame, exc)
        return True

    def _read(self, connection: Connection, reader: ClassicReader, message: Message) -> Message:
        """A request of a clone, under the tutorial's number and names. Raises NoTableError."""
        try:
            read = reader.read(message)
        except NoTableError:
            if not reader.advised:
                reader.advised = True
                self._advise(connection, reader, message)
            raise
        if reader.has_news and connection.login is not None:
            self._remember(connection, reader)
        return read

    def _advise(self, connection: Connection, reader: ClassicReader, message: Message) -> None:
        """Log the reason for the administrator, because such a client often shows no error."""
        guess, now = reader.guess, connection.last_seen
        assert guess is not None
        if not self._advised.take(connection.peer, now):
            log.warning("%s: %s", connection.label, advice(message, guess, self._tables))

    def _remember(self, connection: Connection, reader: ClassicReader) -> None:
        """Store the dialect of the user's client, if the account has another one."""
        dialect = reader.news()
        if dialect is None:
            return
        assert connection.login is not None
        user_id, database = connection.login.user_id, self._context.database

        def store() -> None:
            try:
                database.write(lambda tx: UserModel(tx).set_dialect(user_id, dialect))
            except StorageError as exc:
                log.warning("the dialect of user %d was not stored: %s", user_id, exc)

        self._workers.try_run(store)  # if the workers are busy, a later login stores it

    def _start_work(self, connection: Connection, route: Route, message: Message) -> None:
        if connection.login is not None and message["msgid"] == MsgType.LOGIN_MSG:
            raise ProtocolError(ErrNo.BAD_REQUEST, "logged in already")
        if message["msgid"] in ENTRANCES:
            check_account(message, connection.v2)
            self._open_entrance(connection, message["msgid"])
        if not connection.v2:
            connection.classic_output.arrange()
        reader = connection.reader
        request = Request(
            message,
            connection,
            connection.login,
            connection.v2,
            connection.peer,
            connection.classic_output.frame_limit,
            reader,
            reader.guess.memory(None) if reader is not None and reader.guess is not None else None,
        )

        def work() -> Any:
            return route.run(self._context, request)

        def done(result: Any, error: BaseException | None) -> None:
            connection.flow.busy = False
            try:
                self._finish_work(connection, route, message, result, error)
            finally:
                connection.flow.unblock()

        msgid = message["msgid"]
        if connection.login is not None:
            now = self._context.clock.monotonic()
            self._requests.check(connection.login.user_id, msgid, now)
        connection.flow.busy = True
        if msgid not in ENTRANCES:
            if route.hashes and ("password" in message or "old" in message):
                share = self._context.login_limits.share_key(connection.peer)
                self._workers.start_hashing(connection, work, done, share)
            else:
                self._workers.start(connection, work, done)
        else:
            try:
                self._entrances.start(connection, message, work, done)
            except ProtocolError:
                connection.flow.busy = False
                raise

    def _open_entrance(self, connection: Connection, msgid: int) -> None:
        """A guest tries to log in or register: give it new time and new bytes."""
        connection.guest.renew(connection.last_seen)
        if msgid != MsgType.LOGIN_MSG or connection.ticket is None:
            return
        refusal = connection.ticket.refuse_login()
        if refusal is not None:
            errmsg, seconds = refusal.errmsg, refusal.retry_after
            raise ProtocolError(ErrNo.TOO_MANY, errmsg, retry_after=seconds)

    def _finish_work(
        self,
        connection: Connection,
        route: Route,
        message: Message,
        result: Any,
        error: BaseException | None,
    ) -> None:
        if error is not None:
            if not connection.closed:
                self._answers.fail(connection, message, error)
            return
        if connection.login is not None:
            now = self._context.clock.monotonic()
            user_id = connection.login.user_id
            self._requests.served(user_id, message["msgid"], now)
            if message["msgid"] in LOGGED:
                log.info("%s: user %d %s", connection.label, user_id, LOGGED[message["msgid"]])
        if connection.closed:
            if route.abandon is not None:
                route.abandon(self._context, connection, result)
            return
        if route.finish is not None:
            try:
                result = route.finish(self._context, connection, message, result)
            except ProtocolError as exc:
                self._answers.fail(connection, message, exc)
                return
        if message["msgid"] in (MsgType.LOGIN_MSG, MsgType.REG_MSG):
            connection.known = True
            connection.counters.count_entrance(message["msgid"])
        if message["msgid"] == MsgType.REG_MSG:
            log.info("%s: user %d has registered", connection.label, result["id"])
        if message["msgid"] == MsgType.LOGIN_MSG and connection.reader is not None:
            self._remember(connection, connection.reader)
        msgid = ACK_OF.get(message["msgid"])
        if msgid is None:  # it is answered only if it fails
            return
        fields, encoded = result if isinstance(result, LongAnswer) else (result, b"")
        answer = {"msgid": msgid, "errno": 0, **fields}
        size = self._answers.send_answer(connection, answer, message.get("rid"), encoded)
        self._charge(connection.login, message["msgid"], size)

    def _charge(self, login: Login | None, msgid: int, size: int) -> None:
        """The user pays for the answer to a request."""
        if login is not None and msgid == MsgType.LOGIN_MSG:
            login.charge(size)
        elif login is not None:
            self._requests.answered(login.user_id, size, self._context.clock.monotonic())
