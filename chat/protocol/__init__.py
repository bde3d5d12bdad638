"""The wire protocol: frames, messages, error numbers. Pure: no sockets, no clock, no database."""

from chat.protocol.codec import Message, decode, encode, without_nulls
from chat.protocol.errors import ErrNo, ProtocolError
from chat.protocol.fields import (
    MAX_ID,
    MAX_SEQ,
    V2,
    Limits,
    Schema,
    asks_for_v2,
    validate,
)
from chat.protocol.frames import LF, MAX_FRAME, NUL, FrameDecoder
from chat.protocol.msgtype import ACK_OF, GROUP_CHAT, GROUP_EVENT, ONE_CHAT, MsgType
from chat.protocol.names import normal_name
from chat.protocol.schema import LISTED_CONVERSATIONS, build_schema

__all__ = [
    "ACK_OF",
    "GROUP_CHAT",
    "GROUP_EVENT",
    "LF",
    "LISTED_CONVERSATIONS",
    "MAX_FRAME",
    "MAX_ID",
    "MAX_SEQ",
    "NUL",
    "ONE_CHAT",
    "V2",
    "ErrNo",
    "FrameDecoder",
    "Limits",
    "Message",
    "MsgType",
    "ProtocolError",
    "Schema",
    "asks_for_v2",
    "build_schema",
    "decode",
    "encode",
    "normal_name",
    "validate",
    "without_nulls",
]
