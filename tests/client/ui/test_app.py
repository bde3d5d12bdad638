"""The whole terminal, typed to through a pipe, with a scripted server."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from chat.protocol import MsgType
from client.ui.text.translations import Translations
from tests.client.fake_server import FakeServer, login_ack, one_chat
from tests.client.ui.appkit import Start
from tests.client.ui.apprun import ENTER, ESC, F1, F2, AppRun, ctrl


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_hint_is_cut(start: Start, server: FakeServer, language: str) -> None:
    """The hints at 80 x 24, without rooms and with them."""
    texts = Translations(language)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r)]
    app = start(language=language)
    app.wait_for(texts("form keys", other=texts("register instead")))
    app.type(ctrl("r"))
    app.wait_for(texts("form keys", other=texts("sign in instead")))
    app.type(ctrl("r"), "1", ENTER, "secret", ENTER)
    app.wait_for(*(texts(f"welcome {key}") for key in ("add", "chat", "create", "join", "help")))
    app.type(F1)
    app.wait_for(texts("page keys"))
    app.type(ESC, ctrl("c"))
    app.wait_for(texts("say again"))
    app.command("/add 2")
    words = "".join(texts("choose").split())  # it has two rows

    def has_words(screen: str) -> bool:
        message_view = "".join(line.partition("│")[2] for line in screen.splitlines())
        return words in "".join(message_view.split())

    app.wait_until(has_words)
    app.command("/chat 2")
    app.wait_for(texts("nothing said"))
    app.type(ctrl("f"))
    app.wait_for(texts("search keys"))
    app.type(ESC)


def test_in_chinese(start: Start) -> None:
    app = start(environment={"LANG": "zh_CN.UTF-8"})
    app.wait_for("登录", "用户名", "密码")
    app.type("1", ENTER, "secret", ENTER)
    app.wait_for("alice (1) ●", "F1 帮助")
    app.type(F1)
    app.wait_for("按键")


def test_a_notice_disappears(start: Start) -> None:
    app = start(notice_seconds=0.1)
    app.sign_in()
    app.command("/whoami")
    app.wait_for("You are alice, number 1")
    app.wait_until(lambda screen: "You are alice" not in screen)


def test_the_terminal_window_is_closed(app: AppRun) -> None:
    app.hang_up()
    assert app.end() == 1


@pytest.mark.parametrize("columns", [20, 40, 55, 56, 80, 200])
@pytest.mark.parametrize("rows", [3, 10, 24, 60])
def test_any_size_of_the_screen(server: FakeServer, start: Start, columns: int, rows: int) -> None:
    app = start(columns=80, rows=24)
    app.sign_in()
    app.command("/chat 2")
    app.wait_for("bob (2)")
    server.send(one_chat(3, "hello 你好 " * 10))
    app.wait_for("bob: hello")
    app.resize(columns, rows)
    app.settle()
    assert len(app.lines) == rows
    app.type("x")
    app.settle()
    for keys in (F1, ESC, ctrl("k"), ESC, ctrl("f"), ESC, F2, F2):
        app.type(keys)
        app.settle()
    app.resize(80, 24)
    app.wait_for("bob: hello", "> x")


def test_a_narrow_terminal_has_no_list(start: Start) -> None:
    app = start(columns=50)
    app.sign_in()
    app.wait_for("Choose a conversation", gone="● bob")
    app.type(F2)
    app.wait_for("● bob")


def test_log_warnings_become_notices(server: FakeServer, start: Start, tmp_path: Path) -> None:
    folder = tmp_path / f"127.0.0.1_{server.port}" / "1"
    folder.mkdir(parents=True)
    (folder / "ui.json").write_bytes(b"nonsense")
    app = start(tmp_path, not_kept="no\x1b home")
    app.wait_for("Login and unsent messages cannot be kept (no\\x1b home). Choose another")
    app.sign_in()
    app.wait_for("ui.json is damaged, and ignored")


def test_a_wall_clock_that_is_set_back(
    server: FakeServer, talk: AppRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawing goes on while each reading of the clock is an hour before the last."""
    hours = itertools.count(1)
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall - 3600.0 * next(hours))
    server.send(one_chat(3, "after the clock was set back"))
    talk.wait_for("after the clock was set back")
    talk.type("typed")
    talk.wait_for("> typed")
