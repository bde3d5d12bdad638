"""Commands on invitation codes: worker thread."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from chat.admin.audit import write_audited
from chat.admin.context import AdminContext
from chat.admin.errors import AdminError
from chat.admin.request import AdminRequest
from chat.storage import Transaction
from chat.storage.tables import InvitationModel, code_hash, new_code

SHOWN = 10
"""Digits of a hash that name an invitation, for the log and for ``uninvite``."""

NOTE = 200
MAX_USES = 1_000_000


def invite(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """Make a code for registrations. Arguments: uses (1); seconds (0: for ever); note.

    The result has the code, and the value of ``chat.registration``. The table has the hash of the
    code, and the audit log the beginning of the hash.
    """
    uses, seconds = request.number("uses", 1), request.number("seconds", 0)
    note = request.text("note", "")
    if not 0 < uses <= MAX_USES:
        raise AdminError(f"uses: must be from 1 to {MAX_USES}")
    if len(note) > NOTE:
        raise AdminError(f"note: must be at most {NOTE} characters")
    expires = ctx.clock.unix() + seconds if seconds else 0
    code = new_code()
    name = code_hash(code)[:SHOWN]

    def insert(tx: Transaction) -> None:
        InvitationModel(tx).insert(code, uses, expires, note)

    allowed = "1 use" if uses == 1 else f"{uses} uses"
    detail = f"{allowed}: {note}" if note else allowed
    write_audited(ctx, request, insert, f"invitation {name}", detail)
    registration = ctx.reloading.config.chat.registration
    return {
        "code": code,
        "id": name,
        "uses": uses,
        "expires": expires,
        "registration": registration,
    }


def list_invitations(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """All invitations, also those that are used up."""
    found = ctx.database.read(lambda tx: InvitationModel(tx).list())
    return {"invitations": [{**asdict(row), "id": row.hash[:SHOWN]} for row in found]}


def uninvite(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """Delete an invitation. Argument: invitation, its id in the list or its code."""
    wanted = request.text("invitation")

    found = ctx.database.read(lambda tx: _find(tx, wanted))

    def delete(tx: Transaction) -> None:
        if not InvitationModel(tx).delete(found):
            raise _is_unknown()

    write_audited(ctx, request, delete, f"invitation {found[:SHOWN]}")
    return {"id": found[:SHOWN]}


def _find(tx: Transaction, wanted: str) -> str:
    """The hash of an invitation. Raises AdminError."""
    hashes = [row.hash for row in InvitationModel(tx).list()]
    if code_hash(wanted) in hashes:
        return code_hash(wanted)
    found = [known for known in hashes if known.startswith(wanted)]
    if len(wanted) < SHOWN or len(found) != 1:
        raise _is_unknown()
    return found[0]


def _is_unknown() -> AdminError:
    return AdminError("no such invitation; list their ids with: chatctl invites")
