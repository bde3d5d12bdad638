"""Hashes of names, by which the database tells that two names look alike.

``folded`` is the same for names that differ only in case, width or invisible characters: ``Li Si``
and ``ＬＩ ＳＩ``. ``skeleton`` is the same for names with the same skeleton of UTS 39: ``Ivan`` and
``lvan``, ``Bob`` and ``Вob`` with a Cyrillic letter. One hash would not do: it would refuse
``lvan`` beside ``ivan``, which look different.

Not for signing anything: 128 bits, so that a column is short whatever a skeleton's length.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import cache
from pathlib import Path

from chat.protocol.names import visible_part
from chat.storage.tables import NameHashes

RULES = 1
"""The number of these rules. A change of them, or of confusables.txt, must raise it: the servers
compute the hashes of all names anew then. It is part of each hash: two rules never agree."""

TABLE = Path(__file__).with_name("confusables.txt")
HASH_BYTES = 16

_repeated_mark = re.compile(r"([\u0300-\u036f])\1+")


def name_hashes(name: str) -> NameHashes:
    """Any thread."""
    seen = visible_part(name)
    return NameHashes(_hash(fold(seen)), _hash(skeleton(seen)))


def fold(name: str) -> str:
    """Without differences of case and width."""
    return _fold(_fold(name))  # twice: folding the case can leave what NFKC would change


def skeleton(name: str) -> str:
    """The skeleton of UTS 39, without differences of case and width.

    Looks come first and case second: Cyrillic ``В`` looks like ``B``, while its small form does
    not look like ``b``. Then looks again, for the letters that have become small.
    """
    text = _replace(_fold(_replace(name))).casefold()
    return _repeated_mark.sub(r"\1", text)  # a second accent is drawn upon the first


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _replace(text: str) -> str:
    replaced = unicodedata.normalize("NFD", text).translate(_confusables())
    return unicodedata.normalize("NFD", replaced)


@cache
def _confusables() -> dict[int, str]:
    """Read when the first name is hashed: it takes some milliseconds."""
    table: dict[int, str] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            codes, _, characters = line.partition(":")
            target = "".join([chr(int(code, 16)) for code in codes.split()])
            table.update(dict.fromkeys([int(code, 16) for code in characters.split()], target))
    return table


def _hash(text: str) -> str:
    person = b"name %d" % RULES
    return hashlib.blake2b(
        text.encode(errors="replace"), digest_size=HASH_BYTES, person=person
    ).hexdigest()
