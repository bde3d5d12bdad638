"""AdminRequest: a command of an operator, and the typed access to its arguments. Pure.

A request is one line with a JSON object, and so is its answer:

    {"command": "user show", "arguments": {"user": "ann"}}
    {"ok": true, "result": {"id": 1, "name": "ann"}}
    {"ok": false, "error": "no user 'ann'; list them with: chatctl user list"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chat.admin.errors import AdminError

MAX_TEXT = 4096
"""Characters of the longest argument."""

MAX_NUMBER = 2**53
"""Larger numbers are not exact in every JSON parser."""


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """A command, its arguments, and its operator. Immutable; any thread.

    The methods raise AdminError for an argument that is missing or has another type. ``default``
    is for an optional argument that is absent or null.

    Attributes:
        command: such as "user show".
        actor: the name of the operator's account in the operating system.
    """

    command: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""

    def text(self, name: str, default: str | None = None) -> str:
        """An argument that is a text of 1 to MAX_TEXT characters."""
        value = self._value(name, default)
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise AdminError(f"{name}: must be a text of at most {MAX_TEXT} characters")
        if not value and default is None:
            raise AdminError(f"{name}: is empty")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """An argument that is a number from 0 on."""
        value = self._value(name, default)
        if type(value) is not int or not 0 <= value <= MAX_NUMBER:
            raise AdminError(f"{name}: must be a number from 0 on")
        return value

    def flag(self, name: str) -> bool:
        """An optional argument that is true or false."""
        value = self._value(name, False)
        if not isinstance(value, bool):
            raise AdminError(f"{name}: must be true or false")
        return value

    def _value(self, name: str, default: object) -> object:
        value = self.arguments.get(name)
        if value is None:
            value = default
        if value is None:
            raise AdminError(f"{name}: is missing")
        return value


def parse_request(line: bytes, actor: str = "") -> AdminRequest:
    """A request from its line. Raises AdminError."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise AdminError("the request is no JSON object on one line") from exc
    if not isinstance(fields, dict) or not isinstance(fields.get("command"), str):
        raise AdminError('the request has no "command"')
    arguments = fields.get("arguments", {})
    if not isinstance(arguments, dict):
        raise AdminError('"arguments" is no JSON object')
    return AdminRequest(fields["command"], arguments, actor)


def success(result: object) -> bytes:
    """The line of an answer, without its end."""
    return _line({"ok": True, "result": result})


def failure(text: str) -> bytes:
    """The line of an answer to a request that failed, without its end."""
    return _line({"ok": False, "error": text})


def _line(answer: object) -> bytes:
    # ASCII only: a name of the original system may hold half a surrogate pair.
    return json.dumps(answer, separators=(",", ":")).encode("ascii")
