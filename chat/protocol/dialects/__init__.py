"""Dialects of the original's clones: other numbers and names, and frames without terminator.

This package translates, and knows no connection. The path of a classic client's request:

    framing.py             cuts the bytes into frames, at LF, NUL or a closing brace (BraceCutter)
    ChatService._serve     decodes the JSON
    ClassicReader.read     the way in. It ends the reading of dialects for a connection that ends
        │                  its frames with LF, asks for v2, or has only tutorial tables left
    DialectGuess.read      excludes tables by the request, and translates it with one of the rest.
        │                  No table fits: NoTableError, the request is refused
    handler                serves the tutorial's number and names, as for each other client
        │
    classic_answer         the way out, for answers and refusals, in the client's table. The
        │                  original has few answers, so for most requests it returns None
    chat_message           the way out for messages, by ClassicOutput and ChatMessage

The error for a refused request takes the same way out, if the client's table has a number for
errors. The log has one line about it for each connection, in the words of advice.py.
"""

from chat.protocol.dialects.advice import advice
from chat.protocol.dialects.braces import BraceCutter
from chat.protocol.dialects.guess import DialectGuess, NoTableError
from chat.protocol.dialects.table import TUTORIAL, Table
from chat.protocol.dialects.table_file import TableError, parse_table
from chat.protocol.dialects.translate import chat_message

__all__ = [
    "TUTORIAL",
    "BraceCutter",
    "DialectGuess",
    "NoTableError",
    "Table",
    "TableError",
    "advice",
    "chat_message",
    "parse_table",
]
