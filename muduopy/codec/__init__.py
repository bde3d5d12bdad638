"""Codecs: cut a stream of bytes into frames.

    from muduopy.codec import FrameHandler, LineCodec

    def on_line(connection, line, when):
        lines.send(connection, line.upper())

    lines = FrameHandler(LineCodec(), on_line)
    server.set_message_callback(lines)

The codecs are pure: no socket, no connection. FrameHandler connects them with the connections of a
server or a client.
"""

from muduopy.codec.codec import Codec, Decoder
from muduopy.codec.delimiter_codec import DelimiterCodec
from muduopy.codec.errors import BadLengthError, BadPayloadError, CodecError, FrameTooLargeError
from muduopy.codec.frame_handler import ErrorCallback, FrameCallback, FrameHandler
from muduopy.codec.length_header_codec import LengthHeaderCodec
from muduopy.codec.line_codec import LineCodec

__all__ = [
    "BadLengthError",
    "BadPayloadError",
    "Codec",
    "CodecError",
    "Decoder",
    "DelimiterCodec",
    "ErrorCallback",
    "FrameCallback",
    "FrameHandler",
    "FrameTooLargeError",
    "LengthHeaderCodec",
    "LineCodec",
]
