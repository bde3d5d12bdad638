"""The history and the search."""

from __future__ import annotations

from typing import Any

import pytest

from chat.protocol import MsgType
from client import ChatClient
from client.errors import RefusedError
from tests.client.fake_server import FakeServer, ack, one_chat, refuse


def test_history(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.HISTORY_MSG] = lambda r: [
        ack(MsgType.HISTORY_ACK, r, messages=[one_chat(3, "a")], more=True)
    ]
    page = client.history(user_id=2, limit=20)
    assert [message.text for message in page.messages] == ["a"]
    assert page.more
    client.history(group_id=7, before=3)
    assert server.expect(MsgType.HISTORY_MSG)["with"] == 2
    request = server.expect(MsgType.HISTORY_MSG)
    assert (request["groupid"], request["before"]) == (7, 3)


def test_search_in_pages(server: FakeServer, client: ChatClient) -> None:
    marked = {**one_chat(3, "some tea"), "marks": [[5, 8], [8, 5], [-1, 2], ["x", 2], 7]}
    pages: list[dict[str, Any]] = [
        {"messages": [marked], "more": True, "before": 3},
        {"messages": [], "more": True, "before": 2},
        {"messages": [one_chat(1, "tea")], "more": False, "before": 1},
    ]
    server.rules[MsgType.SEARCH_MSG] = lambda r: [ack(MsgType.SEARCH_ACK, r, **pages.pop(0))]
    found = [hit for page in client.search("tea") for hit in page.hits]
    assert [hit.message.text for hit in found] == ["some tea", "tea"]
    assert [hit.marks for hit in found] == [((5, 8),), ()]
    requests = [server.expect(MsgType.SEARCH_MSG) for _ in range(3)]
    assert [request.get("before") for request in requests] == [None, 3, 2]
    assert requests[0]["query"] == "tea"


def test_search_in_one_conversation(server: FakeServer, client: ChatClient) -> None:
    assert client.search_page("tea", user_id=2).before is None
    assert next(client.search("tea", group_id=7, limit=5)).hits == ()
    assert server.expect(MsgType.SEARCH_MSG)["with"] == 2
    request = server.expect(MsgType.SEARCH_MSG)
    assert (request["groupid"], request["limit"]) == (7, 5)
    with pytest.raises(ValueError, match="either"):
        client.search_page("tea", user_id=2, group_id=7)


def test_a_server_that_keeps_no_history(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.HISTORY_MSG] = refuse(MsgType.ERROR_MSG, 4, "msgid: is missing or unknown")
    with pytest.raises(RefusedError, match="unknown"):
        client.history(user_id=2)
