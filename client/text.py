"""Every text the client shows, as pure functions. The wording is the original client's.

Whatever comes from the server passes ``escape`` here, and nowhere else: names, messages, times
and error texts are what strangers typed, and must not move the cursor, fake a line, hide
characters or turn the direction of what follows.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from chat.protocol import ErrNo
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

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def escape(text: str) -> str:
    """The text with every character escaped that could do more than be seen."""
    if text.isprintable():
        return text
    return "".join(_escape_char(char) for char in text)


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
    """Why a registration failed."""
    if isinstance(error, RefusedError) and error.errno == ErrNo.REFUSED:
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
    if unicodedata.category(char) not in _UNSAFE:
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
