"""The type of each request agrees with the row that ``validate`` checks."""

from __future__ import annotations

from typing import Any, NotRequired, get_args, get_origin, get_type_hints

import pytest

from chat.handlers import ROUTES, Where
from chat.protocol import Limits, MsgType, build_schema, requests

SCHEMA = build_schema(Limits())


def types_of(msgid: int) -> tuple[Any, ...]:
    """The types in the signature of the handler; several if it serves several requests."""
    route = ROUTES[msgid]
    hints = get_type_hints(route.run)
    hint = hints["message"] if route.where is Where.LOOP else get_args(hints["request"])[0]
    return (hint,) if hasattr(hint, "__required_keys__") else get_args(hint)


def declared(request: Any) -> dict[str, tuple[Any, bool]]:
    """The fields of a type: their types, and whether they are required."""
    fields = {}
    for name, hint in get_type_hints(request, include_extras=True).items():
        required = get_origin(hint) is not NotRequired
        plain = hint if required else hint.__args__[0]
        fields[name] = (get_origin(plain) or plain, required)
    assert fields.pop("msgid") == (int, True)
    return fields


def test_each_request_has_a_route() -> None:
    assert SCHEMA.keys() == ROUTES.keys()


@pytest.mark.parametrize("msgid", SCHEMA, ids=lambda msgid: MsgType(msgid).name)
def test_a_handler_gets_the_fields_of_its_row(msgid: int) -> None:
    row = {name: (wanted, required) for name, wanted, _, _, _, required in SCHEMA[msgid]}
    assert row in [declared(request) for request in types_of(msgid)]


def test_each_type_belongs_to_a_handler() -> None:
    used = {request for msgid in ROUTES for request in types_of(msgid)}
    types = {value for name, value in vars(requests).items() if name.endswith("Request")}
    bases = {requests._Request, requests._UserRequest, requests.ChatRequest}
    assert types - bases == used
