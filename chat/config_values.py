"""The possible values of each setting: choices, and the range of each number. Pure.

A key is named with its section, such as ``limits.name``.
"""

from __future__ import annotations

import re

CHOICES = {
    "chat.delivery": ("stored", "direct"),
    "chat.on_duplicate_login": ("refuse", "replace"),
    "chat.friend_requests": ("open", "approve"),
    "chat.presence": ("all", "friends", "none"),
    "chat.registration": ("open", "closed", "invitation"),
    "chat.group_join": ("open", "invite"),
    "server.log_level": ("debug", "info", "warning", "error"),
    "server.log_format": ("text", "json"),
}

_DAY = 86_400
MAXIMUM: dict[str, float] = {
    # The widths of the columns.
    "limits.name": 50,
    "limits.group_name": 50,
    "limits.group_desc": 200,
    "limits.ban_reason": 200,
    "limits.opaque": 64,
    "limits.classic_time": 40,
    "limits.text_bytes": 1024 * 1024,
    "limits.history": 1000,
    "limits.group_members": 100_000,
    "limits.groups": 10_000,
    "limits.friends": 100_000,
    "limits.blocked": 100_000,
    "limits.members": 1000,
    "limits.query": 1000,
    "limits.new_devices": 1_000_000,
    "limits.joins": 1_000_000,
    "limits.new_groups": 1_000_000,
    "limits.new_friends": 1_000_000,
    "limits.invitations": 1_000_000,
    "limits.renames": 1_000_000,
    "limits.password_changes": 1_000_000,
    "limits.group_changes": 1_000_000,
    "limits.moderations": 1_000_000,
    "limits.reads": 1_000_000,
    "limits.conversation_lists": 1_000_000,
    "limits.other_changes": 1_000_000,
    "limits.lookups": 1_000_000,
    "limits.searches": 1_000_000,
    "limits.answer_kib": 1024 * 1024,
    "limits.failures_of_network": 1_000_000,
    "limits.failures_of_account": 1_000_000,
    "limits.registrations_of_network": 1_000_000,
    "limits.mailbox_rows": 100_000_000,
    "limits.mailbox_bytes": 2**40,
    # The threads and the memory of a machine. A larger number is a typing mistake.
    "server.threads": 64,
    "server.workers": 64,
    "server.hash_threads": 64,
    "server.max_connections": 1_000_000,
    "server.max_frame": 16 * 1024 * 1024,  # our own client takes no longer frames
    "limits.guests_per_address": 1_000_000,
    "limits.users_per_address": 1_000_000,
    "limits.connect_rate": 1_000_000,
    "limits.connect_burst": 1_000_000,
    "limits.tls_handshakes": 1_000_000,
    "limits.guest_frame": 1024 * 1024,
    "limits.guest_bytes": 1024 * 1024,
    "limits.guest_rate": 1_000_000,
    "limits.user_rate": 10_000_000,
    "limits.seqs": 100_000,
    "limits.invitations_sent": 100_000,
    "limits.invitations_received": 100_000,
    "limits.group_bans": 1_000_000,
    "limits.password_max": 4096,
    "limits.password_min": 4096,
    "classic.password_min": 4096,
    "classic.frame": 16 * 1024 * 1024,
    "database.pool": 1000,
    "password.time_cost": 100,
    "password.memory_kib": 1024 * 1024,
    "password.parallelism": 64,
    # Times. A larger number is a mistake in the unit.
    "server.heartbeat": _DAY,
    "server.login_seconds": 30 * _DAY,
    "limits.frame_seconds": _DAY,
    "server.stall_seconds": _DAY,
    "server.drain_seconds": 3600,
    "chat.devices": 100,
    "chat.device_days": 36_500,
    "chat.token_days": 36_500,
    "chat.retention_days": 36_500,
    "server.audit_days": 36_500,
    "chat.login_failures": 1_000_000,
    "chat.login_failure_window": 30 * _DAY,
    "classic.gap": 1,
}
"""The largest value of each number."""

_node_name = re.compile(r"[A-Za-z0-9._:-]{0,64}").fullmatch
"""Redis allows no blanks in a client's name, and the column ``node`` has 64 characters."""

MINIMUM = {
    "chat.retention_days": 0,
    "server.audit_days": 0,
    "server.threads": 0,
    "server.hash_threads": 0,
    "server.drain_seconds": 0,
    "limits.password_min": 0,
    "classic.gap": 0,
    "classic.frame": 0,
    "server.max_frame": 1024,  # a login with all its fields
    "limits.guest_frame": 1024,
    "limits.guest_bytes": 1024,
    "limits.opaque": 43,  # our own tokens
}
"""The smallest value, where it is not 1 (or 0 for a fraction)."""

MIN_CLASSIC_FRAME = 800
"""Bytes that hold all fields of a message except its text, each of the greatest length."""


def problem_of(key: str, value: object) -> str | None:
    """The fault of this value of a setting; None: it has none."""
    if isinstance(value, str | tuple) and any("\0" in text for text in value):
        return "must not contain NUL"
    if key in CHOICES and value not in CHOICES[key]:
        return f"must be one of {', '.join(CHOICES[key])}"
    if key == "server.node" and not _node_name(str(value)):
        return "must be up to 64 letters, digits and . _ : -"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _problem_of_number(key, value)
    return None


def _problem_of_number(key: str, value: float) -> str | None:
    if key in MAXIMUM and not value <= MAXIMUM[key]:
        return f"must be at most {MAXIMUM[key]}"
    minimum = MINIMUM.get(key, 1 if isinstance(value, int) else 0)
    if not value >= minimum:
        return f"must be at least {minimum}"
    if key == "classic.frame" and 0 < value < MIN_CLASSIC_FRAME:
        return f"must be at least {MIN_CLASSIC_FRAME}, or 0 for no limit"
    return None
