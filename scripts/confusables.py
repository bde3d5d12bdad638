#!/usr/bin/env python3
"""Makes chat/names/confusables.txt from Unicode's confusables.txt.

    python scripts/confusables.py DOWNLOADED > chat/names/confusables.txt

DOWNLOADED is https://www.unicode.org/Public/security/latest/confusables.txt. Raise RULES in
chat/names/name_hash.py after a change: the servers hash all names anew then.
"""

from __future__ import annotations

import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTICE = ROOT / "scripts" / "unicode-license.txt"

HEAD = """\
Characters that look alike, by UTS 39, version {version}. Each line: a character or several, and
those that look like it; hexadecimal. Made by scripts/confusables.py. Left out: pairs of two Han
characters (such as 士 and 土), because people tell them apart.
"""


def main(source: Path) -> None:
    text = source.read_text(encoding="utf-8-sig")
    version = text.partition("# Version: ")[2].split()[0]
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        data = line.partition("#")[0].strip()
        if data:
            character, target = (part.split() for part in data.split(";")[:2])
            if not (is_han(character) and is_han(target)):
                groups[" ".join(target)].append(character[0])
    for line in (HEAD.format(version=version) + "\n" + NOTICE.read_text("utf-8")).splitlines():
        print(f"# {line}".rstrip())  # noqa: T201
    for target, characters in sorted(groups.items()):
        print(f"{target}: {' '.join(sorted(characters))}")  # noqa: T201


def is_han(codes: list[str]) -> bool:
    """Whether one of the codes is a unified ideograph."""
    return any(unicodedata.name(chr(int(c, 16)), "").startswith("CJK UNIFIED") for c in codes)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
