"""Every text of the line mode, in English, which is the original client's, and in Chinese. Pure.

All text from the server passes ``escape`` here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from chat.protocol import ErrNo
from chat.protocol.errors import NAME_TAKEN
from client.errors import ClientError, RefusedError
from client.original_commands import ORIGINAL_COMMANDS
from client.safe_text import escape
from client.values import (
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

NO_WORDS = str(RefusedError(ErrNo.REFUSED, ""))
"""The text for a refusal without a reason, as the original's server sends it."""

_RULE = "=" * 24

ENGLISH = {
    "menu": f"{_RULE}\n1. login\n2. register\n3. quit\n{_RULE}",
    "choice": "choice:",
    "id": "id:",
    "username": "username:",
    "password": "password:",
    "invalid choice": "invalid input!",
    "id expected": "id must be a number!",
    "wrong password": "id or password is invalid!",
    "already online": "this account is using, input another!",
    "not used": "the rest of the input was not used",
    "user rule": "======================login user======================",
    "friends rule": "----------------------friend list---------------------",
    "groups rule": "----------------------group list----------------------",
    "end rule": "======================================================",
    "current user": "current login user => id:{id} name:{name}",
    "commands": "show command list >>>",
    "registered": "{name} register success, userid is {id}, do not forget it!",
    "name taken": "{name} is already exist, register error!",
    "friend added": "add friend success: {friend}",
    "group created": "create group success, groupid is {id}, groupname is {name}",
    "group joined": "join group success: {group}",
    "logged out": "loginout success",
    "failed": "{what} failed: {why}",
    "chat failed": "message to {target} failed: {why}",
    "group chat failed": "message to group {target} failed: {why}",
    "said": "{time} [{id}]{name} said: {text}",
    "said in group": "群消息[{group}]:{time} [{id}]{name} said: {text}",
    "server error": "error from the server: {why}",
    "goodbye": "the server says goodbye: {why}",
    "do register": "{name} register",
    "do login": "login",
    "do addfriend": "add friend {id}",
    "do creategroup": "create group {name}",
    "do addgroup": "join group {id}",
    "do loginout": "loginout",
    **{f"command {command.name}": command.description for command in ORIGINAL_COMMANDS},
}

CHINESE = {
    "menu": f"{_RULE}\n1. 登录\n2. 注册\n3. 退出\n{_RULE}",
    "choice": "请选择：",
    "id": "账号：",
    "username": "用户名：",
    "password": "密码：",
    "invalid choice": "输入无效！",
    "id expected": "账号必须是数字！",
    "wrong password": "账号或密码错误！",
    "already online": "该账号已在线，请换一个账号！",
    "not used": "其余输入未被使用",
    "user rule": "======================当前用户========================",
    "friends rule": "----------------------好友列表------------------------",
    "groups rule": "----------------------群组列表------------------------",
    "end rule": "======================================================",
    "current user": "当前登录用户 => 账号：{id} 用户名：{name}",
    "commands": "命令列表 >>>",
    "registered": "{name} 注册成功，账号是 {id}，请牢记！",
    "name taken": "用户名 {name} 已存在，注册失败！",
    "friend added": "添加好友成功：{friend}",
    "group created": "创建群成功，群号是 {id}，群名是 {name}",
    "group joined": "加入群成功：{group}",
    "logged out": "已注销登录",
    "failed": "{what}失败：{why}",
    "chat failed": "发给 {target} 的消息失败：{why}",
    "group chat failed": "发到群 {target} 的消息失败：{why}",
    "said": "{time} [{id}]{name} 说：{text}",
    "said in group": "群消息[{group}]：{time} [{id}]{name} 说：{text}",
    "server error": "服务器报告错误：{why}",
    "goodbye": "服务器道别：{why}",
    "do register": "注册 {name} ",
    "do login": "登录",
    "do addfriend": "添加好友 {id} ",
    "do creategroup": "创建群 {name} ",
    "do addgroup": "加入群 {id} ",
    "do loginout": "注销",
    "command help": "显示所有命令",
    "command chat": "一对一聊天",
    "command addfriend": "添加好友",
    "command creategroup": "创建群",
    "command addgroup": "加入群",
    "command groupchat": "群聊",
    "command loginout": "注销登录",
    "command quit": "退出程序",
}

_TABLES = {"en": ENGLISH, "zh": CHINESE}


class PlainText:
    """The texts in one language. Names, messages and reasons are escaped here."""

    def __init__(self, language: str = "en") -> None:
        self._table = _TABLES[language]

    def __call__(self, key: str, **values: object) -> str:
        """A text of the table. Strings are put in escaped."""
        shown = {name: escape(v) if isinstance(v, str) else v for name, v in values.items()}
        return self._table[key].format(**shown)

    def account_lines(self, account: Account) -> Iterator[str]:
        """What is shown after login, up to the closing rule."""
        yield self("user rule")
        yield self("current user", id=account.id, name=account.name)
        yield self("friends rule")
        yield from map(friend_line, account.friends)
        yield self("groups rule")
        for group in account.groups:
            yield group_line(group)
            yield from map(member_line, group.members)
        yield self("end rule")

    def help_lines(self) -> Iterator[str]:
        """The list of commands, with their formats."""
        yield self("commands")
        for command in ORIGINAL_COMMANDS:
            yield f"{command.name} : {self(f'command {command.name}')}, {command.format}"

    def event_line(self, event: Event) -> str:
        """One line for something that happened without being asked for."""
        line: Callable[[PlainText, Any], str] = _EVENT_LINES[type(event)]
        return line(self, event)

    def register_failed(self, name: str, error: ClientError) -> str:
        """Why a registration failed. The original's server sends no words with it."""
        refused = isinstance(error, RefusedError) and error.errno == ErrNo.REFUSED
        if refused and str(error) in (NAME_TAKEN, NO_WORDS):
            return self("name taken", name=name)
        return self.failed(self("do register", name=name), error)

    def login_failed(self, error: ClientError) -> str:
        """Why a login failed."""
        if isinstance(error, RefusedError):
            if error.errno == ErrNo.REFUSED:
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
        """One line for a request that failed; ``what`` is one of the texts that begin with do."""
        return self._table["failed"].format(what=what, why=escape(str(error)))

    def chat_failed(self, target: int, to_group: bool, why: str) -> str:
        """One line for a message that was not taken."""
        return self("group chat failed" if to_group else "chat failed", target=target, why=why)

    def _chat_message(self, event: ChatMessage) -> str:
        who = {"id": event.sender_id, "name": event.sender_name}
        said: dict[str, Any] = {**who, "time": local_time(event), "text": event.text}
        if event.group_id is None:
            return self("said", **said)
        return self("said in group", group=event.group_id, **said)

    def _chat_failed(self, event: ChatFailed) -> str:
        return self.chat_failed(event.target, event.to_group, event.errmsg)

    def _server_error(self, event: ServerError) -> str:
        return self("server error", why=event.errmsg)

    def _goodbye(self, event: Goodbye) -> str:
        return self("goodbye", why=event.reason)


_EVENT_LINES: dict[type, Callable[[PlainText, Any], str]] = {
    ChatMessage: PlainText._chat_message,
    ChatFailed: PlainText._chat_failed,
    ServerError: PlainText._server_error,
    Goodbye: PlainText._goodbye,
}


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
