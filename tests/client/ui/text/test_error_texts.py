from __future__ import annotations

import re

import pytest

from chat.protocol import ErrNo, errors
from client.errors import (
    ClientError,
    ConnectError,
    ConnectFault,
    ConnectionLostError,
    NoAnswerError,
    NotConfirmedError,
    RefusedError,
    StoreError,
    TooLargeError,
)
from client.protocol.connection import UNANSWERED
from client.server_texts import in_chinese
from client.ui.text.error_texts import error_text
from client.ui.text.translations import Translations

AGAIN = "too many requests: wait, and send this one again"
EN, ZH = Translations("en"), Translations("zh")


@pytest.mark.parametrize(
    ("error", "english", "chinese"),
    [
        (
            RefusedError(5, "no such\x1b user"),
            "no such\\x1b user: check the name or number",
            "没有这个用户或群：请核对名字或号码",
        ),
        (
            RefusedError(1, "only the group's creator may do that"),
            "only the group's creator may do that",
            "只有群主可以这样做",
        ),
        (
            RefusedError(1, "a new\x1b rule"),
            "a new\\x1b rule",
            "服务器拒绝了（a new\\x1b rule）",
        ),
        (
            RefusedError(6, errors.TOO_MANY_REGISTRATIONS, {"retry_after": 3600}),
            "too many registrations from your network: try again in 60 min",
            "你的网络注册次数太多：请在 60 分钟后再试",
        ),
        (
            RefusedError(6, "too many wrong passwords", {"retry_after": 9.5}),
            "too many wrong passwords: try again in 10 s",
            "密码错误次数太多：请在 10 秒后再试",
        ),
        (
            RefusedError(6, AGAIN, {"retry_after": 3599}),
            "too many requests: try again in 60 min",
            "请求太多：请在 60 分钟后再试",
        ),
        (
            RefusedError(11, errors.BLOCKED),
            "this user does not take messages from you: /unsend removes the message",
            "对方不接收你的消息：/unsend 可删除这条消息",
        ),
        (
            RefusedError(12, "too many messages wait for this user: try again later"),
            "too many messages wait for this user: send it again later with /retry",
            "等待这个用户接收的消息太多：请以后用 /retry 重发",
        ),
        (
            RefusedError(5, ""),
            "there is no such user or group: check the name or number",
            "没有这个用户或群：请核对名字或号码",
        ),
        (
            RefusedError(8, "temporarily unavailable"),
            "the server or its database is busy or down: try again in a moment",
            "服务器或数据库繁忙或不可用：请稍后再试",
        ),
        (
            ConnectError("h", 1, "Connection refused", ConnectFault.REFUSED),
            "Connection refused: start the server, or check host and port",
            "连接被拒绝：请启动服务器，或核对地址和端口",
        ),
        (
            ConnectError("h\x1b", 1, "x", ConnectFault.UNKNOWN_NAME),
            "there is no host h\\x1b: check its name",
            "没有主机 h\\x1b：请检查名字",
        ),
        (
            ConnectError("h", 1, "x", ConnectFault.NOT_TLS),
            "this port does not speak TLS: leave --tls out, or use the TLS port",
            "这个端口不用 TLS：请去掉 --tls，或换 TLS 端口",
        ),
        (
            ConnectionLostError(UNANSWERED),
            "closed without an answer: if the server wants TLS, start with --tls",
            "服务器没有响应就关闭了连接：如果它需要 TLS，请加 --tls",
        ),
        (RefusedError(99, "odd"), "odd", "odd"),
        (RefusedError(99, ""), "error 99", "错误 99"),
        (
            NoAnswerError(5),
            "no answer: check the network, or try again",
            "没有响应：请检查网络，或再试一次",
        ),
        (NotConfirmedError(kept=True), "not confirmed", "未确认"),
        (StoreError("/x", "is a directory"), "/x: is a directory", "/x: is a directory"),
        (OSError(), "OSError", "OSError"),
    ],
)
def test_error_text(error: ClientError, english: str, chinese: str) -> None:
    assert error_text(error, EN) == english
    assert error_text(error, ZH) == chinese


FROM_1_TO_12 = [errno for errno in ErrNo if errno != ErrNo.OK]


@pytest.mark.parametrize("errno", FROM_1_TO_12)
@pytest.mark.parametrize("errmsg", ["", "server words"])
def test_every_errno_has_a_text(errno: ErrNo, errmsg: str) -> None:
    error = RefusedError(errno, errmsg)
    english, chinese = error_text(error, EN), error_text(error, ZH)
    assert english and "error" not in english
    assert chinese.replace("server words", "").replace("/unsend", "").replace("/retry", "")
    assert not re.search("[a-z]{2}", re.sub("server words|/unsend|/retry|/join", "", chinese))
    assert EN(f"error {errno:d}") and ZH(f"error {errno:d}")


_OTHER_ERRNOS = ("ALREADY_ONLINE", "BUSY", "REPLACED", "BLOCKED", "NOT_A_MEMBER")
"""The texts that come with a number that has one meaning."""


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, value in vars(errors).items()
        if name.isupper() and type(value) is str and name not in _OTHER_ERRNOS
    ],
)
def test_each_text_of_the_protocol_is_translated(name: str) -> None:
    assert not re.search("[a-z]{2}", error_text(RefusedError(1, getattr(errors, name)), ZH))


@pytest.mark.parametrize(
    ("errmsg", "chinese"),
    [
        ("you are in 200 groups: leave one first", "你已加入 200 个群：请先退出一个"),
        ("password: must be a string of 6 to 128 characters", "密码必须有 6 到 128 个字符"),
        ("the group is full: 500 members", "群已满：最多 500 个成员"),
    ],
)
def test_texts_with_numbers_in_chinese(errmsg: str, chinese: str) -> None:
    assert in_chinese(1, errmsg) == chinese


@pytest.mark.parametrize("texts", [EN, ZH])
@pytest.mark.parametrize("fault", ConnectFault)
def test_every_connect_fault_has_a_text(texts: Translations, fault: ConnectFault) -> None:
    assert error_text(ConnectError("host", 1, "words", fault), texts)


def test_the_text_about_a_message_above_the_limit() -> None:
    assert "70000" in error_text(TooLargeError(70000, 65536), EN)
