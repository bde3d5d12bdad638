"""The search in all conversations, in the whole terminal with a scripted server."""

from __future__ import annotations

from typing import Any

from chat.protocol import Message, MsgType
from tests.client.fake_server import FakeServer, ack, group_chat, one_chat, refuse
from tests.client.ui.appkit import history
from tests.client.ui.apprun import DOWN, ENTER, ESC, UP, AppRun


def found(*pages: dict[str, Any]) -> Any:
    """A rule that answers searches with these pages."""
    left = list(pages)

    def rule(request: Message) -> list[Message]:
        return [ack(MsgType.SEARCH_ACK, request, **left.pop(0))]

    return rule


def test_the_list_of_hits(server: FakeServer, talk: AppRun) -> None:
    first = [
        {**group_chat(9, "green tea"), "marks": [[6, 9]]},
        {**one_chat(5, "x" * 50 + " Tea is ready"), "marks": [[51, 54]]},
    ]
    second = [{**one_chat(2, "old tea"), "marks": [[4, 7]]}]
    server.rules[MsgType.SEARCH_MSG] = found(
        {"messages": [], "more": True, "before": 20},
        {"messages": first, "more": True, "before": 5},
        {"messages": second, "more": False},
    )
    talk.command("/search tea")
    talk.wait_for("Messages with tea", "tea", "green tea", "Tea is ready", "Enter: go there")
    assert server.expect(MsgType.SEARCH_MSG)["query"] == "tea"
    assert server.expect(MsgType.SEARCH_MSG)["before"] == 20
    talk.type(DOWN)
    talk.wait_for("old tea")
    assert server.expect(MsgType.SEARCH_MSG)["before"] == 5
    talk.type(DOWN, DOWN, UP, ESC)
    talk.wait_for(">", gone="Messages with tea")


def test_a_hit_opens_its_conversation_there(server: FakeServer, app: AppRun) -> None:
    hit = {**one_chat(77, "message 77"), "marks": [[0, 7]]}
    server.rules[MsgType.SEARCH_MSG] = found({"messages": [hit], "more": False})
    server.rules[MsgType.HISTORY_MSG] = history((151, 200), (101, 150), (51, 100), (1, 50))
    app.command("/search mess")
    app.wait_for("Messages with mess", "message 77")
    app.type(ENTER)
    app.wait_for("message 77\n", "message 76\n", "Esc: done", gone="Messages with")
    app.wait_for("search: message", "▼")
    app.type(ESC)
    app.wait_for(">", "bob")


def test_a_hit_in_the_newest_message(server: FakeServer, app: AppRun) -> None:
    """Nothing is below it, although the search holds the view."""
    hit = {**one_chat(2, "message 2"), "marks": [[0, 7]]}
    server.rules[MsgType.SEARCH_MSG] = found({"messages": [hit], "more": False})
    server.rules[MsgType.HISTORY_MSG] = history((1, 2))
    app.command("/search mess")
    app.wait_for("Messages with mess", "message 2")
    app.type(ENTER)
    app.wait_for("message 1\n", "message 2\n", "search: message", gone="▼")


def test_a_hit_that_the_history_does_not_have(server: FakeServer, app: AppRun) -> None:
    hit = {**one_chat(77, "message 77"), "marks": [[0, 7]]}
    server.rules[MsgType.SEARCH_MSG] = found({"messages": [hit], "more": False})
    server.rules[MsgType.HISTORY_MSG] = history((1, 50))
    app.command("/search mess")
    app.wait_for("message 77")
    app.type(ENTER)
    app.wait_for("This message cannot be loaded.")


def test_nothing_found(server: FakeServer, talk: AppRun) -> None:
    talk.command("/search nowhere")
    talk.wait_for("nowhere: in no message.")
    server.rules[MsgType.SEARCH_MSG] = refuse(MsgType.SEARCH_ACK, 1, "search is switched off")
    talk.command("/search tea")
    talk.wait_for("search is switched off")


def test_without_words_it_searches_in_the_conversation(server: FakeServer, talk: AppRun) -> None:
    talk.command("/search")
    talk.wait_for("search:")
