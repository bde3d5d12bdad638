"""Commands on groups: worker thread."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from chat.admin.audit import write_audited
from chat.admin.commands.pages import limit_of, page
from chat.admin.commands.users import is_id
from chat.admin.context import AdminContext
from chat.admin.errors import AdminError
from chat.admin.request import AdminRequest
from chat.delivery.group_events import GroupChange, Recorded
from chat.group_notice import DISSOLVED
from chat.storage import Transaction
from chat.storage.tables import DeviceModel, GroupListModel, GroupModel, GroupRow


def list_groups(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """A page of groups. Arguments: search, after, limit."""
    limit, after = limit_of(request), request.number("after", 0)
    search = request.text("search", "")
    rows = ctx.database.read(lambda tx: GroupListModel(tx).search(search, after, limit + 1))
    return page("groups", rows, limit)


def show_group(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """A group and a page of its members. Arguments: group, after, limit."""
    limit, after = limit_of(request), request.number("after", 0)

    def look(tx: Transaction) -> dict[str, Any]:
        group = _find_group(tx, request)
        rows = GroupListModel(tx).members(group.id, after, limit + 1)
        names = ("id", "name", "role", "state")
        users = [dict(zip(names, row, strict=True)) for row in rows[:limit]]
        more = users[-1]["id"] if len(rows) > limit else None
        return {**asdict(group), "users": users, "more": more}

    return ctx.database.read(look)


def dissolve_group(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """End a group. The messages stay in the log. Argument: group."""
    group = ctx.database.read(lambda tx: _find_group(tx, request))

    def dissolve(tx: Transaction) -> list[Recorded]:
        DeviceModel(tx).hold_shared()
        if not GroupModel(tx).change(group.id):  # its creator has just dissolved it
            raise AdminError(f"group {group.id} has just ended")
        ended = GroupChange(group.id, DISSOLVED, 0, 0, fields={"groupname": group.name})
        recorded = ctx.delivery.group_events.record(tx, ended)
        GroupModel(tx).delete(group.id)
        return recorded

    detail = f"{group.members} members"
    recorded = write_audited(ctx, request, dissolve, f"group {group.id} {group.name}", detail)
    ctx.delivery.group_dissolved(group.id)
    ctx.delivery.group_events.announce(recorded)
    return {"id": group.id, "name": group.name, "members": group.members}


def _find_group(tx: Transaction, request: AdminRequest) -> GroupRow:
    """The group that the argument ``group`` names by its id or its name. Raises AdminError."""
    wanted = request.text("group")
    model = GroupListModel(tx)
    row = model.find(int(wanted)) if is_id(wanted) else model.find_name(wanted)
    if row is None:
        raise AdminError(f"no group {wanted!r}; find groups with: chatctl group list --search TEXT")
    return row
