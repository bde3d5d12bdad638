"""Every text the client shows, as pure functions. The wording is the original client's.

Whatever comes from the server passes ``escape`` here, and nowhere else: names, messages, times
and error texts are what strangers typed, and must not move the cursor, fake a line, hide
characters or turn the direction of what follows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from chat.protocol import ErrNo
from chat.protocol.errors import NAME_TAKEN
from client.commands import COMMANDS
from client.errors import ClientError, RefusedError
from client.model import (
    Account,
    ChatFailed,
    ChatMessage,
    Event,
    Friend,
    Goodbye,
    Group,
    Member,
    ServerError,
)

MENU = """\
========================
1. login
2. register
3. quit
========================"""

INVALID_CHOICE = "invalid input!"
ID_EXPECTED = "id must be a number!"
LOGOUT_SUCCESS = "loginout success"
NO_WORDS = str(RefusedError(ErrNo.REFUSED, ""))
"""What is shown of a refusal by the original's server, which gives no reason."""

_WRONG_PASSWORD = "id or password is invalid!"
_ALREADY_ONLINE = "this account is using, input another!"

_USER_RULE = "======================login user======================"
_FRIENDS_RULE = "----------------------friend list---------------------"
_GROUPS_RULE = "----------------------group list----------------------"
_END_RULE = "======================================================"

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that are escaped: control characters; format characters, which are the
bidi overrides, zero-width characters and tags; halves of surrogate pairs; line and paragraph
separators. Private and unassigned characters stay: at worst they are boxes, and tomorrow's
emoji are among them."""

_IGNORABLE = frozenset(
    {
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    }
)
"""Letters and marks that Unicode wants shown as nothing, escaped, too: fillers and variation
selectors. They make two names look alike, or a message look empty."""

_SYMBOLS = "\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"

_suspect = re.compile(
    "[" + "".join(map(chr, sorted(_IGNORABLE))) + "]|[" + _MARKS + "]{5}"
).search  # in what is printable otherwise

# What holds an emoji together: a selector for its looks, a joiner to the next one, the tags of a
# flag. Terminals differ about what to draw for the whole; its parts are the same everywhere.
_selector = re.compile(f"(?<=[{_SYMBOLS}])[\ufe0e\ufe0f]|(?<=[#*0-9])\ufe0f(?=\u20e3)")
_joiner = re.compile(f"(?<=[{_SYMBOLS}])\u200d(?=[{_SYMBOLS}])")
_tags = re.compile("(?<=\U0001f3f4)[\U000e0020-\U000e007f]+")

_stack = re.compile(f"([{_MARKS}]{{4}})[{_MARKS}]+")
"""Marks upon marks, which would reach into the lines above. Four are more than any language has."""

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_TAB = 4

_line_end = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")


def escape(text: str) -> str:
    """The text on one line, with every character escaped that could do more than be seen.

    What could only be taken for something else is escaped as well; emoji made of several are
    shown as these, and marks are not stacked higher than any language does.
    """
    if text.isprintable() and (text.isascii() or not _suspect(text)):
        return text
    for what in (_tags, _selector, _joiner):
        text = what.sub("", text)
    text = _stack.sub(r"\1", text)
    return "".join(map(_escape_char, text))


def escape_lines(text: str) -> list[str]:
    """The same for a text that may have several lines: at least one, without their ends.

    A tab is as wide as it would be in an editor.
    """
    if text.isascii() and text.isprintable():
        return [text]
    return [escape(line.expandtabs(_TAB)) for line in _line_end.split(text)]


def account_lines(account: Account) -> Iterator[str]:
    """What is shown after login, up to the closing rule."""
    yield _USER_RULE
    yield f"current login user => id:{account.id} name:{escape(account.name)}"
    yield _FRIENDS_RULE
    yield from map(friend_line, account.friends)
    yield _GROUPS_RULE
    for group in account.groups:
        yield group_line(group)
        yield from map(member_line, group.members)
    yield _END_RULE


def help_lines() -> Iterator[str]:
    """The list of commands, with their formats."""
    yield "show command list >>>"
    for command in COMMANDS:
        yield f"{command.name} : {command.description}, {command.format}"


def friend_line(friend: Friend) -> str:
    """``ID NAME STATE``"""
    return f"{friend.id} {escape(friend.name)} {escape(friend.state)}"


def group_line(group: Group) -> str:
    """``ID NAME DESC``"""
    return f"{group.id} {escape(group.name)} {escape(group.desc)}"


def member_line(member: Member) -> str:
    """``ID NAME STATE ROLE``"""
    return f"{member.id} {escape(member.name)} {escape(member.state)} {escape(member.role)}"


def event_line(event: Event) -> str:
    """One line for something that happened without being asked for."""
    return _EVENT_LINES[type(event)](event)


def registered(name: str, user_id: int) -> str:
    """The one chance to learn one's id."""
    return f"{escape(name)} register success, userid is {user_id}, do not forget it!"


def register_failed(name: str, error: ClientError) -> str:
    """Why a registration failed. The original's server sends no words with it."""
    refused = isinstance(error, RefusedError) and error.errno == ErrNo.REFUSED
    if refused and str(error) in (NAME_TAKEN, NO_WORDS):
        return f"{escape(name)} is already exist, register error!"
    return failed(f"{name} register", error)


def login_failed(error: ClientError) -> str:
    """Why a login failed."""
    if isinstance(error, RefusedError):
        if error.errno == ErrNo.REFUSED:
            return _WRONG_PASSWORD
        if error.errno == ErrNo.ALREADY_ONLINE:
            return _ALREADY_ONLINE
    return failed("login", error)


def friend_added(friend: Friend) -> str:
    """Success of ``addfriend``."""
    return f"add friend success: {friend_line(friend)}"


def group_created(group_id: int, name: str) -> str:
    """Success of ``creategroup``."""
    return f"create group success, groupid is {group_id}, groupname is {escape(name)}"


def group_joined(group: Group) -> str:
    """Success of ``addgroup``."""
    return f"join group success: {group_line(group)}"


def failed(what: str, error: ClientError) -> str:
    """One line for a request that failed."""
    return f"{escape(what)} failed: {escape(str(error))}"


def chat_failed(target: int, to_group: bool, why: str) -> str:
    """One line for a message that was not taken."""
    return f"message to {'group ' if to_group else ''}{target} failed: {escape(why)}"


def _escape_char(char: str) -> str:
    if unicodedata.category(char) not in _UNSAFE and ord(char) not in _IGNORABLE:
        return char
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _chat_message(event: ChatMessage) -> str:
    group = "" if event.group_id is None else f"群消息[{event.group_id}]:"
    who = f"{escape(event.time)} [{event.sender_id}]{escape(event.sender_name)}"
    return f"{group}{who} said: {escape(event.text)}"


def _chat_failed(event: ChatFailed) -> str:
    return chat_failed(event.target, event.to_group, event.errmsg)


def _server_error(event: ServerError) -> str:
    return f"error from the server: {escape(event.errmsg)}"


def _goodbye(event: Goodbye) -> str:
    return f"the server says goodbye: {escape(event.reason)}"


_EVENT_LINES: dict[type, Callable[[Any], str]] = {
    ChatMessage: _chat_message,
    ChatFailed: _chat_failed,
    ServerError: _server_error,
    Goodbye: _goodbye,
}
