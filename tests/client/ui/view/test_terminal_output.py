from __future__ import annotations

from client.ui.view.terminal_output import notice_sequence


def test_desktop_notices() -> None:
    assert notice_sequence("9", "bob", "4; hi") == "\x1b]9;bob: 4; hi\x07"
    assert notice_sequence("777", "b;b", "hi") == "\x1b]777;notify;b,b;hi\x07"
