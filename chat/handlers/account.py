"""Handlers of login and logout: requests become calls, and results answers."""

from __future__ import annotations

import logging

from chat.connection.classic_writer import MAIL_QUEUE
from chat.epoch import service_of
from chat.handlers.context import Connection, Context, LongAnswer, Request
from chat.handlers.devices import device_list, named_device, named_fields
from chat.handlers.login_answer import LoginAnswer, answer_of
from chat.login.device_rows import TooManyDevices
from chat.login.login import Login
from chat.login.session_taker import LoginAttempt
from chat.login.snapshot import AnswerRoom
from chat.mailbox.mailbox import LOOK_BYTES
from chat.mailbox.pump import WINDOW
from chat.protocol import (
    LISTED_CONVERSATIONS,
    V2,
    ErrNo,
    Message,
    MsgType,
    ProtocolError,
    encode,
    errors,
)
from chat.protocol.classic_login import fit_login, left_out
from chat.protocol.dialects.classic_answer import classic_answer
from chat.protocol.names import plain_name
from chat.protocol.requests import LoginRequest, LogoutRequest
from chat.protocol.schema import LONGEST_NAME

log = logging.getLogger(__name__)

CLASSIC_OFFLINE = 5000
CLASSIC_BYTES = 256 * 1024
"""The mail in the answer to a classic client: messages, and bytes of text. The rest follows."""

HEAD_BYTES = 4096
"""The fields of the answer beside the lists: the longest name, node and ``rid``, and more."""

MAIL_BYTES = 512 * 1024
LIST_BYTES = 512 * 1024 - HEAD_BYTES
"""Bytes of the messages, and of the other lists: the whole answer is below 1 MiB."""

CLASSIC_MAIL_BYTES = MAIL_BYTES // 2
CLASSIC_LIST_BYTES = LIST_BYTES // 4
"""The same in the form of v2. The classic form has strings within strings: a quotation mark in a
message takes twice its bytes, and one in the name of a member four times."""


check_name = plain_name(LONGEST_NAME)


def needs_hashing(message: Message, v2: bool) -> bool:
    """Does this login or registration hash a password? A login by token does not. Pure."""
    return not (v2 and message["msgid"] == MsgType.LOGIN_MSG and message.get("token") is not None)


def check_account(message: Message, v2: bool) -> None:
    """A login needs the number of the account, or in v2 its name. Pure.

    With both, the number counts. Raises ProtocolError(BAD_REQUEST).
    """
    if message["msgid"] != MsgType.LOGIN_MSG or "id" in message:
        return
    name = message.get("name") if v2 else None
    if name is None:
        raise ProtocolError(ErrNo.BAD_REQUEST, "id: is missing")
    problem = check_name(name)
    if problem is not None:
        raise ProtocolError(ErrNo.BAD_REQUEST, f"name: {problem}")


def login(ctx: Context, request: Request[LoginRequest]) -> LoginAnswer:
    """LOGIN_MSG. Worker thread."""
    message = request.message
    user_id = message["id"]
    user = ctx.authentication.find_user(user_id)
    if request.reader is not None:
        # Before any failure: the client must understand that answer, too.
        request.reader.recall(user.dialect if user else None)
    token = message.get("token") if request.v2 else None
    replaces = request.v2 and message.get("replace") is True
    named = named_device(message, by_password=token is None) if request.v2 else None
    if token is not None:
        if replaces:  # a stolen token must not end the owner's login
            raise ProtocolError(ErrNo.BAD_REQUEST, "replace: needs the password, not a token")
        verified = ctx.authentication.check_token(user, user_id, token, request.peer)
    else:
        password = message.get("password")
        device = message.get("device") if request.v2 else None
        verified = ctx.authentication.check_password(user, user_id, password, request.peer, device)
    attempt = LoginAttempt(
        request.connection,
        verified,
        message.get("device"),
        token,
        request.v2,
        _room(ctx.limits.members, request),
        replaces,
        request.v2 and message.get("devices") is True,
        named,
    )
    try:
        entered = ctx.login_flow.enter(attempt)
    except TooManyDevices as exc:
        raise ProtocolError(
            ErrNo.TOO_MANY_DEVICES, errors.TOO_MANY_DEVICES, devices=device_list(exc.devices)
        ) from exc
    return answer_of(entered, attempt.room, v2=request.v2)


