"""JSON lines on standard output, printed by several threads. The client's values become objects."""

import dataclasses
import json
import threading
from typing import Any

from client import ChatMessage, Receipt

printing = threading.Lock()  # held while a line is printed, so that lines do not mix


def say(**line: Any) -> None:
    with printing:
        print(json.dumps(line, default=plain), flush=True)


def plain(value: Any) -> Any:
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return str(value)
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, ChatMessage | Receipt):  # the time is in ISO 8601, with its zone
        del fields["time_text"]
        fields["time"] = None if value.time is None else value.time.isoformat()
    return fields
