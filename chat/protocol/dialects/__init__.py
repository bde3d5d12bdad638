"""Dialects of the original's clones: other numbers and names, and frames without terminator."""

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