def _room(members: int, request: Request[LoginRequest]) -> AnswerRoom:
    if request.v2:
        listed = LISTED_CONVERSATIONS if request.message.get("devices") is True else 0
        return AnswerRoom(WINDOW, LOOK_BYTES, members, MAIL_BYTES, LIST_BYTES, listed)
    messages, text_bytes = CLASSIC_OFFLINE, CLASSIC_BYTES
    if request.frame_limit:  # the answer is one frame, so longer texts cannot fit
        messages, text_bytes = MAIL_QUEUE, request.frame_limit
    return AnswerRoom(messages, text_bytes, members, CLASSIC_MAIL_BYTES, CLASSIC_LIST_BYTES)


def finish_login(
    ctx: Context, connection: Connection, message: LoginRequest, result: LoginAnswer
) -> Message | LongAnswer:
    """Begin the login, and make its answer. Connection's loop."""
    login, snapshot = result.entered.login, result.entered.snapshot
    if not ctx.login_flow.still_registered(login):
        connection.close("replaced")
        raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
    answer: Message = {
        "id": login.user_id,
        "name": login.name,
    }
    if connection.v2:
        answer.update(v=V2, token=login.token, heartbeat=ctx.heartbeat, node=ctx.node)
        answer.update(named_fields(result.entered))
        if snapshot.service and snapshot.epoch:
            answer.update(service=service_of(snapshot.service, login.user_id), epoch=snapshot.epoch)
    else:
        answer.update(result.lists)
    mail, all_mail = result.mail, result.all_mail
    if not connection.v2 and connection.classic_output.frame_limit:
        answer = _fit(login, answer, message.get("rid"), all_mail)
        if len(answer["offlinemsg"]) < len(mail):
            mail, all_mail = [], False
    # Look again after joining a group. Example: the worker reads the groups; the user joins group
    # 7 elsewhere; a message to 7 is stored. Its wake came before the subscription to 7.
    joined = len(snapshot.group_ids) != len(login.groups)
    login.begin(mail, not all_mail or joined, snapshot.newest)
    return LongAnswer(answer, result.encoded) if connection.v2 else answer


def _fit(login: Login, answer: Message, rid: object, all_mail: bool) -> Message:
    """The answer, cut to the size that an original client reads at once."""
    if not all_mail:
        answer = {**answer, "offlinemsg": []}
    connection = login.connection
    head: Message = {"msgid": MsgType.LOGIN_MSG_ACK, "errno": 0}
    if isinstance(rid, str):
        head["rid"] = rid

    def size(candidate: Message) -> int:
        shaped = classic_answer({**head, **candidate}, connection.classic_output.table)
        assert shaped is not None
        return len(encode(shaped))

    fitted = fit_login(answer, connection.classic_output.frame_limit, size)
    missing = left_out(answer, fitted)
    if missing:
        log.info(
            "%s: the answer to user %d (%r) leaves out %s: its client reads %d bytes",
            connection.label,
            login.user_id,
            login.name,
            missing,
            connection.classic_output.frame_limit,
        )
    return fitted


def abandon_login(ctx: Context, connection: Connection, result: LoginAnswer) -> None:
    """The connection went down while the login was under way. Its loop."""
    ctx.login_flow.abandon(result.entered)


def logout(ctx: Context, request: Request[LogoutRequest]) -> Message:
    """LOGINOUT_MSG. Worker thread."""
    assert request.login is not None
    ctx.login_flow.log_out(request.login)
    return {}


def finish_logout(
    ctx: Context, connection: Connection, message: LogoutRequest, result: Message
) -> Message:
    """The connection is a guest's again. Connection's loop."""
    if connection.login is not None:
        connection.login.end()
    return result
