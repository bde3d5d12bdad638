"""The types of requests agree with the rows that ``validate`` checks."""

from __future__ import annotations

from typing import NotRequired, get_origin, get_type_hints

import pytest

from chat.handlers import ROUTES
from chat.protocol import Limits, MsgType, build_schema
from chat.protocol.requests import REQUESTS

SCHEMA = build_schema(Limits())


def test_each_request_has_a_type_and_a_route() -> None:
    assert REQUESTS.keys() == SCHEMA.keys() == ROUTES.keys()


@pytest.mark.parametrize("msgid", REQUESTS, ids=lambda msgid: MsgType(msgid).name)
def test_a_type_has_the_fields_of_its_row(msgid: int) -> None:
    declared = {}
    for name, hint in get_type_hints(REQUESTS[msgid], include_extras=True).items():
        required = get_origin(hint) is not NotRequired
        plain = hint if required else hint.__args__[0]
        declared[name] = (get_origin(plain) or plain, required)
    assert declared.pop("msgid") == (int, True)
    row = {name: (wanted, required) for name, wanted, _, _, _, required in SCHEMA[msgid]}
    assert declared == row
