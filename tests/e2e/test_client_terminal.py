"""The terminal in tmux: bin/chatclient, a real server, keys and screens."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.chatkit import PASSWORD, PROJECT, WAIT, ServerProcess, Wire
from tests.e2e.terminal import Terminal

Connect = Callable[..., Wire]


class Window(Terminal):
    """A terminal with named keys and a window that can be resized."""

    def keys(self, *names: str) -> None:
        """Press keys: Enter, Tab, C-k, M-a, PPage, …"""
        self._tmux("send-keys", *names)

    def write(self, text: str) -> None:
        """Type without Enter."""
        self._tmux("send-keys", "-l", text)

    def enter(self, text: str) -> None:
        """Type a line."""
        self.write(text)
        self.keys("Enter")

    def paste(self, text: str) -> None:
        """Paste a text, as from the clipboard."""
        self._tmux("set-buffer", "--", text)
        self._tmux("paste-buffer", "-p")

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def lines(self) -> list[str]:
        """The visible lines."""
        return self._tmux("capture-pane", "-p").split("\n")

    def pid(self) -> int:
        """The shell's process in the window."""
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def wait_until(self, condition: Callable[[str], bool]) -> str:
        """Wait until the condition holds for the screen; returns the screen."""
        pause = threading.Event()  # tmux sends no event when its content changes
        for _ in range(int(WAIT / 0.02)):
            screen = "\n".join(self.lines())
            if condition(screen):
                return screen
            pause.wait(0.02)
        raise AssertionError(screen)

    def see(self, *texts: str, gone: str | None = None) -> str:
        """Wait until the screen has all these texts, without ``gone``; returns the screen."""
        return self.wait_until(
            lambda screen: all(t in screen for t in texts) and (gone is None or gone not in screen)
        )


class Windows:
    """Opens windows with the client, each user with an own folder."""

    def __init__(self, tmp_path: Path, server: ServerProcess) -> None:
        self._folder = tmp_path
        self._server = server
        self._opened: list[Window] = []

    def open(
        self, name: str, *flags: str, locale: str = "C.UTF-8", port: int | None = None
    ) -> Window:
        """``port``: of another address of the server."""
        state = self._folder / f"{name}.state"
        client = [str(PROJECT / ".venv" / "bin" / "chatclient")]
        if not os.access(client[0], os.X_OK):
            client = [sys.executable, "-m", "client.main"]
        args = ["127.0.0.1", str(port or self._server.port), "--folder", str(state), *flags]
        line = f"cd {shlex.quote(str(PROJECT))}; TZ=UTC LANG={locale} LC_ALL={locale} "
        line += f"{shlex.join([*client, *args])}; echo status $?; exec sleep 1000"
        window = Window(self._folder, f"{name}{len(self._opened)}", "sh", "-c", line)
        self._opened.append(window)
        return window

    def close(self) -> None:
        for window in self._opened:
            window.close()


@pytest.fixture
def windows(tmp_path: Path, server: ServerProcess) -> Iterator[Windows]:
    windows = Windows(tmp_path, server)
    yield windows
    windows.close()


def register(window: Window, name: str, user_id: int) -> None:
    """Register with the form."""
    window.see("Sign in", "password")
    window.keys("C-r")
    window.see("again")
    for field in (name, PASSWORD, PASSWORD):
        window.enter(field)
    screen = window.see(f"{name} ({user_id}) ●", f"You are registered as {name}.")
    assert PASSWORD not in screen


@pytest.fixture
def ann(windows: Windows) -> Window:
    window = windows.open("ann")
    register(window, "ann", 1)
    return window


@pytest.fixture
def bob(windows: Windows, ann: Window) -> Window:
    window = windows.open("bob")
    register(window, "bob", 2)
    return window


def test_friends_group_and_messages(ann: Window, bob: Window) -> None:
    ann.enter("/add 2")
    ann.see("bob (2) is on your list.", "● bob")
    ann.enter("/chat bob hello: how are you?")
    ann.see("bob (2)  online", "✓", "ann: hello: how are you?")
    bob.see("ann", "1 unread")
    bob.keys("M-a")
    bob.see("─ new ─", "ann: hello: how are you?")
    bob.enter("fine, 谢谢 😀")
    ann.see("bob: fine, 谢谢 😀")
    ann.enter("creategroup:tea:four o'clock")
    ann.see("tea (1)  1 of 1 online  four o'clock")
    bob.enter("addgroup:1")
    bob.see("tea (1)  2 of 2 online")
    bob.enter("groupchat:1:ann, is it ready?")
    ann.see("bob: ann, is it ready?")
    bob.keys("C-q")
    bob.wait_for("status 0")
    ann.see("○ bob")
    ann.keys("C-k")
    ann.see("go to:")
    ann.enter("bo")
    ann.see("bob (2)  offline", "fine, 谢谢 😀")


