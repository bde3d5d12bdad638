"""The command that shows a text to all users: worker thread."""

from __future__ import annotations

from typing import Any

from chat.admin.audit import write_audited
from chat.admin.context import AdminContext
from chat.admin.errors import AdminError
from chat.admin.request import AdminRequest
from chat.announcement import MAX_ANNOUNCEMENT


def announce(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """Show a text to all users online, at all servers. Argument: text."""
    text = request.text("text")
    if len(text) > MAX_ANNOUNCEMENT:
        raise AdminError(f"text: must be at most {MAX_ANNOUNCEMENT} characters")
    write_audited(ctx, request, lambda tx: None, "all users", text)
    return {"here": ctx.delivery.announcements.tell(text, ctx.clock.text())}
