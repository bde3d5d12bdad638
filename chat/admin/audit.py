"""The audit log: each change that an operator makes, as a row of ``audit`` and as a log line.

The row is in the transaction of the change. So there is no change without a row, and no row without
a change. Neither a password nor a code is ever in it.
"""

from __future__ import annotations

import logging
from typing import TypeVar

from chat.admin.context import AdminContext
from chat.admin.request import AdminRequest
from chat.process.clock import Clock
from chat.safe_text import escape
from chat.storage import Database, Transaction
from chat.storage.base import Work
from chat.storage.tables import AuditModel

log = logging.getLogger(__name__)

T = TypeVar("T")


def write_audited(
    ctx: AdminContext, request: AdminRequest, work: Work[T], target: str, detail: str = ""
) -> T:
    """Run ``work`` and record it, in one transaction. Worker thread: blocks.

    ``target``: the thing that is changed, such as "user 5". Raises StorageError, or the error of
    the work; nothing is recorded then.
    """

    def both(tx: Transaction) -> T:
        result = work(tx)
        now = ctx.clock.unix()
        AuditModel(tx).insert(now, request.actor, request.command, target, detail)
        return result

    result = ctx.database.write(both)
    words = ", ".join(part for part in (target, detail) if part)
    log.info("operator %s: %s: %s", request.actor, request.command, escape(words))
    return result


def delete_old_changes(database: Database, clock: Clock, days: int) -> None:
    """Delete changes that are older than so many days, in several short transactions.

    Worker thread: blocks. All servers of a cluster may do it. Raises StorageError.
    """
    oldest = clock.unix() - days * 86_400
    while database.write(lambda tx: AuditModel(tx).delete_older(oldest)):
        pass