def test_the_next_start_restores_login_and_draft(
    ann: Window, bob: Window, windows: Windows
) -> None:
    ann.enter("/chat 2 before")
    ann.see("✓", "ann: before")
    ann.write("half typed")
    ann.see("> half typed")
    ann.keys("C-q")
    ann.wait_for("status 0")
    bob.enter("/chat 1 while you were away")
    again = windows.open("ann")
    again.see("ann (1) ●", "> half typed", "ann: before", "bob: while you were away")


def test_the_client_is_killed(
    ann: Window, bob: Window, windows: Windows, server: ServerProcess
) -> None:
    server.kill()
    ann.see("not connected")
    ann.enter("/chat 2 not lost")
    ann.see("…", "not lost", "1 unsent")
    child = subprocess.run(
        ["pgrep", "-P", str(ann.pid())], capture_output=True, text=True, check=True
    )
    os.kill(int(child.stdout), signal.SIGKILL)
    ann.wait_for("status 137")
    server.start()
    again = windows.open("ann")
    again.see("✓", "ann: not lost", "ann (1) ●")
    bob.see("ann", "1 unread")


def test_the_server_is_killed(ann: Window, bob: Window, server: ServerProcess) -> None:
    ann.enter("/chat 2 one")
    ann.see("✓", "ann: one")
    server.kill()
    ann.see("not connected: ", "Next attempt in", "F5: now", "ann (1) ○")
    ann.enter("two, into the outbox")
    ann.see("…", "ann: two, into the outbox", "1 unsent")
    server.start()
    ann.see("ann: two, into the outbox", "ann (1) ●", gone="…")
    bob.keys("M-a")
    bob.see("ann: one", "ann: two, into the outbox")


def test_by_name(ann: Window, bob: Window) -> None:
    """Neither user types or sees a number of the other one."""
    ann.enter("/add BOB")
    ann.see("bob (2) is on your list.")
    ann.enter("/chat bob hello by name")
    bob.see("ann", "1 unread")
    bob.enter("/find Ann")
    bob.see("ann is a user.")
    bob.enter("/chat zoe hi")
    bob.see("There is no user called zoe.", "> /chat zoe hi")
    bob.keys("C-c")
    bob.enter("/logout")
    bob.see("You have signed out.", "name        bob")
    bob.enter(PASSWORD)
    bob.see("bob (2) ●")
    bob.enter("/chat ann and back")
    ann.see("bob: and back")


def test_chinese(windows: Windows) -> None:
    window = windows.open("ann", locale="zh_CN.UTF-8")
    window.see("登录", "用户名", "密码")
    window.keys("C-r")
    for field in ("安妮", PASSWORD, PASSWORD):
        window.enter(field)
    window.see("安妮 (1) ●", "你已注册为 安妮", "F1 帮助")
    window.enter("/chat 1 你好，世界！今天晚上一起去喝茶怎么样？四点钟在老地方见，别忘了带杯子")
    screen = window.see("✓", "安妮: 你好，世界！")
    wrapped = [line for line in screen.split("\n") if "│" in line and "茶" in line]
    assert wrapped
    window.keys("F1")
    window.see("按键", "命令")


def test_resizing(ann: Window) -> None:
    ann.enter("/chat 1 a message that is long enough to be broken when the window is narrow")
    ann.see("✓", "│")
    ann.resize(40, 12)
    ann.see("ann: a message that", gone="│")
    assert len(ann.lines()) == 13
    ann.resize(120, 30)
    ann.see("│", "ann: a message that is long enough to be broken when the window is narrow")
    ann.resize(80, 24)
    ann.see("broken", "│", "F1 help")


def test_received_control_characters_are_escaped(
    ann: Window, server: ServerProcess, connect: Connect
) -> None:
    mallory = connect(server)
    mallory.login(mallory.register("mallory"))
    mallory.chat(1, "\x1b[2J\x1b]0;owned\x07\r\b and \u202eevil\x9b31m", mid="m")
    mallory.expect(20, errno=0)
    ann.see("mallory", "1 unread")
    ann.keys("M-a")
    screen = ann.see("\\x1b[2J\\x1b]0;owned\\x07", "\\u202eevil")
    assert "ann (1) ●" in screen  # the screen was not cleared
    assert "\x1b" not in screen


