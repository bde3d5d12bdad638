"""The results of commands, as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chat.chatctl.table import date, pairs, table
from chat.safe_text import escape

Result = Mapping[str, Any]
View = Callable[[Result], list[str]]


def users(result: Result) -> list[str]:
    rows = [
        (user["id"], user["name"], user["state"], user["status"], user["node"])
        for user in result["users"]
    ]
    return [*table(("id", "name", "state", "status", "node"), rows), *_more(result)]


def user(result: Result) -> list[str]:
    return pairs(
        [
            ("id", result["id"]),
            ("name", result["name"]),
            ("status", result["status"]),
            ("state", result["state"]),
            ("node", result["node"]),
            ("friends", result["friends"]),
            ("groups", result["groups"]),
            ("waiting messages", result["waiting"]),
        ]
    )


def sessions(result: Result) -> list[str]:
    login, devices = result["login"], result.get("devices", ())
    lines = [] if any(device["node"] for device in devices) else ["not logged in"]
    if login is not None:
        lines = pairs(
            [
                ("logged in at", login["node"]),
                ("address", result["peer"]),
                ("device", login["device"]),
            ]
        )
    for device in devices:
        name = escape(device["label"]) or ("no name" if device["deviceid"] else "older clients")
        place = f"at {device['node']}" if device["node"] else "offline"
        lines.append(
            f"device {device['deviceid']} ({name}): {place}, last login {date(device['used'])}"
        )
    lines.append(_count(len(result["tokens"]), "token"))
    return lines + [f"  last used {date(used)}" for used in result["tokens"]]


def disabled(result: Result) -> list[str]:
    return [f"{_name(result)} is disabled; its login and its tokens have ended"]


def enabled(result: Result) -> list[str]:
    return [f"{_name(result)} is enabled: it can log in with its password"]


def logged_out(result: Result) -> list[str]:
    return [f"{_name(result)} is logged out; its tokens have ended"]


def new_password(result: Result) -> list[str]:
    return [f"the new password of {_name(result)} is", result["password"]]


def _name(result: Result) -> str:
    return f"user {result['id']} ({escape(result['name'])})"


def groups(result: Result) -> list[str]:
    rows = [
        (group["id"], group["name"], group["join"], group["members"]) for group in result["groups"]
    ]
    return [*table(("id", "name", "join", "members"), rows), *_more(result)]


def group(result: Result) -> list[str]:
    head = pairs(
        [
            ("id", result["id"]),
            ("name", result["name"]),
            ("description", result["desc"]),
            ("join", result["join"]),
            ("members", result["members"]),
        ]
    )
    rows = [(user["id"], user["name"], user["role"], user["state"]) for user in result["users"]]
    return [*head, "", *table(("id", "name", "role", "state"), rows), *_more(result)]


def dissolved(result: Result) -> list[str]:
    return [f"group {result['id']} is dissolved; it had {_count(result['members'], 'member')}"]


def banned(result: Result) -> list[str]:
    return [f"{result['network']} is banned {_until(result['expires'])}"]


def _until(expires: int) -> str:
    return f"until {date(expires)}" if expires else "for ever"


def unbanned(result: Result) -> list[str]:
    return [f"{result['network']} is not banned any more; every server knows within 5 seconds"]


def bans(result: Result) -> list[str]:
    rows = [(ban["network"], date(ban["expires"]), ban["reason"]) for ban in result["bans"]]
    return table(("network", "until", "reason"), rows)


_CODE_IS_UNUSED = {
    "open": "(users need no code: chat.registration is open)",
    "closed": "(no user can register: set chat.registration to invitation)",
}


def invitation(result: Result) -> list[str]:
    lines = pairs(
        [
            ("code", result["code"]),
            ("uses", result["uses"]),
            ("until", date(result["expires"])),
        ]
    )
    note = _CODE_IS_UNUSED.get(result["registration"])
    return lines if note is None else [*lines, note]


def invitations(result: Result) -> list[str]:
    rows = [
        (row["id"], row["uses"], date(row["expires"]), row["note"]) for row in result["invitations"]
    ]
    return table(("id", "uses left", "until", "note"), rows)


def uninvited(result: Result) -> list[str]:
    return [f"invitation {result['id']} is deleted"]


def announced(result: Result) -> list[str]:
    return [
        f"shown to {_count(result['here'], 'user')} here, and to all users at the other servers"
    ]


def nodes(result: Result) -> list[str]:
    rows = [
        (
            node["name"] + (" *" if node["name"] == result["here"] else ""),
            node["state"] if node["alive"] else "dead",
            node["users"],
            node["connections"],
            node["lease"],
            node["bus"],
        )
        for node in result["nodes"]
    ]
    return table(("node (* answers)", "state", "users", "connections", "lease", "bus"), rows)


def drained(result: Result) -> list[str]:
    if result["here"]:
        return [f"{result['node']} drains now, and then ends"]
    return [
        f"{result['node']} drains within 3 seconds; follow it with: chatctl node list",
        "(a server of version 0.2 does not know this command: stop it where it runs)",
    ]


def top(result: Result) -> list[str]:
    seconds = result["seconds"]
    rows = [
        (
            row["peer"],
            row["owner"],
            row["cost"] / seconds,
            row["received"] / seconds / 1024,
            row["sent"] / seconds / 1024,
        )
        for row in result["connections"]
    ]
    head = ("address", "user", "frames/s", "KiB/s in", "KiB/s out")
    return [*table(head, rows), _top_note(result["all"])]


def _top_note(count: int) -> str:
    return f"({_count(count, 'connection')}; a frame of 5 KiB counts as 6 frames)"


def limits(result: Result) -> list[str]:
    rows = [(row["name"], row["value"], row["use"]) for row in result["limits"]]
    return table(("limit", "value", "highest use"), rows)


def reloaded(result: Result) -> list[str]:
    lines = [f"changed: {', '.join(result['changed']) or 'nothing'}"]
    if result["certificate"]:
        lines.append("the certificate was read again, for new connections")
    if result["restart"]:
        lines.append(f"these need a restart: {', '.join(result['restart'])}")
    return lines


def log_level(result: Result) -> list[str]:
    return [f"the log has level {result['level']}, until the next reload or start"]


def audit(result: Result) -> list[str]:
    rows = [
        (date(entry["time"]), entry["actor"], entry["action"], entry["target"], entry["detail"])
        for entry in result["entries"]
    ]
    return table(("time", "operator", "command", "target", "detail"), rows)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _more(result: Result) -> list[str]:
    after = result["more"]
    return [] if after is None else [f"(there are more: --after {after})"]
