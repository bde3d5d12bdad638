"""The server is killed, and the page loses nothing and doubles nothing."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.chatkit import ServerProcess
from tests.web.e2e.pagekit import Tab, texts_in


def test_chat_reload_and_a_killed_server(friends: tuple[Tab, Tab], server: ServerProcess) -> None:
    ann, bob = friends
    ann.say("hello")
    bob.sees("hello")
    bob.say("hi")
    ann.sees("hello", "hi")
    bob.reload()
    bob.wait_until_online()
    bob.sees("hello", "hi")
    ann.input.fill("while ty")
    server.kill()
    for tab in friends:
        tab.wait_until_offline()
    ann.input.press_sequentially("ping")
    ann.input.press("Enter")
    ann.sees("hello", "hi", "while typing")
    server.start()
    for tab in friends:
        tab.try_now()
        tab.sees("hello", "hi", "while typing")
    ann.wait_until_sent()
    assert texts_in(server) == ["hello", "hi", "while typing"]


def test_a_message_written_while_offline_is_sent_once_after_a_reload(
    friends: tuple[Tab, Tab], server: ServerProcess
) -> None:
    ann, bob = friends
    ann.say("hello")
    bob.sees("hello")
    server.kill()
    ann.wait_until_offline()
    ann.say("later")
    ann.wait_until_saved(1)
    ann.reload()
    ann.sees("hello", "later")
    server.start()
    bob.try_now()
    ann.try_now()
    bob.sees("hello", "later")
    ann.wait_until_sent()
    assert texts_in(server) == ["hello", "later"]


def test_two_tabs_and_a_reload_while_the_server_is_away(
    friends: tuple[Tab, Tab], open_tab: Callable[..., Tab], server: ServerProcess
) -> None:
    ann, bob = friends
    ann.say("from one")
    ann.wait_until_sent()
    other = open_tab(ann.page.context)
    other.wait_until_online()
    other.open("bob")
    other.sees("from one")
    other.say("from two")
    ann.sees("from one", "from two")
    server.kill()
    ann.wait_until_offline()
    ann.say("waiting 1")
    ann.say("waiting 2")
    ann.wait_until_saved(2)
    ann.reload()
    ann.sees("from one", "from two", "waiting 1", "waiting 2")
    server.start()
    everything = ["from one", "from two", "waiting 1", "waiting 2"]
    for tab in (ann, other, bob):
        tab.try_now()
    for tab in (ann, other, bob):
        tab.sees(*everything)
    ann.wait_until_sent()
    assert texts_in(server) == everything
