"""Parses a table in TOML. A key that is absent is as in the tutorial. Pure: opens no file.

    [numbers]                  # a request may have several numbers
    chat = 5
    logout = [11, 3]

    [request]                  # names in the client's requests; of several, any one
    toid = ["toid", "to"]

    [answer]                   # names in the client's answers; of several, all.
    errno = ["errno", "errnum"]    # Also [friend], [group], [member], [message].

    [frames]
    terminator = "none"        # or "nul"

docs/dialects.md explains each key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from chat.protocol.dialects.table import (
    ANSWERS,
    ERRNO_NAMES,
    LEVELS,
    OWN_REQUESTS,
    PONG,
    REQUEST_FIELDS,
    REQUESTS,
    TUTORIAL,
    Names,
    Table,
)
from chat.protocol.fields import MAX_ID

MAX_NAME = 30
"""Characters of a table's name. The column ``dialect`` has 32, for the name and a mark."""

_is_name = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{MAX_NAME - 1}}}").fullmatch

_FRAME_ENDS = {"nul": False, "none": True}


class TableError(Exception):
    """A table cannot be used; the message says why."""


def parse_table(name: str, text: str) -> Table:
    """The table in a file's text. Raises TableError."""
    if not _is_name(name):
        raise TableError(
            f"{name!r}: a table's name has up to {MAX_NAME} of a-z, 0-9, _ and -, as reg3.toml has"
        )
    if name == TUTORIAL.name:
        raise TableError(f"the table {name} is built in; give this file another name")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise TableError(str(exc)) from exc
    _refuse_unknown(data, ("numbers", "request", "frames", *LEVELS), "section [{}]")
    for section, values in data.items():
        if not isinstance(values, dict):
            raise TableError(f"{section}: is a section, write [{section}]")
    requests, numbers = _numbers(data.get("numbers", {}))
    fields = _names("request", data.get("request", {}), REQUEST_FIELDS)
    if not fields and requests == {number: number for number in REQUESTS.values()}:
        requests |= OWN_REQUESTS  # its clients look like this protocol's
        numbers[PONG] = PONG
    wanted = {level: _names(level, data.get(level, {}), LEVELS[level]) for level in LEVELS}
    if "errno" not in wanted["answer"]:
        wanted["answer"]["errno"] = ERRNO_NAMES
    levels: dict[str, Names] = {level: MappingProxyType(names) for level, names in wanted.items()}
    return Table(
        name=name,
        requests=MappingProxyType(requests),
        numbers=MappingProxyType(numbers),
        fields=_by_name_sent(fields),
        number_names=fields.get("msgid", ("msgid",)),
        unterminated=_unterminated(data.get("frames", {})),
        **levels,
    )


def _refuse_unknown(found: Iterable[str], known: Iterable[str], what: str) -> None:
    known = list(known)
    for key in found:
        if key not in known:
            raise TableError(f"unknown {what.format(key)}; there are {', '.join(known)}")


# ---------------------------------------------------------------------- numbers


def _numbers(section: dict[str, Any]) -> tuple[dict[int, int], dict[int, int]]:
    """The client's numbers of requests, and of the messages to it."""
    _refuse_unknown(section, (*REQUESTS, *ANSWERS), "key numbers.{}")
    used: dict[int, str] = {}

    def use(name: str, number: int) -> None:
        if number in used:
            raise TableError(f"numbers: {number} is given twice, to {used[number]} and {name}")
        used[number] = name

    requests: dict[int, int] = {}
    sent: dict[int, int] = {}
    for name, own in REQUESTS.items():
        given = _several_numbers(name, section.get(name, own))
        for number in given:
            use(name, number)
            requests[number] = own
        if own in TUTORIAL.numbers:  # a chat message comes back under its first number
            sent[own] = given[0]
    for name, own in ANSWERS.items():
        if name in section or name != "error":
            number = _one_number(name, section.get(name, own))
            use(name, number)
            sent[own] = number
    error = ANSWERS["error"]
    if error not in used and error not in sent:  # otherwise this client gets no errors
        sent[error] = error
    return requests, sent


def _several_numbers(name: str, value: Any) -> list[int]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise TableError(f"numbers.{name}: has no number")
    return [_one_number(name, item) for item in values]


def _one_number(name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_ID:
        raise TableError(f"numbers.{name}: must be an integer from 0 to {MAX_ID}")
    return value


# ---------------------------------------------------------------------- names


def _names(
    section: str, values: dict[str, Any], known: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    """The client's names that differ, by the tutorial's. No name has two meanings."""
    _refuse_unknown(values, known, f"key {section}.{{}}")
    names = {field: _several_names(f"{section}.{field}", value) for field, value in values.items()}
    used: dict[str, str] = {}
    for field in known:
        for name in names.get(field, (field,)):
            if name in used:
                raise TableError(f"{section}: {name!r} stands for both {used[name]} and {field}")
            used[name] = field
    return {field: given for field, given in names.items() if given != (field,)}


def _several_names(key: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(item, str) and item for item in values):
        raise TableError(f"{key}: must be a name or an array of names")
    if len(set(values)) != len(values):
        raise TableError(f"{key}: has a name twice")
    return tuple(values)


def _by_name_sent(fields: dict[str, tuple[str, ...]]) -> Mapping[str, str]:
    return MappingProxyType(
        {name: field for field in REQUEST_FIELDS for name in fields.get(field, (field,))}
    )


def _unterminated(section: dict[str, Any]) -> bool:
    _refuse_unknown(section, ("terminator",), "key frames.{}")
    given = section.get("terminator", "nul")
    if not isinstance(given, str) or given not in _FRAME_ENDS:
        raise TableError('frames.terminator: must be "nul" or "none"')
    return _FRAME_ENDS[given]
