"""Key bindings, typed to the whole terminal."""

from __future__ import annotations

from tests.client.fake_server import FakeServer, one_chat
from tests.client.ui.apprun import FOCUS_OUT, AppRun


def test_a_key_restores_the_focus(server: FakeServer, talk: AppRun) -> None:
    """tmux reports a lost focus at a detach, and may report nothing after an attach."""
    talk.type(FOCUS_OUT)
    talk.settle()
    server.send(one_chat(3, "are you there?"))
    talk.wait_for("bob: are you there?", "1 unread")
    talk.type("y")
    talk.wait_for("> y", gone="unread")