def test_pasting_several_lines(ann: Window) -> None:
    ann.enter("/chat 1")
    ann.see("ann (myself)")
    ann.paste("one\ntwo\nthree")
    ann.see("Paste 3 lines into the message?")
    ann.keys("y")
    ann.see("> one", "  two", "  three")
    ann.keys("Enter")
    ann.see("ann: one", "       two", "       three")


def test_many_messages(ann: Window, server: ServerProcess, connect: Connect) -> None:
    eve = connect(server)
    eve.login(eve.register("eve"))
    for number in range(600):
        eve.chat(1, f"message {number}", mid=f"m{number}")
    for _ in range(600):
        eve.expect(20, errno=0)
    ann.see("eve", "600 unread")
    ann.keys("M-a")
    ann.see("─ new ─", "eve: message 0", "new below")
    ann.keys("M->")
    ann.see("eve: message 599", "new above")
    ann.keys("C-f")
    ann.write("message 123")
    ann.see("search: message 123", "eve: message 123")
    ann.keys("Escape")
    ann.keys("M->")
    ann.see("eve: message 599")
    assert server.query("SELECT count(*) FROM offlinemessage WHERE userid = 1") == [(0,)]


def test_a_window_without_focus(ann: Window, bob: Window) -> None:
    """The terminal reports its focus. Messages in the open room are unread while it has none."""
    ann.enter("/chat 2")
    ann.see("bob (2)", "no messages yet")
    ann.keys("-H", "1b", "5b", "4f")
    bob.enter("/chat 1 are you there?")
    ann.see("─ new ─", "bob: are you there?", "1 unread")
    ann.keys("-H", "1b", "5b", "49")
    ann.see("─ new ─", "bob: are you there?", gone="1 unread")


def test_copy_view(ann: Window) -> None:
    """The terminal wraps the line, so its selection has no line break."""
    ann.enter("/chat 1 " + "word " * 30 + "end")
    ann.see("✓", "end")
    ann.keys("M-l")
    ann.see("ann: word word", "[Select and copy as in any program.", gone="F1 help")
    joined = ann._tmux("capture-pane", "-p", "-J")
    assert "ann: " + "word " * 30 + "end" in joined
    ann.keys("Enter")
    ann.see("F1 help", "✓", gone="[Select")


def test_errors(ann: Window) -> None:
    for line, notice in (
        ("/nonsense", "There is no command /nonsense."),
        ("/chat", "Type it like this: /chat WHO [TEXT]"),
        ("hello?", "Choose a conversation first"),
        ("/add 99", "no such user"),
        ("/join 99", "Group 99 does not exist, or is closed to you."),
        ("/add 1", "That is your own name."),
        ("/chat 99", "There is no user 99."),
        ("/group 99", "There is no group 99"),
        ("/create ", "Type it like this: /create NAME"),
    ):
        ann.enter(line)
        ann.see(notice)
        ann.keys("C-c")
        ann.see("ann (1) ●", gone=notice)


def test_requests_to_be_a_friend_and_passwords_of_groups(
    tmp_path: Path, make_server: Callable[..., ServerProcess]
) -> None:
    """One user reads Chinese in a wide window, the other English in one of 80 columns."""
    windows = Windows(tmp_path, make_server('[chat]\nfriend_requests = "approve"\n'))
    try:
        ann, bob = windows.open("ann"), windows.open("bob", locale="zh_CN.UTF-8")
        bob.resize(120, 30)
        register(ann, "ann", 1)
        bob.see("登录", "密码")
        bob.keys("C-r")
        for field in ("bob", PASSWORD, PASSWORD):
            bob.enter(field)
        bob.see("bob (2) ●")
        ann.enter("/add 2")
        ann.see("2 is asked, if there is such a user.")
        bob.see("ann 请求加你为好友：/accept 1 或 /decline 1")
        bob.enter("/accept ann")
        bob.see("ann（1）已在好友列表里。", "● ann")
        ann.see("bob (2) has accepted, and is on your list.", "● bob")
        ann.enter("/create tea")
        ann.see("tea (1)")
        ann.enter("/access password")
        ann.see("password of the group:")
        ann.enter("green tea")
        ann.see("the password again:", gone="*")
        ann.enter("green tea")
        ann.see("The group is tea now, open to users with the password.")
        bob.enter("/join 1")
        bob.see("群 1 的密码：", "请输入它的密码")
        bob.enter("black tea")
        bob.see("密码错误", "群 1 的密码：", gone="*")
        bob.enter("green tea")
        bob.see("你已加入 tea（1）。")
        ann.see("bob has joined", gone="green tea")
    finally:
        windows.close()
