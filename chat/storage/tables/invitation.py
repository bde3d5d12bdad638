"""InvitationModel: the table ``invitation``: codes with which users register.

The table has the SHA-256 of each code. A fast hash is enough, because a code is 100 random bits.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from chat.storage.base import Transaction

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""For codes: without ``i``, ``l``, ``o``, ``0`` and ``1``, which look alike on paper."""

PARTS, PART_LETTERS = 4, 5


@dataclass(frozen=True, slots=True)
class Invitation:
    """A row of ``invitation``.

    Attributes:
        hash: the SHA-256 of the code, in hexadecimal.
        uses: the registrations that are left.
        expires: Unix seconds; 0: never.
        note: a remark of the operator.
    """

    hash: str
    uses: int
    expires: int
    note: str


def new_code() -> str:
    """A random code, such as ``mq4vk-3fwzt-x8d2n-ab7cp``."""
    return "-".join(
        "".join(secrets.choice(LETTERS) for _ in range(PART_LETTERS)) for _ in range(PARTS)
    )


def code_hash(code: str) -> str:
    """The key of a code. Hyphens, blanks and the case of letters make no difference."""
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode(errors="surrogatepass")).hexdigest()


class InvitationModel:
    """Invitations by the hash of their code, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, code: str, uses: int, expires: int, note: str = "") -> None:
        """Store a new code. ``expires``: Unix seconds; 0: never. Raises UniqueViolation."""
        self._tx.execute(
            "INSERT INTO invitation (hash, uses, expires, note) VALUES (?, ?, ?, ?)",
            (code_hash(code), uses, expires, note),
        )

    def use(self, code: str, now: int) -> bool:
        """Use a code once; False if it is unknown, used up or expired. ``now``: Unix seconds.

        Call it in the transaction of the registration: then a failed registration uses nothing. The
        row of a used-up code stays, with ``uses`` 0, for the operator.
        """
        return bool(
            self._tx.execute(
                "UPDATE invitation SET uses = uses - 1 "
                "WHERE hash = ? AND uses > 0 AND (expires = 0 OR expires > ?)",
                (code_hash(code), now),
            )
        )

    def is_valid(self, code: str, now: int) -> bool:
        """Could ``use`` use this code?"""
        return bool(
            self._tx.query(
                "SELECT 1 FROM invitation "
                "WHERE hash = ? AND uses > 0 AND (expires = 0 OR expires > ?)",
                (code_hash(code), now),
            )
        )

    def list(self) -> list[Invitation]:
        """All invitations, the next to expire first."""
        rows = self._tx.query(
            "SELECT hash, uses, expires, note FROM invitation ORDER BY expires, hash"
        )
        return [Invitation(*row) for row in rows]

    def delete(self, hash_: str) -> bool:
        """Delete the invitation with this hash; False if there is none."""
        return bool(self._tx.execute("DELETE FROM invitation WHERE hash = ?", (hash_,)))
