from __future__ import annotations

import pytest

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
from client.ui.text.error_texts import error_text
from client.ui.text.translations import Translations

EN, ZH = Translations("en"), Translations("zh")


@pytest.mark.parametrize(
    ("error", "english", "chinese"),
    [
        (
            RefusedError(5, "no such\x1b user"),
            "no such\\x1b user: check the number",
            "没有这个用户或群：请核对号码",
        ),
        (
            RefusedError(5, ""),
            "there is no such user or group: check the number",
            "没有这个用户或群：请核对号码",
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
        (RefusedError(99, ""), "error 99", "error 99"),
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


@pytest.mark.parametrize("texts", [EN, ZH])
@pytest.mark.parametrize("fault", ConnectFault)
def test_every_connect_fault_has_a_text(texts: Translations, fault: ConnectFault) -> None:
    assert error_text(ConnectError("host", 1, "words", fault), texts)


def test_the_text_about_a_message_above_the_limit() -> None:
    assert "70000" in error_text(TooLargeError(70000, 65536), EN)
