from __future__ import annotations

from chat.protocol import ACK_OF, MsgType
from client.protocol import requests
from client.protocol.requests import Request

ROWS = {name: row for name, row in vars(requests).items() if isinstance(row, Request)}

WITHOUT_ROW = {MsgType.ONE_CHAT_MSG, MsgType.GROUP_CHAT_MSG, MsgType.PING_MSG}
"""Their answers are found by their ``mid``, or are of no interest."""


def test_each_request_of_the_protocol_has_one_row() -> None:
    have = sorted(row.msgid for row in ROWS.values())
    assert have == sorted(ACK_OF.keys() - WITHOUT_ROW), "the rows of client/protocol/requests.py"


def test_only_a_login_and_a_registration_need_no_login() -> None:
    assert {name for name, row in ROWS.items() if row.before_login} == {"LOGIN", "REGISTER"}


def test_a_row_reads_any_answer() -> None:
    for row in ROWS.values():
        row.read({})
