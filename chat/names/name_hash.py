"""Computes two hashes of a name, which are equal for names that look alike.

``folded`` is equal for names that differ only in case, width or invisible characters: ``Li Si`` and
``ＬＩ ＳＩ``. ``skeleton`` is equal for names with the same skeleton of UTS 39: ``Ivan`` and
``lvan``, or ``Bob`` and ``Вob`` with a Cyrillic letter. There are two, because a single hash would
refuse ``lvan`` beside ``ivan``, which look different.

The hashes keep the columns short: 128 bits for a skeleton of any length. They do not protect
against forged names.
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
"""The number of these rules. Raise it with each change of the rules or of confusables.txt: then the
servers compute all hashes anew. It is part of each hash, so hashes of different rules differ."""

TABLE = Path(__file__).with_name("confusables.txt")
HASH_BYTES = 16

_repeated_mark = re.compile(r"([\u0300-\u036f])\1+")


def name_hashes(name: str) -> NameHashes:
    """The hashes of a name. Any thread."""
    seen = visible_part(name)
    return NameHashes(_hash(fold(seen)), _hash(skeleton(seen)))


def fold(name: str) -> str:
    """The name without differences of case and width."""
    return _fold(_fold(name))  # twice, because NFKC may change the result of case folding


def skeleton(name: str) -> str:
    """The skeleton of UTS 39, without differences of case and width.

    It replaces lookalikes first and folds the case second: Cyrillic ``В`` looks like ``B``, while
    its small form ``в`` does not look like ``b``. Then it replaces lookalikes again, for the
    letters that folding has made small.
    """
    text = _replace(_fold(_replace(name))).casefold()
    return _repeated_mark.sub(r"\1", text)  # a repeated accent is drawn over the first


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _replace(text: str) -> str:
    replaced = unicodedata.normalize("NFD", text).translate(_confusables())
    return unicodedata.normalize("NFD", replaced)


@cache
def _confusables() -> dict[int, str]:
    """The table of lookalikes, read for the first name: that takes some milliseconds."""
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
