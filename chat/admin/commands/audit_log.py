"""The command that shows the audit log: worker thread."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from chat.admin.commands.pages import limit_of
from chat.admin.context import AdminContext
from chat.admin.request import AdminRequest
from chat.storage.tables import AuditModel

DEFAULT_LAST = 20


def audit(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """The newest changes, the oldest of them first. Argument: limit."""
    limit = limit_of(request, DEFAULT_LAST)
    rows = ctx.database.read(lambda tx: AuditModel(tx).last(limit))
    return {"entries": [asdict(row) for row in rows]}
