from __future__ import annotations

import pytest

from client.protocol.parsing_messages import read_chat
from client.values import ChatMessage


def test_chat() -> None:
    message = {"id": 2, "name": "bob", "time": "now", "msg": "hi", "seq": 9, "groupid": 7}
    one = read_chat({"msgid": 6, **message})
    assert one == ChatMessage(2, "bob", "now", "hi", None, 9)
    group = read_chat({"msgid": 10, **message})
    assert group == ChatMessage(2, "bob", "now", "hi", 7, 9)


@pytest.mark.parametrize("seq", [None, 0, -1, True, 1.0, "1", 2**53])
def test_a_wrong_seq_is_none(seq: object) -> None:
    assert read_chat({"msgid": 6, "seq": seq}).seq is None
