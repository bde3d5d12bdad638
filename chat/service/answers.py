"""Answers: sends the answers to requests, and counts the failures of a connection."""

from __future__ import annotations

import logging

from chat.connection.connection import AnyConnection
from chat.connection.http_guard import ANSWER as HTTP_ANSWER
from chat.connection.http_guard import is_http
from chat.protocol import ACK_OF, ErrNo, Limits, Message, MsgType, ProtocolError, encode, errors
from chat.protocol.dialects import NoTableError
from chat.protocol.dialects.classic_answer import classic_answer
from chat.service.request_workers import PeerGoneError
from chat.storage import StorageError

log = logging.getLogger(__name__)

MAX_STRIKES = 50
"""Bad requests in a row; then the connection is closed. A ping does not end the row: it costs
nothing, and a client could send junk for ever."""

MAX_FAILED_LOGINS = 10
"""On one connection; then it is closed."""

GUEST_TOKENS = 25
"""Tokens that a guest pays for each request except a login or registration: it gets twelve answers
at once, then four a second. A flood is paused first, and not closed: its sender would connect again
at once, and to accept a connection costs more than an answer."""

WAIT_TOKENS = 100
"""Tokens that a guest pays for a login or registration that is told to wait: three answers at once,
then one a second. Such a refusal takes no time of a hasher, so without this price a thousand guests
would keep the loop busy with them."""

TOLD_TO_WAIT = (ErrNo.TOO_MANY, ErrNo.UNAVAILABLE)

ENTRANCES = (MsgType.LOGIN_MSG, MsgType.REG_MSG)
"""The requests that a guest comes for."""

MAX_SHOWN = 60
"""Characters of a name that the log shows."""


class Answers:
    """Answers in the dialect of the connection. All methods: the connection's loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def send_answer(
        self, connection: AnyConnection, answer: Message, rid: object, encoded: bytes = b""
    ) -> int:
        """Send an answer with the ``rid`` of its request, if that has one. Returns its length.

        ``encoded``: further fields of an answer in v2, as a JSON object.
        """
        self._echo(answer, "rid", rid)
        if not connection.v2:
            connection.classic_output.arrange()
            shaped = classic_answer(answer, connection.classic_output.table)
            if shaped is None:  # classic clients get no answer to this
                return 0
            answer = shaped
        frame = encode(answer)
        if encoded:
            frame = b"%b,%b" % (frame[:-1], encoded[1:])
        connection.send_encoded(frame)
        return len(frame)

    def refuse(
        self, connection: AnyConnection, message: Message, frame: bytes, error: ProtocolError
    ) -> None:
        """Answer a bad request. A frame that is HTTP gets an HTTP answer, and the end."""
        if not message and is_http(frame):
            log.warning("%s: HTTP on the chat port; closing", connection.label)
            connection.counters.closed.add("http")
            connection.tcp.send(HTTP_ANSWER)
            connection.close()  # drops the rest of the request
        else:
            self.fail(connection, message, error)

    def fail(self, connection: AnyConnection, message: Message, error: BaseException) -> None:
        """Answer a request that has failed. Too many failures close the connection."""
        if not isinstance(error, ProtocolError):
            error = _as_protocol_error(message, error)
        if isinstance(error, NoTableError):  # its number means nothing
            message = {"rid": message.get("rid")}
        msgid = message.get("msgid")
        answer = failure(ACK_OF.get(msgid, MsgType.ERROR_MSG), error)  # type: ignore[arg-type]
        if answer["msgid"] == MsgType.CHAT_ACK:
            self._echo(answer, "mid", message.get("mid"))
        if not connection.v2 and msgid not in ENTRANCES:
            answer["msgid"] = MsgType.ERROR_MSG
        self.send_answer(connection, answer, message.get("rid"))
        self._count(connection, message, error)

    def _echo(self, answer: Message, name: str, value: object) -> None:
        """Add a text of the request, unless it is so long that it was refused."""
        if isinstance(value, str) and len(value) <= self._limits.opaque:
            answer[name] = value

    def _count(self, connection: AnyConnection, message: Message, error: ProtocolError) -> None:
        msgid = message.get("msgid")
        connection.counters.refuse(msgid, error.errno)
        is_bad = error.errno == ErrNo.BAD_REQUEST
        if is_bad:
            connection.strikes += 1
        if connection.login is not None:
            if error.errno != ErrNo.UNAVAILABLE:
                connection.flow.pay_refusals(1)
        elif error.errno in TOLD_TO_WAIT:
            charge(connection, WAIT_TOKENS)
        elif is_bad or msgid not in ENTRANCES:
            charge(connection, GUEST_TOKENS)
        if msgid == MsgType.LOGIN_MSG and error.errno == ErrNo.REFUSED:
            connection.failed_logins += 1
        _log_refusal(connection, message, error)
        strikes, failed = connection.strikes, connection.failed_logins
        if strikes >= MAX_STRIKES or failed >= MAX_FAILED_LOGINS:
            why = f"{strikes} bad requests in a row, {failed} failed logins"
            log.warning("%s: closed for abuse, %s: %s", connection.label, connection.owner, why)
            connection.close("abuse")


def _log_refusal(connection: AnyConnection, message: Message, error: ProtocolError) -> None:
    """One line about a refusal that an operator looks for: logins, registrations, limits."""
    msgid, label, reason = message.get("msgid"), connection.label, error.errmsg
    if msgid == MsgType.REG_MSG:
        # The original's clients show every refusal as "name is already exist".
        log.info("%s: registration of %r refused: %s", label, _short(message.get("name")), reason)
    elif msgid == MsgType.LOGIN_MSG:
        if error.errno == ErrNo.REFUSED:
            log.warning("%s: a login as user %s failed", label, _account(message))
        elif error.errno not in (ErrNo.BAD_REQUEST, ErrNo.UNAVAILABLE):
            log.info("%s: a login as user %s was refused: %s", label, _account(message), reason)
    elif error.errmsg == errors.PASSWORD_IS_WRONG:
        # Of CHANGE_PASSWORD_MSG or DELETE_ACCOUNT_MSG. A thief with a token guesses the password.
        log.warning("%s: %s has sent a wrong password", label, connection.owner)
    elif error.errno == ErrNo.TOO_MANY:
        log.info("%s: message %s of %s refused: %s", label, msgid, connection.owner, reason)


def _account(message: Message) -> str:
    """The account of a login: the number, or the name that it was tried with."""
    name = message.get("name")
    return _short(message.get("id")) if name is None else repr(_short(name))


def _short(value: object) -> str:
    return str(value)[:MAX_SHOWN]


def charge(connection: AnyConnection, tokens: int) -> None:
    """A guest pays for a request. The connection's loop."""
    connection.flow.bucket.tokens -= tokens
    if connection.flow.bucket.tokens < 0:
        connection.flow.spent()


def failure(msgid: MsgType, error: ProtocolError) -> Message:
    """The answer that reports this error."""
    return {"msgid": msgid, "errno": int(error.errno), "errmsg": error.errmsg, **error.extra}


def _as_protocol_error(message: Message, error: BaseException) -> ProtocolError:
    if isinstance(error, PeerGoneError):
        return ProtocolError(ErrNo.UNAVAILABLE, "the connection ended before this was begun")
    if isinstance(error, StorageError):
        log.warning("request %s: %s", message.get("msgid"), error)
    else:
        log.error("request %s failed", message.get("msgid"), exc_info=error)
    return ProtocolError(ErrNo.UNAVAILABLE, "temporarily unavailable, try again", retry_after=1)
