"""Program commands, in the whole terminal with a scripted server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.client.ui.appkit import Start
from tests.client.ui.apprun import DOWN, END, ENTER, HOME, PAGE_DOWN, PAGE_UP, UP, AppRun, ctrl


def test_settings_and_quit(start: Start, tmp_path: Path) -> None:
    app = start(tmp_path)
    app.sign_in()
    app.command("/whoami")
    app.wait_for("You are alice, number 1, at 127.0.0.1:")
    app.command("/help quit")
    app.wait_for("/quit: leave the program")
    app.command("/theme")
    app.wait_for("The theme is dark")
    app.command("/theme light")
    app.wait_for("The theme is light.")
    app.command("/lang zh")
    app.wait_for("界面语言已改为中文。", "F1 帮助")
    app.command("/bell")
    app.wait_for("给你的消息会响铃。")
    app.command("/reconnect")
    app.wait_for("客户端已连接。")
    app.command("quit")
    assert app.end() == 0
    kept = json.loads((tmp_path / "settings.json").read_text("utf-8"))
    assert kept == {"theme": "light", "language": "zh", "bell": True, "notify": "off"}
    again = start(tmp_path)
    again.wait_for("F1 帮助")


def test_help(app: AppRun) -> None:
    app.type("?")
    app.wait_for("KEYS", "Esc: close")
    app.type(PAGE_DOWN)
    app.wait_for("COMMANDS")
    app.type(END)
    app.wait_for("THE ORIGINAL'S COMMANDS")
    app.type(HOME, "j", "k", DOWN, UP, " ", PAGE_UP)
    app.wait_for("KEYS")
    app.type("q")
    app.wait_for("● bob", gone="KEYS")
    app.type("x?")
    app.wait_for("> x?")


def test_ways_to_quit(start: Start) -> None:
    for keys in ([ctrl("q")], [ctrl("d")], ["/quit", ENTER], ["quit", ENTER]):
        app = start()
        app.sign_in()
        app.type(*keys)
        assert app.end() == 0
