"""PlainText: the lines that the line mode shows, in English or Chinese. Pure.

The line mode escapes all text from the server here, and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from chat.protocol import ErrNo
from chat.protocol.errors import DISABLED, NAME_TAKEN
from chat.safe_text import escape
from client.errors import ClientError, RefusedError
from client.original_commands import (
    ADDED_COMMANDS,
    LINE_MODE_COMMANDS,
    ORIGINAL_COMMANDS,
    Command,
)
from client.plain import chinese, english
from client.protocol.parsing import read_retry_after
from client.server_texts import in_chinese
from client.values import (
    Account,
    Ban,
    ChatMessage,
    Conversation,
    Device,
    DeviceNotice,
    Friend,
    FriendNotice,
    Group,
    GroupNotice,
    Member,
    User,
)

NO_WORDS = str(RefusedError(ErrNo.REFUSED, ""))
"""The text for a refusal without a reason, as the original's server sends it."""

_TABLES = {"en": english.TEXTS, "zh": chinese.TEXTS}


class PlainText:
    """The texts in one language. Names, messages and reasons are escaped here."""

    def __init__(self, language: str = "en") -> None:
        self._table = _TABLES[language]
        self._is_chinese = language == "zh"

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, with its placeholders filled in. Strings are escaped."""
        shown = {name: escape(v) if isinstance(v, str) else v for name, v in values.items()}
        return self._table[key].format(**shown)

    def account_lines(self, account: Account) -> Iterator[str]:
        """The account as shown after a login, up to the closing rule."""
        yield self("user rule")
        yield self("current user", id=account.id, name=account.name)
        yield self("friends rule")
        yield from map(friend_line, account.friends)
        yield self("groups rule")
        for group in account.groups:
            yield group_line(group)
            yield from map(member_line, group.members)
            if len(group.members) < group.member_count:
                yield self("more members", count=group.member_count - len(group.members))
        yield self("end rule")

    def first_help_lines(self) -> Iterator[str]:
        """The original's commands, shown after a login."""
        yield self("commands")
        yield from map(self._command_line, ORIGINAL_COMMANDS)
        yield self("more commands", count=len(ADDED_COMMANDS))

    def help_lines(self) -> Iterator[str]:
        """The list of all commands, with their formats."""
        yield self("commands")
        yield from map(self._command_line, LINE_MODE_COMMANDS)

    def _command_line(self, command: Command) -> str:
        return f"{command.name} : {self(f'command {command.name}')}, {command.format}"

    def message_line(self, message: ChatMessage) -> str:
        """A chat message on one line."""
        fields: dict[str, Any] = {
            "id": message.sender_id,
            "name": message.sender_name,
            "time": local_time(message),
            "text": message.text,
        }
        if message.mine and message.other_id not in (0, message.sender_id):
            return self("said to", to=message.to_id, **fields)
        if message.group_id is None:
            return self("said", **fields)
        return self("said in group", group=message.group_id, **fields)

    def shown(self, text: str) -> str:
        """A text of a user, escaped."""
        return escape(text)

    def user_line(self, user: User) -> str:
        """A user on one line."""
        return f"{user.id} {escape(user.name)}"

    def ban_line(self, ban: Ban) -> str:
        """A removed or banned user of a group on one line."""
        parts = (str(ban.user_id), escape(ban.name), escape(ban.kind), escape(ban.reason))
        return " ".join(filter(None, parts))

    def conversation_line(self, one: Conversation) -> str:
        """A conversation on one line, with its number of unread messages and its last message."""
        number = f"[{one.group_id}]" if one.user_id is None else str(one.user_id)
        unread = f"{one.unread}+" if one.more_unread else str(one.unread)
        muted = self("muted") if one.muted else ""
        last = "" if one.last.event is not None else escape(one.last.text)
        head = " ".join(filter(None, (number, escape(one.name), muted)))
        return self._table["conversation"].format(head=head, unread=unread, last=last).rstrip()

    def device_line(self, device: Device) -> str:
        """A device of the user on one line."""
        label = escape(device.label) or self("unnamed device")
        state = "this device" if device.this else "online" if device.online else "offline"
        used = escape(device.last)
        return " ".join(filter(None, (str(device.id), label, self(f"device {state}"), used)))

    def waiting_lines(self, account: Account) -> Iterator[str]:
        """The requests and invitations that wait for an answer after a login."""
        if account.friend_requests:
            yield self("requests wait", count=len(account.friend_requests))
        for item in account.invitations:
            yield self("invited", by=item.by_name, name=item.group_name, group=item.group_id)

    def friend_notice(self, notice: FriendNotice) -> str | None:
        """One line for a FriendNotice; None for an unknown event."""
        key = {
            "asked": "request",
            "accepted": "accepted",
            "added": "added elsewhere",
            "removed": "removed elsewhere",
        }.get(notice.event)
        name = notice.name or str(notice.user_id)
        return None if key is None else self(key, id=notice.user_id, name=name)

    def group_notice(self, notice: GroupNotice, account: Account) -> str | None:
        """One line for a GroupNotice; None for an unknown event."""
        reason = " reason" if notice.event == "banned" and notice.reason else ""
        key = f"note {notice.event}{reason}"
        if notice.event == "invited":
            key = "invited"
        if key not in self._table:
            return None
        by_id, user_id = notice.by_id, notice.user_id
        by = self._name(by_id, notice.by_name, account) if by_id else self("operator")
        name = self._name(user_id, notice.name, account)
        return self(
            key,
            group=notice.group_id,
            name=notice.group_name if notice.event == "invited" else name,
            by=by,
            reason=notice.reason,
            role=notice.role,
            title=notice.group_name,
            join=notice.join,
        )

    def group_event(self, message: ChatMessage, account: Account) -> str | None:
        """One line for an event of a group, with its time; None for an unknown event."""
        notice = message.event
        line = None if notice is None else self.group_notice(notice, account)
        if line is None:
            return None
        return self._table["event"].format(time=local_time(message), text=line)

    def device_notice(self, notice: DeviceNotice) -> str | None:
        """One line for a DeviceNotice; None for an unknown event."""
        if notice.event == "ended":
            return self("device ended", id=notice.id)
        label = notice.label or self("unnamed device")
        return self("new device", id=notice.id, label=label) if notice.event == "new" else None

    def _name(self, user_id: int, name: str, account: Account) -> str:
        """The name in a notice; else that in a list of the account, or the number."""
        if user_id == account.id:
            return self("you")
        known = {member.id: member.name for group in account.groups for member in group.members}
        return name or known.get(user_id) or self("user", id=user_id)

    def register_failed(self, name: str, error: ClientError) -> str:
        """One line for a failed registration, with the reason if the server has given one."""
        refused = isinstance(error, RefusedError) and error.errno == ErrNo.REFUSED
        if refused and str(error) in (NAME_TAKEN, NO_WORDS):
            return self("name taken", name=name)
        return self.failed(self("do register", name=name), error)

    def login_failed(self, error: ClientError) -> str:
        """One line for a login that failed."""
        if isinstance(error, RefusedError):
            if error.errno == ErrNo.REFUSED and error.errmsg != DISABLED:
                return self("wrong password")
            if error.errno == ErrNo.ALREADY_ONLINE:
                return self("already online")
        return self.failed(self("do login"), error)

    def friend_added(self, friend: Friend) -> str:
        """Success of ``addfriend``."""
        return self("friend added", friend=friend_line(friend))

    def group_joined(self, group: Group) -> str:
        """Success of ``addgroup``."""
        return self("group joined", group=group_line(group))

    def failed(self, what: str, error: ClientError) -> str:
        """One line for a request that failed; ``what`` is a text whose key begins with "do"."""
        return self._table["failed"].format(what=what, why=self.reason(error))

    def reason(self, error: BaseException) -> str:
        """The reason of a failure, escaped, and when to try again if the server has said it."""
        if not isinstance(error, RefusedError):
            return escape(str(error))
        why = in_chinese(error.errno, error.errmsg) if self._is_chinese else str(error)
        seconds = read_retry_after(error.answer)
        if error.errno == ErrNo.TOO_MANY and seconds is not None:
            return escape(why) + self("retry", seconds=math.ceil(seconds))
        return escape(why)

    def end(self, error: ClientError) -> str:
        """One line for the error that ends the program."""
        return escape(str(error))

    def chat_failed(self, target: int | str, to_group: bool, error: BaseException) -> str:
        """One line for a chat message that the server has refused or not confirmed.

        ``target``: the number of the group, or the number or name of the user.
        """
        key = "group chat failed" if to_group else "chat failed"
        return self._table[key].format(target=escape(str(target)), why=self.reason(error))


def friend_line(friend: Friend) -> str:
    """``ID NAME STATE``"""
    return f"{friend.id} {escape(friend.name)} {escape(friend.state)}"


def group_line(group: Group) -> str:
    """``ID NAME DESC``"""
    return f"{group.id} {escape(group.name)} {escape(group.desc)}"


def member_line(member: Member) -> str:
    """``ID NAME STATE ROLE``"""
    return f"{member.id} {escape(member.name)} {escape(member.state)} {escape(member.role)}"


def local_time(message: ChatMessage) -> str:
    """The local time of a message; the text of an old classic client as it is."""
    try:
        if message.time is not None:
            return message.time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except OverflowError:  # the last hours of the year 9999
        pass
    return message.time_text
