"""The texts of the line mode in English: those of the original's client. Pure."""

from __future__ import annotations

from client.original_commands import ORIGINAL_COMMANDS

_RULE = "=" * 24

TEXTS = {
    "menu": f"{_RULE}\n1. login\n2. register\n3. quit\n{_RULE}",
    "choice": "choice:",
    "id": "id:",
    "username": "username:",
    "password": "password:",
    "code": "invitation code:",
    "invalid choice": "invalid input!",
    "id expected": "id must be a number!",
    "wrong password": "id or password is invalid!",
    "already online": "this account is using, input another!",
    "replace": "log in here and end the other session? y/n:",
    "not used": "the rest of the input was not used",
    "user rule": "======================login user======================",
    "friends rule": "----------------------friend list---------------------",
    "more members": "... and {count} more members",
    "groups rule": "----------------------group list----------------------",
    "end rule": "======================================================",
    "current user": "current login user => id:{id} name:{name}",
    "commands": "show command list >>>",
    "registered": "{name} register success, userid is {id}, do not forget it!",
    "name taken": "{name} is already exist, register error!",
    "friend added": "add friend success: {friend}",
    "friend asked": "user {id} is asked, if there is such a user",
    "group created": "create group success, groupid is {id}, groupname is {name}",
    "group joined": "join group success: {group}",
    "logged out": "loginout success",
    "failed": "{what} failed: {why}",
    "retry": " (try again in {seconds} s)",
    "chat failed": "message to {target} failed: {why}",
    "group chat failed": "message to group {target} failed: {why}",
    "said": "{time} [{id}]{name} said: {text}",
    "said in group": "群消息[{group}]:{time} [{id}]{name} said: {text}",
    "announcement": "announcement of the server: {text}",
    "server error": "error from the server: {why}",
    "goodbye": "the server is about to close the connection: {why}",
    "do register": "{name} register",
    "do login": "login",
    "do addfriend": "add friend {id}",
    "do creategroup": "create group {name}",
    "do addgroup": "join group {id}",
    "do loginout": "loginout",
    **{f"command {command.name}": command.description for command in ORIGINAL_COMMANDS},
}
