"""docs/security.md has a row for each attack, and names only settings that exist."""

from __future__ import annotations

import re
from pathlib import Path

from bench.attacks.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_each_attack_has_a_row_with_its_connections() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (\d+) \|", PAGE, re.M)
    assert rows == [(kind.name, str(kind.connections)) for kind in KINDS.values()]


def test_each_setting_exists() -> None:
    sample = (ROOT / "conf" / "chatserver.toml").read_text(encoding="utf-8")
    found = re.findall(r"`(server|chat|classic|limits)\.([a-z_]+)`", PAGE)
    assert found
    for section, key in found:
        part = re.search(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", sample, re.M | re.S)
        assert part is not None
        assert re.search(rf"^{key} = ", part[1], re.M), f"{section}.{key}"
