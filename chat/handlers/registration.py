"""Handler of the registration, and the rules for new passwords. Worker thread."""

from __future__ import annotations

from chat.handlers.context import Context, Request
from chat.login.common_passwords import is_common
from chat.names.name_hash import name_hashes
from chat.protocol import ErrNo, Message, ProtocolError, errors, normal_name
from chat.protocol.requests import RegisterRequest
from chat.storage import Transaction, UniqueViolation
from chat.storage.tables import USERS, InvitationModel, NameModel, OwnedRowsModel, UserModel

OPEN, CLOSED, INVITATION = "open", "closed", "invitation"
"""The values of the setting ``chat.registration``."""


def register(ctx: Context, request: Request[RegisterRequest]) -> Message:
    """REG_MSG. A code is used in the transaction that inserts the user, so a failure uses none."""
    code = _invitation_code(ctx, request)
    given = request.message["name"]
    name = normal_name(given)
    hashes = name_hashes(name)
    password = request.message["password"]
    check_new_password(ctx, password, name, v2=request.v2)
    hashed = ctx.passwords.hash(password)

    def insert(tx: Transaction) -> int:
        claimed = ctx.lookalikes.claim(tx, USERS, hashes)
        if code is not None and not InvitationModel(tx).use(code, ctx.clock.unix()):
            raise _code_refused(errors.CODE_INVALID)  # used up while the password was hashed
        user_id = UserModel(tx).insert(name, hashed, claimed, request.dialect)
        OwnedRowsModel(tx).clear_new(user_id)
        return user_id

    try:
        user_id = ctx.database.write(insert)
    except UniqueViolation as exc:
        raise name_refused(ctx, given, name) from exc
    return {"id": user_id}


def check_new_password(ctx: Context, password: str, name: str, *, v2: bool) -> None:
    """Check length and strength of a new password. Raises ProtocolError(BAD_REQUEST).

    Classic clients have rules of their own, because the original's tutorials use ``123``.
    """
    shortest = ctx.limits.password_min if v2 else ctx.classic.password_min
    if len(password) < shortest:
        between = f"must be a string of {shortest} to {ctx.limits.password_max} characters"
        raise ProtocolError(ErrNo.BAD_REQUEST, f"password: {between}")
    if (v2 or not ctx.classic.common_passwords) and is_common(password, name):
        raise ProtocolError(ErrNo.BAD_REQUEST, errors.COMMON_PASSWORD)


def name_refused(ctx: Context, given: str, name: str) -> ProtocolError:
    """The refusal of a user's name that exists or looks like an existing one.

    ``given``: the name as it was sent; ``name``: its stored form. Raises StorageError.
    """
    taken = ctx.database.read(lambda tx: NameModel(tx, USERS).exists((given, name)))
    return ProtocolError(ErrNo.REFUSED, errors.NAME_TAKEN if taken else errors.NAME_LOOKALIKE)


def _invitation_code(ctx: Context, request: Request[RegisterRequest]) -> str | None:
    """The code to use; None: none is needed. Raises ProtocolError(REFUSED).

    It is checked before the password is hashed, so a client without a code costs little. A code
    that is unknown, used up or expired gets the same answer.
    """
    if ctx.registration == CLOSED:
        raise ProtocolError(ErrNo.REFUSED, errors.REGISTRATION_CLOSED)
    if ctx.registration != INVITATION:
        return None
    code = request.message.get("code") if request.v2 else None
    if not code:
        raise _code_refused(errors.CODE_NEEDED)
    if not ctx.database.read(lambda tx: InvitationModel(tx).is_valid(code, ctx.clock.unix())):
        raise _code_refused(errors.CODE_INVALID)
    return code


def _code_refused(errmsg: str) -> ProtocolError:
    """With a field by which a client knows that it should ask for a code."""
    return ProtocolError(ErrNo.REFUSED, errmsg, invitation=True)
