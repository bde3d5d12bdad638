"""The shape of each request of the original: the fields that tell it from the others.

A number alone says little: 9 is a join from the tutorial's clients, and a group chat from others.
Number and fields together say enough: ``{"id":1,"groupid":39,"msg":"hi"}`` is a group chat.
"""

from __future__ import annotations

from chat.protocol.codec import Message
from chat.protocol.dialects.table import OWN_REQUESTS, REQUEST_FIELDS, REQUESTS, Table
from chat.protocol.fields import Limits
from chat.protocol.schema import build_schema

_ORIGINAL_SHAPES: dict[int, dict[str, type]] = {
    REQUESTS["login"]: {"id": int, "password": str},
    REQUESTS["logout"]: {"id": int},
    REQUESTS["register"]: {"name": str, "password": str},
    REQUESTS["chat"]: {"id": int, "toid": int, "msg": str},
    REQUESTS["add_friend"]: {"id": int, "friendid": int},
    REQUESTS["create_group"]: {"id": int, "groupname": str, "groupdesc": str},
    REQUESTS["join_group"]: {"id": int, "groupid": int},
    REQUESTS["group_chat"]: {"id": int, "groupid": int, "msg": str},
}

_SCHEMA = build_schema(Limits())

_OWN_SHAPES = {
    msgid: {name: wanted for name, wanted, _, _, _, required in _SCHEMA[msgid] if required}
    for msgid in OWN_REQUESTS
}
"""The required fields of each request that this protocol adds. Clones have none of them."""

_SHAPES = _ORIGINAL_SHAPES | _OWN_SHAPES

_OPTIONAL = {
    msgid: {
        name: wanted
        for name, wanted, _, _, _, _ in _SCHEMA[msgid]
        if name not in shape and name != "v"
    }
    for msgid, shape in _SHAPES.items()
}
"""The types of all other fields that a request may have.

``v`` is not among them: the reader drops it from a translated request, so it refuses none.
"""

_TELLING = frozenset("password toid msg friendid groupid groupname groupdesc".split())
"""Fields that only some requests have. Clients send ``id``, ``name`` and ``time`` with many."""

_FOREIGN = {kind: _TELLING.difference(shape) for kind, shape in _ORIGINAL_SHAPES.items()}


def translated(message: Message, table: Table) -> Message | None:
    """A request with the tutorial's number and names; the message itself if nothing differs.

    None if the table does not have the number, if a field comes twice with different values, or if
    a field has a name of the tutorial that the table does not use.
    """
    kind = kind_of(message, table)
    if kind is None:
        return None
    fields = table.fields
    out: Message = {}
    for name, value in message.items():
        if value is None:  # null is absent
            continue
        field = fields.get(name)
        if field is None:
            if name in _TELLING:
                return None
            if name in REQUEST_FIELDS:
                continue
            field = name
        if field in out and out[field] != value:
            return None
        out[field] = value
    out["msgid"] = kind
    return message if out == message else out


def kind_of(message: Message, table: Table) -> int | None:
    """The tutorial's number of a request, by its number; None if the table does not have it."""
    for name in table.number_names:
        number = message.get(name)
        if type(number) is int:
            return table.requests.get(number)
    return None


def is_whole(request: Message) -> bool:
    """True if a translated request has all fields of its kind, and all its fields the right types.

    The schema refuses all others. Example: a login with ``"name": 1``. It tells nothing about the
    client, so it must not exclude a table.
    """
    kind = request["msgid"]
    return all(
        type(request.get(field)) is wanted for field, wanted in _SHAPES[kind].items()
    ) and all(
        request.get(field) is None or type(request[field]) is wanted
        for field, wanted in _OPTIONAL[kind].items()
    )


def is_foreign(request: Message) -> bool:
    """True if a translated request has a field of another kind of request."""
    foreign = _FOREIGN.get(request["msgid"])
    return foreign is not None and not foreign.isdisjoint(request)


def kind_by_fields(message: Message, table: Table) -> int | None:
    """The kind of a request by its fields alone; None if they fit no kind."""
    for kind in REQUESTS.values():
        if kind == REQUESTS["logout"]:  # any message has its fields
            continue
        own = next(own for own, meant in table.requests.items() if meant == kind)
        request = translated({**message, table.number_names[0]: own}, table)
        if request is not None and is_whole(request) and not is_foreign(request):
            return kind
    return REQUESTS["logout"] if "id" in message and len(message) == 2 else None  # and a number
