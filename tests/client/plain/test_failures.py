from __future__ import annotations

from client.account.sending import Receipt, Sending
from client.errors import NotConfirmedError, RefusedError
from client.plain.failures import Failures
from client.plain.plain_text import PlainText


def test_failed_messages_and_errors_wake_the_console_in_order() -> None:
    wakes: list[None] = []
    failures = Failures(PlainText("zh"), lambda: wakes.append(None))
    to_user = Sending("m1", 5, False, "x", 0.0)
    to_group = Sending("m2", 7, True, "x", 0.0)
    taken = Sending("m3", 5, False, "x", 0.0)
    for sending in (to_user, to_group, taken):
        failures.watch(sending)
    to_group.set_exception(NotConfirmedError(kept=False))
    failures.server_error("bad\x1b")
    taken.set_result(Receipt("m3", 1, "now"))
    to_user.set_exception(RefusedError(5, "no such user"))
    assert len(wakes) == 3
    assert list(failures.take()) == [
        "发到群 7 的消息失败：not confirmed by the server",
        r"服务器报告错误：bad\x1b",
        "发给 5 的消息失败：没有这个用户",
    ]
    assert list(failures.take()) == []
