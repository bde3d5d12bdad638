#!/usr/bin/env python3
"""Writes docs/licenses.md: the licence of each locked dependency, from its installed metadata.

scripts/lock.sh runs it where all packages of requirements-dev.lock are installed. Packages that the
lock file has for other systems or versions of Python only are not installed, and are left out.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licenses.md"

INTRODUCTION = """\
# Licences of the dependencies

This table has each package that `scripts/autobuild.sh` installs on Linux, with the version of the
lock files and the licence that its metadata state. *Programs* are the packages of
`requirements.lock`: the servers and the client need them, or they build the project. *Checks* are
the further packages of `requirements-dev.lock`. The project itself is under the
[MIT licence](../LICENSE). Of `muduopy`, only `muduopy.websocket` needs another package. Only
servers with a MySQL or MariaDB database load `mysql-connector-python`. `scripts/lock.sh` writes
this page.
"""

# Names of the same licence in the metadata of different packages, by SPDX identifiers.
SPDX = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "BSD 3-Clause License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache-2.0 license": "Apache-2.0",
    "GNU GPLv2 (with FOSS License Exception)": "GPL-2.0-only WITH Universal-FOSS-exception-1.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def locked(file: str) -> dict[str, str]:
    """The packages of a lock file with their versions."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.M))


def licence(package: str) -> str | None:
    """The licence of an installed package, or None if it is not installed."""
    try:
        metadata = importlib.metadata.metadata(package)
    except importlib.metadata.PackageNotFoundError:
        return None
    classifiers = metadata.get_all("Classifier") or []
    named = [text.rpartition(" :: ")[2] for text in classifiers if text.startswith("License ::")]
    text = metadata.get("License-Expression") or metadata.get("License") or ""
    if not text or len(text.splitlines()) > 1:  # some packages state the whole text there
        text = ", ".join(named)
    return SPDX.get(text, text) or "not stated"


def page() -> str:
    """The page."""
    programs = locked("requirements.lock")
    rows = [
        f"| {name} | {version} | {found} | {'programs' if name in programs else 'checks'} |"
        for name, version in sorted(locked("requirements-dev.lock").items())
        if (found := licence(name)) is not None
    ]
    table = ["| package | version | licence | for |", "|---|---|---|---|", *rows]
    return INTRODUCTION + "\n" + "\n".join(table) + "\n"


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} is written\n")


if __name__ == "__main__":
    main()
