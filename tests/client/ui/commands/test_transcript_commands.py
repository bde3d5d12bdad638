"""Transcript commands, in the whole terminal with a scripted server."""

from __future__ import annotations

import time
from pathlib import Path

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, one_chat
from tests.client.ui.appkit import Start, history
from tests.client.ui.apprun import AppRun, alt, ctrl


def test_the_copy_view(server: FakeServer, talk: AppRun) -> None:
    server.send(one_chat(3, "a long line " * 20), one_chat(4, "x = 1\n    y = 2"))
    talk.wait_for("y = 2")
    talk.type(alt("l"))
    talk.until(lambda: any("Press a key" in raw for raw in talk.output.raw))
    printed = next(raw for raw in talk.output.raw if "Press a key" in raw)
    assert "bob: " + "a long line " * 20 + "\r\n" in printed
    assert "\r\nx = 1\r\n    y = 2\r\n" in printed
    server.send(one_chat(5, "meanwhile"))
    while 5 not in server.expect(MsgType.DELIVERED_MSG)["seqs"]:
        pass
    talk.type("x")  # any key
    talk.wait_for("bob: meanwhile", "─ new ─", gone="unread")
    talk.type("typed")
    talk.wait_for("> typed")
    talk.type(ctrl("c"))
    talk.type(alt("l") + alt("l"))  # the second one does nothing
    talk.settle_copy_view()
    talk.app.terminal.call_soon(talk.app.terminal.exit, 3)
    assert talk.end() == 3


def test_open_link(server: FakeServer, start: Start, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new; mv {opened}.new {opened}\n')
    browser.chmod(0o755)
    app = start(environment={"BROWSER": str(browser)})
    app.sign_in()
    app.command("/chat bob")
    app.wait_for("bob (2)")
    app.command("/open")
    app.wait_for("There is no web address")
    app.type(ctrl("c"))
    server.send(one_chat(3, "http://a.example/1 and http://a.example/2;x=$(y)."))
    app.wait_for("a.example/2")
    app.command("/open")
    app.wait_for("Opening http://a.example/2;x=$(y)")
    for _ in range(500):
        if opened.exists():
            break
        time.sleep(0.01)  # the browser sends no event
    assert opened.read_text("ascii") == "http://a.example/2;x=$(y)"


def test_export(server: FakeServer, app: AppRun, tmp_path: Path) -> None:
    server.rules[MsgType.HISTORY_MSG] = history((51, 100), (1, 50))
    app.command("/chat 2")
    app.wait_for("message 100")
    path = tmp_path / "bob.txt"
    app.command(f"/export {path}")
    app.wait_for("Messages written to")
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) == 100
    assert lines[0].endswith("[2] bob: message 1")
    app.command(f"/export {path}")
    app.wait_for("exists")  # a long path takes another row
