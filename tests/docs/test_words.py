"""Sources, tests and pages name persons and parts by nouns: the receiver, the caller, no user.

Five pronouns hide the noun, so that a reader has to guess it. None of them may occur.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.test_width import ROOT, tracked

PRONOUNS = (
    *(f"who{end}" for end in ("ever", "m")),
    *(f"{start}body" for start in ("no", "some", "any")),
)
"""Composed, so that this file passes, too."""

PRONOUN = re.compile(rf"(?<![a-z])(?:{'|'.join(PRONOUNS)})(?![a-z])", re.IGNORECASE)
"""Also as a part of a name, such as that of a function."""

THIRD_PARTY = {
    "LICENSE",
    "chat/names/confusables.txt",
    "scripts/unicode-license.txt",
}
"""Texts of other authors."""


def lines_with_pronouns(text: str) -> list[int]:
    """The numbers of the lines that contain a pronoun."""
    return [number for number, line in enumerate(text.splitlines(), 1) if PRONOUN.search(line)]


def own_texts() -> list[Path]:
    """All texts of this project in the repository."""
    return [path for path in tracked() if str(path.relative_to(ROOT)) not in THIRD_PARTY]


FOLDERS = sorted({path.relative_to(ROOT).parts[0] for path in own_texts()})


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_pronoun_hides_a_noun(folder: str) -> None:
    """``folder``: or a file at the top."""
    found = [
        f"{name}:{number}"
        for path in own_texts()
        if (name := path.relative_to(ROOT)).parts[0] == folder
        for number in lines_with_pronouns(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert not found


def test_pronouns_are_found() -> None:
    for pronoun in PRONOUNS:
        assert lines_with_pronouns(f"the receiver\nwrites to {pronoun.title()}.") == [2]
        assert lines_with_pronouns(f"def test_{pronoun}_writes() -> None:") == [1]
    assert not lines_with_pronouns("No user is here; some bodies are anyone's.")
