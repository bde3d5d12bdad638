"""CloseCode: the reasons for the end of a WebSocket (RFC 6455, 7.4, and IANA's registry)."""

from __future__ import annotations

from enum import IntEnum


class CloseCode(IntEnum):
    """The registered codes. 3000 to 4999 are free for programs. Immutable; any thread.

    1005, 1006 and 1015 never travel: they stand for the absence of a code.
    """

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_CODE = 1005
    ABNORMAL = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    TOO_BIG = 1009
    MISSING_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_FAILED = 1015


_NEVER_SENT = frozenset({CloseCode.NO_CODE, CloseCode.ABNORMAL, CloseCode.TLS_FAILED})

_TRAVELLING = frozenset(code.value for code in CloseCode) - _NEVER_SENT


def may_travel(code: int) -> bool:
    """Whether a Close frame may have this code. Any thread."""
    return code in _TRAVELLING or 3000 <= code <= 4999
