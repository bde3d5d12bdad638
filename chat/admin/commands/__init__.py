"""The commands of operators, one module for each subject. See chat.admin.service.Command."""

from __future__ import annotations

from collections.abc import Mapping

from chat.admin.commands.announcing import announce
from chat.admin.commands.audit_log import audit
from chat.admin.commands.bans import ban_address, list_bans, unban_address
from chat.admin.commands.groups import dissolve_group, list_groups, show_group
from chat.admin.commands.invitations import invite, list_invitations, uninvite
from chat.admin.commands.nodes import drain_node, list_nodes
from chat.admin.commands.settings import reload_settings, set_log_level
from chat.admin.commands.usage import show_limits, top
from chat.admin.commands.users import (
    disable_user,
    enable_user,
    list_users,
    log_user_out,
    reset_password,
    show_sessions,
    show_user,
)
from chat.admin.service import Command

COMMANDS: Mapping[str, Command] = {
    "user list": list_users,
    "user show": show_user,
    "user disable": disable_user,
    "user enable": enable_user,
    "user reset-password": reset_password,
    "user sessions": show_sessions,
    "user logout": log_user_out,
    "group list": list_groups,
    "group show": show_group,
    "group dissolve": dissolve_group,
    "ban address": ban_address,
    "unban": unban_address,
    "bans": list_bans,
    "invite": invite,
    "invites": list_invitations,
    "uninvite": uninvite,
    "announce": announce,
    "node list": list_nodes,
    "node drain": drain_node,
    "top": top,
    "limits show": show_limits,
    "reload": reload_settings,
    "log-level": set_log_level,
    "audit": audit,
}
